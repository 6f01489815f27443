"""Carries out deliveries of hooks: posts webhooks and starts workflows, each until it came through.

Every hook has a lane of its own, a task that takes some of its deliveries at a time; so a receiver that is
slow or dead keeps nothing but its own deliveries waiting. Nothing that is stored for an execution waits for
any of this.

A delivery is counted as an attempt and leased before it is tried. If this manager dies meanwhile, it is tried
again under the same id: a receiver sees each once, or after a crash at least once. A workflow is started in
the transaction that ends its delivery, once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from cloudwright.background import TaskSet
from cloudwright.errors import CloudwrightError, Forbidden, NotFound, Unavailable
from cloudwright.manager.accounts import Accounts
from cloudwright.manager.executions import Executions, StartExecution
from cloudwright.manager.maintenance import Maintenance
from cloudwright.manager.principals import Principal
from cloudwright.manager.secrets import Secrets, Viewer
from cloudwright.manager.webhooks import NotAccepted, Webhooks
from cloudwright.model.hook import DeliveryState, Hook
from cloudwright.model.permissions import Permission, is_permitted
from cloudwright.storage import hooks
from cloudwright.storage.hooks import Delivery
from cloudwright.storage.records import Execution
from cloudwright.storage.store import Connection, Store
from cloudwright.storage.visibility import locate

#: How many deliveries of one hook are tried at a time.
AT_ONCE = 4
#: For how long (seconds) they are its manager's: more than an attempt can take.
LEASE_SECONDS = 60.0
#: After how long (seconds) a delivery is tried again, by the number of the attempt; then it is given up. They
#: are more than a day in all.
RETRY_AFTER = (2.0, 10.0, 60.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 36_000.0)
#: How long (seconds) a lane rests if all that it tried failed: at first, and at most.
FIRST_REST, LONGEST_REST = 1.0, 60.0
#: The longest wait (seconds) without a look at what is due.
LONGEST_WAIT = 60.0

log = logging.getLogger(__name__)


class GivenUp(CloudwrightError):
    """It makes no sense to try a delivery again."""


class HookSender:
    """``name`` is that of its manager. ``retry_after`` are the pauses between attempts, ``first_rest`` is the
    first one of a lane whose attempts failed (seconds).
    """

    def __init__(
        self,
        store: Store,
        executions: Executions,
        accounts: Accounts,
        secrets: Secrets,
        maintenance: Maintenance,
        webhooks: Webhooks,
        clock: Callable[[], datetime],
        *,
        name: str,
        retry_after: Sequence[float] = RETRY_AFTER,
        first_rest: float = FIRST_REST,
    ) -> None:
        self._store = store
        self._executions = executions
        self._accounts = accounts
        self._secrets = secrets
        self._maintenance = maintenance
        self._webhooks = webhooks
        self._clock = clock
        self._name = name
        self._retry_after = retry_after
        self._first_rest = first_rest
        self._wake = asyncio.Event()
        self._lanes: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._tasks = TaskSet(on_failure=self._wake.set)

    @property
    def busy(self) -> bool:
        """Whether something is being tried now. What is to be tried later can wait for the next start."""
        return bool(self._lanes)

    async def start(self) -> None:
        """Try deliveries again that an earlier run of this manager took, and then whatever is due."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            # The writer may commit once more while the loop is being closed.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._wake.set)

        self._store.on_triggered = wake
        await self._store.write(hooks.release, self._name, self._clock())
        self._tasks.spawn(self._keep(), "delivering hooks")

    def wake(self) -> None:
        """Look again at what is due."""
        self._wake.set()

    async def close(self) -> None:
        self._store.on_triggered = lambda: None
        await self._tasks.close()
        await self._webhooks.close()

    async def _keep(self) -> None:
        while True:
            self._wake.clear()
            wait = LONGEST_WAIT
            try:
                for tenant, hook_id, when in await self._store.read(hooks.due):
                    left = (when - self._clock()).total_seconds()
                    if left <= 0:
                        self._run_lane(tenant, hook_id)
                    else:
                        wait = min(wait, left)
            except Unavailable as error:
                log.warning("Hooks wait for the database: %s", error)
                wait = FIRST_REST
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()

    def _run_lane(self, tenant: str, hook_id: str) -> None:
        key = tenant, hook_id
        if key in self._lanes:
            return
        lane = self._tasks.spawn(self._lane(tenant, hook_id), f"the hook {hook_id} of tenant {tenant}")
        self._lanes[key] = lane
        lane.add_done_callback(lambda _: self._lane_ended(key))

    def _lane_ended(self, key: tuple[str, str]) -> None:
        self._lanes.pop(key, None)
        # What became due meanwhile was not taken by another one.
        self._wake.set()

    async def _lane(self, tenant: str, hook_id: str) -> None:
        rest = self._first_rest
        while taken := await self._take(tenant, hook_id):
            done = await asyncio.gather(*(self._try(delivery) for delivery in taken))
            if any(done):
                rest = self._first_rest
            else:
                await asyncio.sleep(rest)
                rest = min(2 * rest, LONGEST_REST)

    async def _take(self, tenant: str, hook_id: str) -> list[Delivery]:
        now = self._clock()
        until = now + timedelta(seconds=LEASE_SECONDS)
        return await self._store.write(
            hooks.take, tenant, hook_id, by=self._name, most=AT_ONCE, until=until, now=now
        )

    async def _try(self, delivery: Delivery) -> bool:
        """Carry out a delivery, or record why it failed and when it is tried again. Returns whether it came
        through.
        """
        status = None
        try:
            hook = await self._store.read(hooks.get, delivery.tenant, delivery.hook_id)
            await self._deliver(hook, delivery)
            return True
        except NotAccepted as error:
            reason, status = str(error), error.status
            again = True
        except Unavailable as error:
            reason, again = str(error), True
        except CloudwrightError as error:
            reason, again = str(error), False
        except Exception as error:
            # A defect must not have it tried in a circle.
            log.exception("delivery %s of hook %s failed", delivery.id, delivery.hook_id)
            reason, again = f"Internal error: {type(error).__name__}", True
        await self._failed(delivery, reason, status, again)
        return False

    async def _failed(self, delivery: Delivery, reason: str, status: int | None, again: bool) -> None:
        now = self._clock()
        if again and delivery.attempts <= len(self._retry_after):
            until = now + timedelta(seconds=self._retry_after[delivery.attempts - 1])
            await self._store.write(hooks.postpone, delivery, until, response_status=status, error=reason)
            return
        log.warning("Hook `%s` gave delivery %s up: %s", delivery.hook_id, delivery.id, reason)
        await self._store.write(
            hooks.finish, delivery, DeliveryState.FAILED, now, response_status=status, error=reason
        )

    async def _deliver(self, hook: Hook, delivery: Delivery) -> None:
        principal = await self._principal(hook, delivery)
        if hook.url is not None:
            await self._post(hook, delivery, principal)
        else:
            await self._start(hook, delivery, principal)

    async def _principal(self, hook: Hook, delivery: Delivery) -> Principal:
        """Return the hook's owner, if they may see what happened. Raises GivenUp."""
        try:
            principal = await self._accounts.principal(hook.created_by)
            await self._accounts.check_tenant(principal, hook.tenant)
            await self._store.read(
                locate, principal.scope(hook.tenant), hook.tenant, "executions", delivery.execution_id
            )
        except (Forbidden, NotFound) as error:
            raise GivenUp(f"The hook's owner may not see what happened. {error}") from error
        if not is_permitted(principal.roles_in(hook.tenant), Permission.EVENT_LIST):
            raise GivenUp(f"User `{principal.username}`, who owns the hook, may not see events any more.")
        return principal

    async def _post(self, hook: Hook, delivery: Delivery, principal: Principal) -> None:
        assert hook.url is not None
        viewer = Viewer(principal.username, principal.is_admin, principal.administers, uses=True)
        try:
            _, secret = await self._secrets.get(viewer, hook.tenant, hook.secret or "")
        except CloudwrightError as error:
            # It may be there again.
            raise NotAccepted(f"The secret that signs it cannot be read. {error}") from error
        if not isinstance(secret, str):
            raise NotAccepted(f"The secret `{hook.secret}` that signs it is not a text.")
        timestamp = int(self._clock().timestamp())
        status = await self._webhooks.post(hook.url, secret, delivery.id, timestamp, delivery.payload)
        now = self._clock()
        await self._store.write(hooks.finish, delivery, DeliveryState.DELIVERED, now, response_status=status)

    async def _start(self, hook: Hook, delivery: Delivery, principal: Principal) -> None:
        if self._maintenance.is_on:
            raise Unavailable("The manager is in maintenance mode.")
        if not is_permitted(principal.roles_in(hook.tenant), Permission.EXECUTION_START):
            raise GivenUp(f"User `{principal.username}`, who owns the hook, may not start executions.")
        deployment_id = hook.deployment_id or delivery.payload["execution"]["deployment_id"]
        if deployment_id is None:
            raise GivenUp("What happened is of no deployment, and the hook names none.")
        scope = principal.scope(hook.tenant)
        await self._store.read(locate, scope, hook.tenant, "deployments", deployment_id)
        told = {} if hook.event_parameter is None else {hook.event_parameter: delivery.payload}
        request = StartExecution(
            tenant=hook.tenant,
            deployment_id=deployment_id,
            workflow_id=hook.workflow_id or "",
            by=principal.username,
            parameters={**hook.parameters, **told},
            queue=True,
        )

        def end_delivery(conn: Connection, execution: Execution) -> None:
            state, now = DeliveryState.DELIVERED, self._clock()
            if not hooks.finish(conn, delivery, state, now, started_execution=execution.id):
                raise GivenUp("Another manager started it meanwhile.")

        await self._executions.start(request, end_delivery)

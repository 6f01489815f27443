"""The manager: its parts put together, started and ended in the right order."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import cloudwright
from cloudwright.artifacts.folder import FolderArtifacts
from cloudwright.bus import topics
from cloudwright.bus.protocol import Bus
from cloudwright.dsl import BlueprintError
from cloudwright.manager.accounts import Accounts
from cloudwright.manager.agents import Agents
from cloudwright.manager.artifacts import Artifacts
from cloudwright.manager.blueprints import Blueprints
from cloudwright.manager.child_rpc import ChildRpc
from cloudwright.manager.configuration import Configuration
from cloudwright.manager.deployment_groups import DeploymentGroups
from cloudwright.manager.deployment_updates import DeploymentUpdates
from cloudwright.manager.deployments import Deployments
from cloudwright.manager.disk_use import DiskMeter
from cloudwright.manager.dispatcher import Dispatcher
from cloudwright.manager.event_recorder import EventRecorder
from cloudwright.manager.execution_groups import ExecutionGroups
from cloudwright.manager.execution_runner import ExecutionRunner
from cloudwright.manager.executions import Executions
from cloudwright.manager.home_sweep import remove_orphaned_workdirs
from cloudwright.manager.hook_sender import HookSender
from cloudwright.manager.hooks import Hooks
from cloudwright.manager.import_resolver import StoredImports
from cloudwright.manager.ldap_directory import LdapDirectory
from cloudwright.manager.leases import Leases
from cloudwright.manager.maintenance import Maintenance
from cloudwright.manager.metrics import Metrics
from cloudwright.manager.metrics_token import metrics_token
from cloudwright.manager.modifications import Modifications
from cloudwright.manager.plugin_environments import PluginEnvironments
from cloudwright.manager.plugins import Plugins
from cloudwright.manager.reconcile_loop import ReconcileLoop
from cloudwright.manager.redaction import Concealments
from cloudwright.manager.retention import Retention
from cloudwright.manager.schedules import Schedules
from cloudwright.manager.secret_keys import KEY_FILE, SecretKeys
from cloudwright.manager.secrets import Secrets
from cloudwright.manager.sessions import Sessions
from cloudwright.manager.snapshots import Snapshots
from cloudwright.manager.traces import open_traces
from cloudwright.manager.webhooks import Webhooks
from cloudwright.manager.workers.local import WORKDIRS
from cloudwright.model.frames.parser import check_from_parser
from cloudwright.operation.tempdirs import remove_abandoned
from cloudwright.process.one_shot import run_once
from cloudwright.settings import Settings
from cloudwright.storage.store import Store

PARSER = "cloudwright.dsl.parser_process:main"
#: For how long (seconds) a start leaves the processor to what is carried on, before the API is loaded.
CARRYING_ON = 0.25
DAY_SECONDS = 24 * 3600.0


def utc_now() -> datetime:
    return datetime.now(UTC)


def random_id() -> str:
    return str(uuid.uuid4())


class Manager:
    """What the REST API talks to. ``name`` identifies this manager and its worker over restarts.

    It closes the environments that it is given.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        bus: Bus,
        environments: PluginEnvironments,
        *,
        name: str,
        clock: Callable[[], datetime] = utc_now,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self.settings = settings
        self.store = store
        self.bus = bus
        self.clock = clock
        self.home: Path = settings.home
        self.name = name
        self.version = cloudwright.__version__
        self.metrics = Metrics()
        self._traces = open_traces(settings.otlp_endpoint, name)
        store.on_commit = self.metrics.committed
        concealments = Concealments()
        self._recorder = EventRecorder(store, bus, clock, concealments)
        self._environments = environments
        keys = SecretKeys.open(
            Path(settings.secrets_key) if settings.secrets_key else settings.home / KEY_FILE
        )
        self.secrets = Secrets(store, keys, clock, concealments)
        self.rpc = ChildRpc(store, bus, self.secrets, clock)
        self._dispatcher = Dispatcher(
            store,
            self._recorder,
            self._environments,
            self.rpc,
            self.metrics,
            self._traces,
            worker=name,
            home=settings.home,
            slots=settings.max_operations,
            kill_grace=settings.kill_grace,
            memory_limit=settings.operation_memory or None,
            silence=settings.agent_silence,
            uninstall_wait=settings.agent_uninstall_wait,
            clock=clock,
        )
        self.agents = Agents(store, self._dispatcher.agents, self._dispatcher.remote_begin, clock, name)
        self.modifications = Modifications(store, clock, new_id)
        self._execution_runner = ExecutionRunner(
            store,
            bus,
            self._recorder,
            self._dispatcher,
            self._environments,
            self.rpc,
            self.modifications,
            self.metrics,
            self._traces,
            settings=settings,
            clock=clock,
        )
        self.metrics_token = metrics_token(settings.home)
        self.disk = DiskMeter(settings.home)
        self.configuration = Configuration(store, settings, clock)
        self.maintenance = Maintenance(store, bus, clock)
        self._leases = Leases(
            store,
            self._execution_runner,
            name=name,
            places=settings.max_workflows,
            lease=settings.lease,
            resumes=not settings.no_resume,
            clock=clock,
            paused=lambda: self.maintenance.is_on,
        )
        self.metrics.watch("workflows_running", "Executions that this manager owns.", self._leases.count)
        self._reconcile_loop = ReconcileLoop(
            store,
            bus,
            self._leases,
            self._dispatcher,
            name=name,
            interval=settings.reconcile_interval,
            lease=settings.lease,
            clock=clock,
            cgroups=environments.cgroups,
        )
        self.executions = Executions(
            store,
            bus,
            self._dispatcher,
            apply_cancel=self._leases.apply_cancel,
            secrets=self.secrets,
            clock=clock,
            new_id=new_id,
        )
        self.execution_groups = ExecutionGroups(store, bus, self.executions, self._dispatcher, clock, new_id)
        self.schedules = Schedules(store, bus, self.executions, self.maintenance, clock)
        self._retention = Retention(
            store,
            clock,
            executions_days=settings.keep_executions_days,
            executions_count=settings.keep_executions,
            logs_days=settings.keep_logs_days,
            deliveries_days=settings.keep_deliveries_days,
            others=self._sweeps_of_home(),
        )
        self._artifacts = Artifacts(store, FolderArtifacts(settings.home / "artifacts"))
        self.deployment_updates = DeploymentUpdates(
            store, self.executions, self.secrets, settings.home, clock, new_id
        )
        self.blueprints = Blueprints(store, bus, settings.home, self._artifacts, self._parse, clock, new_id)
        self.plugins = Plugins(store, settings.home, self._artifacts, clock, new_id)
        self.deployments = Deployments(
            store,
            bus,
            clock,
            new_id,
            settings.home / WORKDIRS,
            self.secrets,
            forget_agents=self._dispatcher.agents.forget_deployment,
        )
        self.snapshots = Snapshots(store, settings.home, self._artifacts, keys, self._reload, clock, new_id)
        self.accounts = Accounts(
            store,
            clock,
            max_failed_logins=settings.max_failed_logins,
            login_lock=settings.login_lock,
            announce=lambda: bus.publish(topics.ACCOUNTS, {}),
            directory=LdapDirectory(settings) if settings.ldap_url else None,
        )
        self.sessions = Sessions(store, self.accounts, clock)
        self._hook_sender = HookSender(
            store,
            self.executions,
            self.accounts,
            self.secrets,
            self.maintenance,
            Webhooks(f"Cloudwright/{self.version}"),
            clock,
            name=name,
        )
        self.hooks = Hooks(store, self.secrets, self._hook_sender, clock)
        self.deployment_groups = DeploymentGroups(store, self.deployments, self.executions, clock)

    async def start(self) -> None:
        """Start the zygotes, then recover what an earlier run of this manager left.

        Returns when the workflows that it left have their processes, or after a moment if that takes
        longer.
        """
        await asyncio.to_thread(remove_abandoned)
        await self._environments.start()
        await self.snapshots.recover()
        await self.blueprints.recover()
        await self.plugins.recover()
        await self._artifacts.sweep()
        await self.secrets.recover()
        await self.maintenance.start()
        await self._dispatcher.agents.start()
        await self._reconcile_loop.start()
        await self.schedules.start()
        await self._hook_sender.start()
        await self._retention.start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CARRYING_ON):
                await self._reconcile_loop.carried_on()

    async def close(self) -> None:
        """End every process. Executions that ran are left to be taken up again by the next start."""
        await self.blueprints.close()
        await self.snapshots.close()
        await self.schedules.close()
        await self._hook_sender.close()
        await self._retention.close()
        await self._reconcile_loop.close()
        await self._leases.close()
        await self._dispatcher.close()
        await self._recorder.drain()
        await self._environments.close()
        await self._traces.close()

    @property
    def tracking(self) -> str:
        """How all that an operation starts is found when it is to end: ``cgroup`` or ``process tree``."""
        return self._environments.tracking

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits to run, at a time that is given too."""
        return (
            self._leases.busy
            or self._dispatcher.busy
            or self.blueprints.busy
            or self.snapshots.busy
            or self.schedules.busy
            or self._hook_sender.busy
            or self._reconcile_loop.awaits_scheduled
        )

    def _sweeps_of_home(self) -> list[Callable[[], Awaitable[int]]]:
        days = self.settings.keep_plugin_environments_days
        sweeps: list[Callable[[], Awaitable[int]]] = [
            partial(remove_orphaned_workdirs, self.store, self.home / WORKDIRS)
        ]
        if days:
            sweeps.append(partial(self._environments.remove_unused, days * DAY_SECONDS))
        return sweeps

    async def _reload(self) -> None:
        """Forget what the database had before a restore."""
        self.accounts.reload()
        await self.blueprints.unpack_again()
        await self.plugins.unpack_again()
        await self._artifacts.sweep()
        await self.secrets.recover()
        await self.maintenance.start()
        self.schedules.wake()
        self.bus.publish(topics.WORK, {})

    async def _parse(self, tenant: str, path: Path, by: str | None) -> dict[str, Any]:
        """Parse a blueprint in a process of its own, so that none of any size or shape can hurt the manager.

        Raises BlueprintError with every problem found, Unavailable if the parser ran out of time or
        memory.
        """
        begin = {"path": str(path), "limits": {}, "resolves": True}
        imports = StoredImports(self.store, self.home, tenant, by)
        zygote = await self._environments.parser()
        end = await run_once(
            zygote,
            PARSER,
            begin,
            check=check_from_parser,
            timeout=self.settings.parse_timeout,
            memory_limit=self.settings.parse_memory,
            name=f"parse-{random_id()}",
            handler=imports.answer,
        )
        if "problems" in end:
            raise BlueprintError(imports.to_problems(end["problems"]), imports.to_problems(end["warnings"]))
        plan: dict[str, Any] = end["plan"]
        return plan | {"warnings": [warning.to_json() for warning in imports.to_problems(plan["warnings"])]}

"""Who does what a plan says: a user per execution, and a saboteur."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from cloudwright.client.api import Client
from cloudwright.client.errors import ApiError, ConnectionFailed, IllegalAction, ServerError, Unavailable

from .chaos_environment import ChaosEnvironment
from .plan import CHANGES, STOPPED, Actor, Sabotage
from .processes import living

ENDS = frozenset({"cancelled", "terminated", "failed"})
#: How long a user waits for an end before going on with something else.
PATIENCE = 4.0


class User(threading.Thread):
    """Starts one execution, and does to it what the plan says. ``execution`` is its id, once it is known."""

    def __init__(
        self, environment: ChaosEnvironment, actor: Actor, prefix: str, over: threading.Event
    ) -> None:
        super().__init__(name=f"user {actor.number}", daemon=True)
        self.execution: str | None = None
        self.trouble: Exception | None = None
        self._environment = environment
        self.actor = actor
        self._deployment = f"{prefix}-{actor.deployment}"
        self._over = over

    def run(self) -> None:
        try:
            self._over.wait(self.actor.begins)
            self.execution = self._start()
            for act in self.actor.acts:
                if self._over.wait(act.after):
                    return
                if act.what == "wait":
                    self._wait()
                else:
                    self._ask(act.what, act.grace)
        except Exception as error:
            self.trouble = error

    def _start(self) -> str:
        environment, actor = self._environment, self.actor
        number = 0
        while True:
            try:
                self._deploy(environment.client())
                id = self._begin(environment.client())
            except (ConnectionFailed, Unavailable) as error:
                self._expect(error)
                # It may be stored or not. One that is shows: nobody else starts anything with this number.
                environment.history.note("start_unanswered", number=actor.number)
                found = self._find()
                if found is not None:
                    return found
                number += 1
                assert number < 50, "no manager lives long enough to start anything"
                continue
            environment.history.note("started", id, workflow=actor.workflow, number=actor.number)
            return id

    def _deploy(self, client: Client) -> None:
        blueprint = "chaos"
        if self.actor.installs:
            blueprint = f"fresh-{self._deployment}"
            # It is read in a child of a zygote, which may be killed meanwhile.
            with suppress_conflict():
                self._environment.asked(
                    lambda client: self._environment.upload_to(client, blueprint, self.actor.begins)
                )
        with suppress_conflict():
            log = str(self._environment.event_log)
            client.deployments.create(self._deployment, blueprint_id=blueprint, inputs={"event_log": log})

    def _begin(self, client: Client) -> str:
        if self.actor.workflow == "update":
            return self._update(client)
        parameters = {
            "event_log": str(self._environment.event_log),
            "steps": self.actor.steps,
            "number": self.actor.number,
            **self._own_parameters(),
        }
        return client.executions.start(
            self.actor.workflow,
            self._deployment,
            parameters=parameters,
            allow_custom_parameters=True,
            # A change begins beside what runs, and whatever is installed.
            queue=self.actor.workflow not in CHANGES,
            force=self.actor.workflow in CHANGES,
            wait_after_fail=0,
        )["id"]

    def _own_parameters(self) -> dict[str, Any]:
        match self.actor.workflow:
            case "scale":
                return {"scalable_entity_name": "part", "delta": self.actor.delta}
            case "heal":
                return {"force_reinstall": True}
        return {}

    def _update(self, client: Client) -> str:
        """Begin an update, beside what else runs: updates do not stand in a queue."""
        parts = client.node_instances.list(deployment_id=self._deployment, node_id="part").items
        started = client.deployment_updates.start(
            self._deployment,
            inputs={"color": f"color{self.actor.number}"},
            reinstall_list=[str(part["id"]) for part in parts],
            force=True,
        )
        return str(started["execution_id"])

    def _find(self) -> str | None:
        listed = self._environment.asked(
            lambda client: client.executions.list(deployment_id=self._deployment)
        ).items
        if self.actor.workflow == "update":
            claimed = {entry.execution for entry in self._environment.history.of("started")}
            mine = [
                row["id"] for row in listed if row["workflow_id"] == "update" and row["id"] not in claimed
            ]
        else:
            mine = [item["id"] for item in listed if item["parameters"].get("number") == self.actor.number]
        return mine[0] if mine else None

    def _wait(self) -> None:
        assert self.execution is not None
        id = self.execution
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and not self._over.is_set():
            if self._environment.asked(lambda client: client.executions.get(id))["status"] in ENDS:
                return
            self._over.wait(0.02)

    def _ask(self, what: str, grace: float | None) -> None:
        id = self.execution
        assert id is not None
        note = self._environment.history.note
        try:
            client = self._environment.client()
            if what == "resume":
                client.executions.resume(id)
            else:
                client.executions.cancel(id, what, grace=grace)
        except (ConnectionFailed, Unavailable) as error:
            self._expect(error)
            note("unanswered", id, what=what)
        except IllegalAction as error:
            note("refused", id, what=what, why=str(error))
        except ServerError as error:
            note("server_error", id, what=what, why=str(error))
        except ApiError as error:
            # A resume whose deployment is busy.
            note("refused", id, what=what, why=str(error))
        else:
            note("acknowledged", id, what=what, grace=grace)

    def _expect(self, error: Exception) -> None:
        """Raise it where a manager has no reason to say it."""
        if isinstance(error, Unavailable) and self._environment.outage is None:
            raise error


@contextmanager
def suppress_conflict() -> Iterator[None]:
    """It is there already."""
    try:
        yield
    except ApiError as error:
        if error.status != 409:
            raise


class Jumps(threading.Thread):
    """Sets the manager's clock at the moments of the plan, and right again in the end."""

    def __init__(
        self, environment: ChaosEnvironment, jumps: list[tuple[float, int]], over: threading.Event
    ) -> None:
        super().__init__(name="jumps", daemon=True)
        self.trouble: Exception | None = None
        self._environment = environment
        self._jumps = jumps
        self._over = over

    def run(self) -> None:
        began = time.monotonic()
        try:
            for moment, hours in self._jumps:
                if self._over.wait(max(0, began + moment - time.monotonic())):
                    break
                self._environment.history.note("clock_set", hours=hours)
                self._environment.set_clock(hours)
            self._over.wait()
            self._environment.set_clock(0)
        except Exception as error:
            self.trouble = error


class Outages(threading.Thread):
    """Takes the database away at the moments of the plan."""

    def __init__(self, environment: ChaosEnvironment, moments: list[float], over: threading.Event) -> None:
        super().__init__(name="outages", daemon=True)
        self.trouble: Exception | None = None
        self._environment = environment
        self._moments = moments if environment.outage else []
        self._over = over

    def run(self) -> None:
        began = time.monotonic()
        try:
            for moment in self._moments:
                if self._over.wait(max(0, began + moment - time.monotonic())):
                    return
                assert self._environment.outage is not None
                self._environment.history.note("outage")
                self._environment.outage()
                self._environment.history.note("outage_over")
        except Exception as error:
            self.trouble = error


class Saboteur(threading.Thread):
    """Kills and stops processes of the environment at the moments of the plan."""

    def __init__(
        self, environment: ChaosEnvironment, sabotages: list[Sabotage], over: threading.Event
    ) -> None:
        super().__init__(name="saboteur", daemon=True)
        self.trouble: Exception | None = None
        self._environment = environment
        self._sabotages = sabotages
        self._over = over

    def run(self) -> None:
        began = time.monotonic()
        try:
            for sabotage in self._sabotages:
                if self._over.wait(max(0, began + sabotage.at - time.monotonic())):
                    return
                if sabotage.victim == "manager":
                    self._environment.client()
                    self._environment.kill("by the saboteur")
                else:
                    self._strike(sabotage)
        except Exception as error:
            self.trouble = error

    def _strike(self, sabotage: Sabotage) -> None:
        executions = {entry.execution for entry in self._environment.history.of("started")}
        kinds: dict[str, Callable[..., bool]] = {
            "workflow": lambda process: process.leads and process.child in executions,
            "operation": lambda process: process.leads and process.child not in executions,
            "child": lambda process: bool(process.child) and not process.leads,
            "workflows zygote": lambda process: "zygote workflows" in process.command and not process.child,
            "operations zygote": lambda process: "zygote operations" in process.command and not process.child,
        }
        kind = sabotage.victim.removesuffix(STOPPED)
        found = sorted(
            (process for process in living(self._environment.folder) if kinds[kind](process)),
            key=lambda process: (process.birth, process.pid),
        )
        if not found:
            return
        victim = found[int(sabotage.choice * len(found))]
        stops = sabotage.victim.endswith(STOPPED)
        self._environment.history.note(
            "stop_process" if stops else "kill_process",
            victim.child if victim.child in executions else None,
            kind=kind,
            pid=victim.pid,
            child=victim.child,
        )
        with suppress(ProcessLookupError):
            os.kill(victim.pid, signal.SIGSTOP if stops else signal.SIGKILL)

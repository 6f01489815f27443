"""What happens in one batch, all of it from the seed and the batch's number."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

#: Workflows and how often each is met.
WORKFLOWS = {
    "chain": 6,
    "wide": 4,
    "polite": 3,
    "ignoring": 3,
    "deaf": 2,
    "rolling_back": 3,
    "fragile": 2,
    "spinning": 2,
    "scale": 3,
    "heal": 2,
    "update": 3,
}
#: Workflows that change which instances a deployment has, or make them again.
CHANGES = frozenset({"scale", "heal", "update"})
#: How a script starts what it waits for (blueprint/scripts/act.sh).
WAYS = ("timeout", "job", "setsid", "nohup", "empty", "deaf")
#: What a step's operation is like, and how often.
TEMPERS: dict[str, tuple[int, dict[str, Any]]] = {
    "short": (10, {}),
    "sleeping": (8, {"seconds": 1}),
    "stubborn": (3, {"seconds": 1, "ignore_sigterm": True}),
    "parent": (3, {"seconds": 1, "child": "group"}),
    "daemon": (3, {"seconds": 1, "child": "daemon"}),
    "daemon in a session": (2, {"seconds": 1, "child": "session"}),
    "new session": (2, {"seconds": 1, "child": "new session"}),
    "apart": (3, {"seconds": 1, "child": "apart"}),
    "leaves one": (1, {"child": "left"}),
    "exits": (1, {"fail": "exit"}),
    "crashes": (1, {"fail": "signal"}),
    "retried": (2, {"fail": "retry"}),
    "fails": (1, {"fail": "never"}),
    "once": (2, {"operation": "chaos.once", "seconds": 1}),
    **{f"script: {way}": (1, {"operation": "chaos.script", "seconds": 1, "way": way}) for way in WAYS},
    "chatty": (2, {"log_lines": 3000}),
    "printing": (1, {"printed": 2_000_000}),
    "huge": (1, {"huge": 1_000_000}),
}
#: Of victims that are stopped (SIGSTOP) rather than killed.
STOPPED = ", stopped"
VICTIMS = {
    "workflow": 4,
    "operation": 5,
    "child": 2,
    "workflows zygote": 1,
    "operations zygote": 2,
    f"workflows zygote{STOPPED}": 1,
    f"operations zygote{STOPPED}": 1,
    "manager": 2,
}
#: One batch of so many is beside busy processes, and how many these are.
BUSY_EVERY = 3
BUSY = 8
#: How often what a round needs has to be installed first.
INSTALLS = 1 / 20
#: What the manager's clock may be wrong by (hours): whole ones, so that the checker can tell the true time.
JUMPS = (-24, -1, 1, 24, 24 * 30)
#: Named points, and the largest count at which a fuse blows there.
FUSES = {
    "bus": 3,
    "commit.before": 120,
    "commit.after": 120,
    "fork.before": 30,
    "fork.after": 30,
    "send.before": 80,
    "send.after": 80,
    "hear.before": 80,
    "hear.after": 80,
    "signal.before": 6,
    "signal.after": 6,
    "workflows.fork.before": 10,
    "workflows.fork.after": 10,
    "workflows.report": 6,
    "workflows.born": 10,
    "workflows.frame.before": 10,
    "workflows.frame.after": 10,
    "operations.fork.before": 25,
    "operations.fork.after": 25,
    "operations.report": 20,
    "operations.born": 25,
    "operations.frame.before": 25,
    "operations.frame.after": 25,
}
MODES = ("cancel", "force-cancel", "kill")


@dataclass(frozen=True, slots=True)
class Act:
    """Something to do ``after`` seconds: a mode of cancelling, ``resume``, or ``wait`` for the end."""

    after: float
    what: str
    grace: float | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """One execution, and what its user does. Those with the same ``deployment`` stand in its queue."""

    number: int
    deployment: int
    workflow: str
    steps: list[dict[str, Any]]
    begins: float
    acts: list[Act]
    #: How many instances a scaling adds, or removes.
    delta: int = 1
    #: Whether its deployment's blueprint has a plugin that nobody has installed yet.
    installs: bool = False


@dataclass(frozen=True, slots=True)
class Sabotage:
    at: float
    victim: str
    choice: float


@dataclass(frozen=True, slots=True)
class Plan:
    """``fuses`` are of the manager's lives in the batch, the last one first; ``pauses`` are between."""

    seed: int
    batch: int
    actors: list[Actor]
    sabotages: list[Sabotage]
    fuses: list[str]
    pauses: list[float] = field(default_factory=list)
    #: When the database goes away, where the environment has one that can.
    outages: list[float] = field(default_factory=list)
    #: When the manager's clock jumps, and by how many hours it is wrong then.
    jumps: list[tuple[float, int]] = field(default_factory=list)
    #: How many processes keep the machine busy meanwhile.
    busy: int = 0


def plan(seed: int, batch: int, rounds: int) -> Plan:
    chance = random.Random(f"{seed}/{batch}")
    fresh = [chance.random() < INSTALLS for _ in range(rounds)]
    actors = [_actor(chance, number, fresh) for number in range(rounds)]
    sabotages = [
        Sabotage(chance.uniform(0.2, 4.5), _one_of(chance, VICTIMS), chance.random())
        for _ in range(chance.choice((1, 3, 5, 7)))
    ]
    fuses = [_fuse(chance) for _ in range(chance.choice((0, 1, 1, 2)))]
    pauses = [chance.uniform(0, 0.5) for _ in range(12)]
    outages = sorted(chance.uniform(0.5, 5) for _ in range(chance.choice((0, 0, 1, 2))))
    jumps = sorted((chance.uniform(0.2, 6), chance.choice(JUMPS)) for _ in range(chance.choice((0, 0, 1, 2))))
    busy = BUSY if batch % BUSY_EVERY == BUSY_EVERY - 1 else 0
    return Plan(
        seed,
        batch,
        actors,
        sorted(sabotages, key=lambda item: item.at),
        fuses,
        pauses,
        outages,
        jumps,
        busy,
    )


def _actor(chance: random.Random, number: int, fresh: list[bool]) -> Actor:
    deployment = number if number == 0 or chance.random() < 0.85 else chance.randrange(number)
    workflow = _one_of(chance, WORKFLOWS)
    steps = [_step(chance, place) for place in range(chance.randint(1, 5))]
    delta = chance.choice((1, 2, 3, -1))
    if fresh[number] and chance.random() < 0.5:
        workflow = "fresh"
    elif fresh[number]:
        workflow = "chain"
        steps[0] |= {"operation": "chaos.fresh"}
    return Actor(
        number,
        number if fresh[number] else deployment,
        workflow,
        steps,
        chance.uniform(0, 2.5),
        _acts(chance),
        delta,
        fresh[number],
    )


def _step(chance: random.Random, place: int) -> dict[str, Any]:
    temper = _one_of(chance, {name: weight for name, (weight, _) in TEMPERS.items()})
    step = {"operation": "chaos.act", "name": f"step{place}", **TEMPERS[temper][1]}
    if "seconds" in step:
        step["seconds"] = round(chance.expovariate(2), 3)
    return step


def _acts(chance: random.Random) -> list[Act]:
    acts = _requests(chance, chance.choice((0, 1, 1, 1, 2, 2, 3)))
    while chance.random() < 0.4:
        acts.append(Act(0, "wait"))
        if chance.random() < 0.2:
            acts.append(Act(chance.expovariate(10), chance.choice(MODES)))
        acts.append(Act(chance.expovariate(10), "resume"))
        acts.extend(_requests(chance, chance.choice((0, 1, 1, 2))))
    return acts


def _requests(chance: random.Random, count: int) -> list[Act]:
    requests = []
    for _ in range(count):
        mode = chance.choice(MODES)
        grace = chance.uniform(0, 1) if mode == "cancel" and chance.random() < 0.3 else None
        requests.append(Act(chance.choice((0.0, chance.expovariate(2), chance.expovariate(2))), mode, grace))
    return requests


def _fuse(chance: random.Random) -> str:
    point = chance.choice(("bus", *sorted(FUSES)))
    count = chance.randint(1, FUSES[point])
    frame = f":{chance.randint(1, 4)}" if ".frame." in point else ""
    return f"{point}={count}{frame}"


def _one_of(chance: random.Random, weights: dict[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]

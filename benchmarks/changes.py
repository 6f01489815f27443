"""P2: planning changes. Scaling a node from 1 to 1,000 instances, and the difference of two plans of 10,000
nodes in which each thousandth node differs.

Each figure is the median of ``--runs`` runs in one process (seconds of wall time). Nothing is the same object
in both plans: they come out of a database.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import chains

from cloudwright import dsl, planning

INSTANCES, NODES, EACH = 1_000, 10_000, 1_000
SCALED = """\
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
node_templates:
  host: {type: cloudify.nodes.Compute}
  app:
    type: cloudify.nodes.Root
    relationships: [{type: cloudify.relationships.contained_in, target: host}]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--runs", type=int, default=5, metavar="N")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="cloudwright-bench-") as name:
        folder = Path(name)
        (folder / "scaled.yaml").write_text(SCALED)
        scaled = deployed(folder / "scaled.yaml")
        large = deployed(chains.write(folder / "large", NODES))
    figures = {
        f"1 to {INSTANCES}: s": median(lambda: scaling(scaled), runs),
        f"difference of {NODES} nodes: s": median(difference(large), runs),
    }
    print(json.dumps(figures))


def deployed(path: Path) -> planning.DeploymentPlan:
    plan = dsl.parse_blueprint(path)
    return planning.prepare_deployment(plan, {}, sys=planning.SystemFacts("bench"))


def scaling(plan: planning.DeploymentPlan) -> None:
    numbers = itertools.count()

    def new_id(name: str) -> str:
        return f"{name}_{next(numbers):08x}"

    there = planning.create_instances(plan.nodes, plan.scaling_groups, deployment_id="bench", new_id=new_id)
    wanted = {"host": planning.Scaling(INSTANCES)}
    change = planning.scale(
        plan.nodes, plan.scaling_groups, there, wanted, deployment_id="bench", new_id=new_id
    )
    assert len(change.added) == 2 * (INSTANCES - 1)


def difference(old: planning.DeploymentPlan) -> Callable[[], None]:
    new = deepcopy(old)
    for node in new.nodes[::EACH]:
        node["properties"] = {**node["properties"], "changed": True}

    def compare() -> None:
        found = planning.compare(old, new)
        assert len(found) == NODES // EACH, found[:5]

    return compare


def median(what: Callable[[], Any], runs: int) -> float:
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        what()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


if __name__ == "__main__":
    main()

"""Reads and plans one blueprint, and prints what that took as JSON (``blueprints.py`` runs it)."""

from __future__ import annotations

import itertools
import json
import sys
import time
from pathlib import Path

from cloudwright import dsl, planning


def peak_memory() -> float:
    """MiB; as ``getrusage`` tells it, it would be the parent's where that had more."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main(path: Path) -> None:
    numbers = itertools.count()
    moments = [time.perf_counter()]
    before = time.process_time()
    plan = dsl.parse_blueprint(path)
    moments.append(time.perf_counter())
    deployment = planning.prepare_deployment(plan, {}, sys=planning.SystemFacts("bench"))
    moments.append(time.perf_counter())
    instances = planning.create_instances(
        deployment.nodes,
        deployment.scaling_groups,
        deployment_id="bench",
        new_id=lambda name: f"{name}_{next(numbers):08x}",
    )
    moments.append(time.perf_counter())
    parse, prepare, create = (after - start for start, after in itertools.pairwise(moments))
    figures = {
        "parse": parse,
        "prepare": prepare,
        "instances": create,
        "wall": moments[-1] - moments[0],
        "cpu": time.process_time() - before,
        "rss": peak_memory(),
        "made": len(instances),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""P1: how long blueprints take to be read and planned, and how much memory.

Each figure is the median of three runs, each in a process of its own: seconds of wall time from the text to
the node instances, the processor's seconds, and the peak memory (MiB). Cloudify's parser is measured beside
it, in turns with ours, up to ``--compared`` nodes, where ``.peers/cloudify`` has one (``make peers``).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import chains
import reference_types

HERE = Path(__file__).parent
REFERENCE = HERE.parent / ".peers" / "cloudify" / "bin" / "python"
SIZES = (100, 1_000, 10_000, 100_000)
MANY_INSTANCES = 10_000
RUNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--largest", type=int, default=SIZES[-1], metavar="N", help="nodes")
    parser.add_argument(
        "--compared", type=int, default=SIZES[0], metavar="N", help="nodes: 1,000 take a minute"
    )
    given = parser.parse_args()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="cloudwright-bench-") as name:
        folder = Path(name)
        own_types = reference_types.write(folder)
        for size in SIZES:
            if size <= given.largest:
                main_file = chains.write(folder / f"n{size}", size)
                compared = size <= given.compared and REFERENCE.exists()
                figures |= measure(f"{size} nodes", main_file, own_types if compared else None)
        figures |= measure(f"{MANY_INSTANCES} instances", many_instances(folder / "instances"), None)
    print(json.dumps(figures))


def measure(title: str, main_file: Path, own_types: Path | None) -> dict[str, float]:
    own: list[dict[str, Any]] = []
    other: list[dict[str, Any]] = []
    for _ in range(RUNS):
        own.append(measured(sys.executable, "planning_once.py", str(main_file)))
        if own_types is not None:
            other.append(measured(REFERENCE, "reference_once.py", str(main_file), str(own_types)))
    units = {"wall": "s", "cpu": "s of CPU", "rss": "MiB"}
    figures = {f"{title}: {unit}": median(own, key) for key, unit in units.items()}
    if other:
        figures |= {f"{title}, Cloudify's parser: {unit}": median(other, key) for key, unit in units.items()}
    return figures


def median(runs: list[dict[str, Any]], key: str) -> float:
    return statistics.median(run[key] for run in runs)


def measured(interpreter: Path | str, script: str, *arguments: str) -> dict[str, Any]:
    """What one run in a process of its own printed: seconds of each step and of CPU, peak memory in MiB."""
    done = subprocess.run(
        [str(interpreter), "-W", "ignore", str(HERE / script), *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def many_instances(folder: Path) -> Path:
    folder.mkdir()
    main = folder / "blueprint.yaml"
    scalable = f"{{scalable: {{properties: {{default_instances: {MANY_INSTANCES}}}}}}}"
    main.write_text(f"{chains.HEAD}  n:\n    type: bench.Node\n    capabilities: {scalable}\n")
    return main


if __name__ == "__main__":
    main()

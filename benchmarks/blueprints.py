"""How long blueprints take to be read and planned, and how much memory: ``python benchmarks/blueprints.py``.

Each figure is the median of three runs, each in a process of its own: parsing (``dsl.parse_blueprint``),
preparing a deployment (``planning.prepare_deployment``) and making its node instances
(``planning.create_instances``). Cloudify's parser is measured beside it, in turns with ours, where
``.peers/cloudify`` has one (``make peers``). Prints a table, and writes JSON to ``.bench/blueprints.json``.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import chains
import yaml

from cloudwright.dsl import types

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
REFERENCE = ROOT / ".peers" / "cloudify" / "bin" / "python"
RESULT = ROOT / ".bench" / "blueprints.json"
SIZES = (100, 1_000, 10_000, 100_000)
#: The most nodes for which waiting for the reference is bearable.
COMPARED = 1_000
MANY_INSTANCES = 10_000
RUNS = 3
STEPS = ("parse", "prepare", "instances")


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


def median(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def many_instances(folder: Path) -> Path:
    folder.mkdir()
    main = folder / "blueprint.yaml"
    scalable = f"{{scalable: {{properties: {{default_instances: {MANY_INSTANCES}}}}}}}"
    main.write_text(f"{chains.HEAD}  n:\n    type: bench.Node\n    capabilities: {scalable}\n")
    return main


def serve_types(folder: Path) -> Path:
    """Our types as the reference can read them, without YAML's aliases."""
    file = folder / "types.yaml"
    file.write_text(yaml.safe_dump(json.loads(json.dumps(types.document("1_3").data))))
    return file


def measure() -> list[dict[str, Any]]:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own_types = serve_types(folder)
        workloads = [(f"{size:,} nodes", chains.write(folder / f"n{size}", size), size) for size in SIZES]
        workloads.append(
            (f"{MANY_INSTANCES:,} instances", many_instances(folder / "instances"), MANY_INSTANCES)
        )
        for title, main, size in workloads:
            compared = size <= COMPARED and REFERENCE.exists()
            own: list[dict[str, Any]] = []
            other: list[dict[str, Any]] = []
            for _ in range(RUNS):
                own.append(measured(sys.executable, "planning_once.py", str(main)))
                if compared:
                    other.append(measured(REFERENCE, "reference_once.py", str(main), str(own_types)))
            row: dict[str, Any] = {"workload": title, "cloudwright": median(own), "runs": own}
            if other:
                row |= {"reference": median(other), "reference_runs": other}
            rows.append(row)
            print(line(row), flush=True)
    return rows


def line(row: dict[str, Any]) -> str:
    own, other = row["cloudwright"], row.get("reference")
    text = f"{row['workload']:>18} | " + " | ".join(f"{own[step]:8.3f}" for step in STEPS)
    text += f" | {own['wall']:8.3f} | {own['cpu']:8.3f} | {own['rss']:8.0f} | "
    if other is None:
        return f"{text}{'':>8} | {'':>8}"
    return f"{text}{other['wall']:8.3f} | {other['wall'] / own['wall']:7.0f}x"


def main() -> None:
    load = os.getloadavg()
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load {load[0]:.2f}; medians of {RUNS}")
    heads = (*STEPS, "wall s", "CPU s", "peak MiB", "ref s", "ratio")
    print(f"{'workload':>18} | " + " | ".join(f"{head:>8}" for head in heads), flush=True)
    rows = measure()
    RESULT.parent.mkdir(exist_ok=True)
    about = {"python": platform.python_version(), "cpus": os.cpu_count(), "load": [load, os.getloadavg()]}
    RESULT.write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n")
    print(f"Load {os.getloadavg()[0]:.2f} at the end. Written to {RESULT.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()

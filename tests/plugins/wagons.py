"""Wagons of real plugins of Cloudify, of the wheels that ``scripts/need-plugins`` builds."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

PEERS = Path(__file__).parents[2] / ".peers"


def wagon(package: str, version: str, folder: Path) -> Path:
    """Return a wagon of a plugin, of the wheels that ``scripts/need-plugins`` has built."""
    wheels = PEERS / "plugins" / package
    assert (wheels / "ready").exists(), f"{package} is missing: run `make plugins`, which builds it"
    description = folder / "package.json"
    description.write_text(json.dumps({"package_name": package, "package_version": version}))
    path = folder / f"{package.replace('-', '_')}-{version}-py311-none-linux_x86_64.wgn"
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        tar.add(description, f"{package}/package.json")
        for wheel in sorted(wheels.glob("*.whl")):
            tar.add(wheel, f"{package}/wheels/{wheel.name}")
    return path

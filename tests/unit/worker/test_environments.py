"""Environments of plugins on a host."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cloudwright.errors import Unavailable
from cloudwright.process.shared_runtime import bundled
from cloudwright.worker.environments import Environments


class Shelf:
    """In place of downloads: writes files that are empty, and pip."""

    async def file(self, path: str, target: Path, digest: str) -> None:
        [pip] = bundled("pip")[:1]
        target.write_bytes(pip.read_bytes() if digest == "pip" else b"")


def installation(name: str) -> dict[str, Any]:
    pip = bundled("pip")[0].name
    wheels = [{"name": name, "digest": "0", "size": 0}]
    return {
        "key": "k",
        "plugin": "tool",
        "version": "1.0",
        "wheels": wheels,
        "pip": {"name": pip, "digest": "pip", "size": 0},
    }


def test_a_wheel_for_another_machine_is_named_beside_the_host(tmp_path: Path) -> None:
    environments = Environments(tmp_path, Shelf(), 1 << 30, lambda: (), None)  # type: ignore[arg-type]
    wanted = installation("tool-1.0-cp312-cp312-musllinux_1_2_riscv64.whl")
    with pytest.raises(
        Unavailable, match=r"(?s)Plugin `tool` 1.0 .*the host \(Python 3.*musllinux_1_2_riscv64"
    ):
        asyncio.run(environments.install(wanted))
    assert not environments.has(wanted)

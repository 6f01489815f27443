"""What is removed from a manager's home, and what of the disk it takes."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from cloudwright.manager.disk_use import measure
from cloudwright.manager.home_sweep import YOUNGEST, remove_orphaned_workdirs
from cloudwright.manager.plugin_environments import FOLDER, REMOVED, PluginEnvironments
from cloudwright.storage import blueprints, deployments
from cloudwright.storage.records import DEFAULT_TENANT, Blueprint, Deployment
from cloudwright.storage.store import Store

DAY = 24 * 3600.0


def folder(path: Path, age: float) -> Path:
    path.mkdir(parents=True)
    (path / "file").write_bytes(b"x" * 5000)
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_working_folders_of_deployments_that_are_gone_are_removed(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'test.db'}")
    now = datetime.now(UTC)
    store.write_sync(blueprints.create, Blueprint("b"), now)
    store.write_sync(deployments.create, Deployment("lives", "b"), [], [], now)
    workdirs = tmp_path / "workdirs"
    lives, gone, young = (
        folder(workdirs / DEFAULT_TENANT / name, age)
        for name, age in (("lives", 2 * YOUNGEST), ("gone", 2 * YOUNGEST), ("young", 60))
    )
    assert asyncio.run(remove_orphaned_workdirs(store, workdirs)) == 1
    assert (lives.exists(), gone.exists(), young.exists()) == (True, False, True)
    store.close()


def test_environments_that_were_not_needed_for_long_are_removed(tmp_path: Path) -> None:
    environments = PluginEnvironments(tmp_path)
    old, new, needed, half = (
        folder(tmp_path / FOLDER / name, age)
        for name, age in (("old", 40 * DAY), ("new", DAY), ("needed", 40 * DAY), (f"half{REMOVED}", DAY))
    )
    environments._need("needed")
    assert time.time() - needed.stat().st_mtime < DAY
    os.utime(needed, (time.time() - 40 * DAY,) * 2)
    # One that a crash left half removed is counted too.
    assert asyncio.run(environments.remove_unused(30 * DAY)) == 2
    assert [path.exists() for path in (old, new, needed, half)] == [False, True, True, False]


def test_what_the_home_takes_is_said_by_kind(tmp_path: Path) -> None:
    folder(tmp_path / "plugins" / "a" / "deep", 0)
    folder(tmp_path / "unknown", 0)
    (tmp_path / "cloudwright.db-wal").write_bytes(b"x" * 10_000)
    (tmp_path / "link").symlink_to("/usr")
    use = measure(tmp_path)
    assert set(use.used) == {"database", "plugin environments", "other"}
    assert 10_000 <= use.used["database"] < 100_000
    assert all(5000 <= use.used[kind] < 100_000 for kind in ("plugin environments", "other"))
    assert use.free > 0

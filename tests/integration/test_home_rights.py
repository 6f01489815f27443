"""The manager's home belongs to its user alone, however it was made."""

from __future__ import annotations

from pathlib import Path

from manager_process import ManagerProcess


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_home_that_others_can_enter_is_closed_to_them(tmp_path: Path) -> None:
    manager = ManagerProcess(tmp_path)
    manager.home.mkdir()
    manager.home.chmod(0o755)
    lock = manager.home / "manager.lock"
    lock.touch()
    lock.chmod(0o644)
    manager.start()
    try:
        assert mode(manager.home) == 0o700
        assert mode(lock) == 0o600
        assert "0755" in manager.log()
    finally:
        manager.stop()

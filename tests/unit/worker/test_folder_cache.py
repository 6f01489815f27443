"""The cache of folders: what is whole stays until it takes too much; what is in use stays anyway."""

from __future__ import annotations

import os
from pathlib import Path

from cloudwright.worker.folder_cache import FolderCache

LARGE = 64 * 1024


def fill(cache: FolderCache, key: str, age: float) -> list[str]:
    cache.path(key).mkdir()
    (cache.path(key) / "content").write_bytes(b"x" * LARGE)
    gone = cache.add(key)
    used = cache.path(key).with_name(f"{key}.size")
    os.utime(used, (used.stat().st_atime - age, used.stat().st_mtime - age))
    return gone


def test_those_that_were_not_used_for_longest_go_first(tmp_path: Path) -> None:
    cache = FolderCache(tmp_path / "cache", 3 * LARGE, lambda: ())
    assert fill(cache, "old", 300) == []
    assert fill(cache, "older", 400) == []
    assert cache.has("older")
    assert fill(cache, "third", 100) == []
    assert fill(cache, "fourth", 0) == ["old"]
    assert not cache.has("old")
    assert not cache.path("old").exists()
    assert [cache.has(key) for key in ("older", "third", "fourth")] == [True] * 3


def test_what_is_in_use_and_what_was_just_made_stay(tmp_path: Path) -> None:
    cache = FolderCache(tmp_path, LARGE, lambda: {"first"})
    assert fill(cache, "first", 300) == []
    assert fill(cache, "second", 200) == []
    assert fill(cache, "third", 100) == ["second"]
    assert cache.has("first")


def test_what_was_not_made_to_its_end_is_not_there_after_a_start(tmp_path: Path) -> None:
    cache = FolderCache(tmp_path, LARGE, lambda: ())
    fill(cache, "whole", 0)
    cache.path("torn").mkdir()
    again = FolderCache(tmp_path, LARGE, lambda: ())
    assert again.has("whole")
    assert not again.has("torn")
    assert not again.path("torn").exists()

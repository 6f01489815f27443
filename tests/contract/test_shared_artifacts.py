"""Artifacts of managers that share a database: each has a folder of its own, and the contents are common."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudwright.artifacts.cached import CachedArtifacts
from cloudwright.artifacts.protocol import digest_of
from cloudwright.errors import Unavailable
from cloudwright.manager import stored_contents
from cloudwright.manager.stored_contents import StoredContents
from cloudwright.storage import artifact_contents
from cloudwright.storage.artifact_contents import PART_SIZE
from cloudwright.storage.store import Store


@pytest.fixture
def one(store: Store, tmp_path: Path) -> CachedArtifacts:
    return CachedArtifacts(StoredContents(store), tmp_path / "one")


@pytest.fixture
def another(other: Store, tmp_path: Path) -> CachedArtifacts:
    return CachedArtifacts(StoredContents(other), tmp_path / "other")


def put(artifacts: CachedArtifacts, folder: Path, content: bytes) -> str:
    file = folder / "sent"
    file.write_bytes(content)
    digest = digest_of(file)
    artifacts.put(file, digest)
    return digest


@pytest.mark.parametrize("size", [0, 1, PART_SIZE, 2 * PART_SIZE + 1])
def test_what_one_stores_another_has(
    one: CachedArtifacts, another: CachedArtifacts, tmp_path: Path, size: int
) -> None:
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    digest = put(one, tmp_path, content)
    assert another.path(digest).read_bytes() == content
    assert another.path(digest).parent.parent == tmp_path / "other"
    assert list(another.digests()) == [digest]


def test_what_both_store_is_there_once_and_goes_once(
    one: CachedArtifacts, another: CachedArtifacts, store: Store, tmp_path: Path
) -> None:
    digest = put(one, tmp_path, b"same")
    assert put(another, tmp_path, b"same") == digest
    assert store.read_sync(artifact_contents.count_parts, digest) == 1
    one.remove(digest)
    assert list(another.digests()) == []
    # Its copy went with that look.
    with pytest.raises(FileNotFoundError):
        another.path(digest)


def test_a_copy_that_is_lost_is_fetched_again(one: CachedArtifacts, tmp_path: Path) -> None:
    digest = put(one, tmp_path, b"content")
    one.path(digest).unlink()
    assert one.path(digest).read_bytes() == b"content"


def test_a_content_that_is_damaged_is_no_artifact(
    one: CachedArtifacts, another: CachedArtifacts, store: Store, tmp_path: Path
) -> None:
    digest = put(one, tmp_path, b"content")
    store.write_sync(artifact_contents.remove, digest)
    store.write_sync(artifact_contents.add_part, digest, 0, b"other")
    assert store.write_sync(artifact_contents.complete, digest, 1)
    with pytest.raises(FileNotFoundError, match="is not its content"):
        another.path(digest)
    assert [file for file in (tmp_path / "other").rglob("*") if file.is_file()] == []


def test_parts_without_their_artifact_are_nothing_and_go_in_time(
    one: CachedArtifacts, store: Store, tmp_path: Path
) -> None:
    digest = "a" * 64
    store.write_sync(artifact_contents.add_part, digest, 0, b"begun")
    assert not store.write_sync(artifact_contents.complete, digest, 2)
    assert list(one.digests()) == []
    with pytest.raises(FileNotFoundError):
        one.path(digest)
    assert store.read_sync(artifact_contents.part, digest, 0) == b"begun"
    store.write_sync(artifact_contents.remove_abandoned, 0.0)
    assert store.read_sync(artifact_contents.part, digest, 0) is None


def test_what_another_removes_while_it_is_stored_is_stored_again(
    one: CachedArtifacts,
    another: CachedArtifacts,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    complete, calls = artifact_contents.complete, []

    def removed_before(*args: object) -> bool:
        calls.append(args)
        if len(calls) == 1:
            # In the same transaction as the look at the parts.
            artifact_contents.remove(*args[:2])  # type: ignore[arg-type]
        return complete(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(artifact_contents, "complete", removed_before)
    digest = put(one, tmp_path, b"content")
    assert len(calls) == 2
    assert another.path(digest).read_bytes() == b"content"


def test_one_that_is_removed_each_time_is_refused(
    one: CachedArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_contents, "_TRIES", 2)
    monkeypatch.setattr(artifact_contents, "complete", lambda *_: False)
    with pytest.raises(Unavailable, match="others removed it meanwhile"):
        put(one, tmp_path, b"content")

"""What every store of artifacts does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudwright.artifacts.cached import CachedArtifacts
from cloudwright.artifacts.folder import FolderArtifacts
from cloudwright.artifacts.protocol import ArtifactStore, digest_of
from cloudwright.manager.stored_contents import StoredContents
from cloudwright.storage.store import Store

UNKNOWN = "0" * 64


@pytest.fixture(params=["folder", "sqlite", "postgresql"])
def artifacts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ArtifactStore]:
    if request.param == "folder":
        yield FolderArtifacts(tmp_path / "artifacts")
        return
    url = f"sqlite:///{tmp_path}/store.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").clean_database()
    store = Store.open(url)
    yield CachedArtifacts(StoredContents(store), tmp_path / "artifacts")
    store.close()


def put(artifacts: ArtifactStore, file: Path, content: bytes) -> str:
    file.write_bytes(content)
    digest = digest_of(file)
    artifacts.put(file, digest)
    assert not file.exists()
    return digest


def test_a_digest_leads_to_the_content(artifacts: ArtifactStore, tmp_path: Path) -> None:
    one = put(artifacts, tmp_path / "a", b"one")
    two = put(artifacts, tmp_path / "a", b"two")
    assert artifacts.path(one).read_bytes() == b"one"
    assert artifacts.path(two).read_bytes() == b"two"
    assert artifacts.path(one).stat().st_mode & 0o077 == 0


def test_the_same_content_is_stored_once(artifacts: ArtifactStore, tmp_path: Path) -> None:
    digests = {put(artifacts, tmp_path / name, b"same") for name in ("a", "b")}
    assert set(artifacts.digests()) == digests
    assert len(list(artifacts.digests())) == 1


def test_what_is_removed_is_gone(artifacts: ArtifactStore, tmp_path: Path) -> None:
    digest = put(artifacts, tmp_path / "a", b"one")
    artifacts.remove(digest)
    artifacts.remove(UNKNOWN)
    assert list(artifacts.digests()) == []
    with pytest.raises(FileNotFoundError):
        artifacts.path(digest)
    assert put(artifacts, tmp_path / "a", b"one") == digest
    assert artifacts.path(digest).read_bytes() == b"one"


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", UNKNOWN[1:], UNKNOWN.replace("0", "G")])
def test_only_digests_are_names(artifacts: ArtifactStore, name: str) -> None:
    with pytest.raises(ValueError, match="not the digest"):
        artifacts.path(name)


def test_what_is_incomplete_has_no_digest(
    artifacts: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(fd: int) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "a"
    file.write_bytes(b"one")
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fail)
        with pytest.raises(OSError, match="No space"):
            artifacts.put(file, digest_of(file))
    assert list(artifacts.digests()) == []

"""The file of a snapshot: a zip of the tables' rows, of uploaded archives, and of a manifest that says how to
know that all of it is there.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from cloudwright.errors import InvalidInput
from cloudwright.storage import artifacts, snapshots
from cloudwright.storage.store import Connection

FORMAT = 1
_MANIFEST = "manifest.json"
_BLOCK = 1 << 20


class InvalidSnapshot(InvalidInput):
    code = "invalid_snapshot_error"


@dataclass(frozen=True, slots=True)
class Manifest:
    """``tables`` are digests of rows by the table's name, ``artifacts`` digests of archives, and ``keys`` the
    ids of the keys that secrets are encrypted with.
    """

    format: int
    version: str
    revision: str
    created_at: str
    tables: Mapping[str, str] = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def write_tables(
    conn: Connection, file: Path, version: str, created_at: str, with_events: bool, with_logs: bool
) -> Manifest:
    """Write the rows of all tables into a new file. Raises ExecutionRunning."""
    snapshots.check_idle(conn)
    tables = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as packed:
        for name in snapshots.TABLES:
            rows = snapshots.read_rows(conn, name, with_events=with_events, with_logs=with_logs)
            tables[name] = _write(packed, f"tables/{name}.jsonl", (f"{row}\n".encode() for row in rows))
    return Manifest(
        FORMAT,
        version,
        snapshots.revision(),
        created_at,
        tables,
        tuple(sorted(artifacts.named(conn))),
        tuple(snapshots.secret_keys(conn)),
    )


def finish(file: Path, manifest: Manifest, path_of: Callable[[str], Path]) -> None:
    """Add the archives, found by ``path_of`` their digests, and the manifest. Raises FileNotFoundError."""
    with zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as packed:
        for digest in manifest.artifacts:
            packed.write(path_of(digest), f"artifacts/{digest}")
        packed.writestr(_MANIFEST, json.dumps(asdict(manifest)))


def read_manifest(file: Path) -> Manifest:
    """Return the manifest of a snapshot that this version can restore. Raises InvalidSnapshot."""
    with _opened(file) as packed:
        try:
            said = json.loads(packed.read(_MANIFEST))
            manifest = Manifest(
                **{**said, "artifacts": tuple(said["artifacts"]), "keys": tuple(said["keys"])}
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidSnapshot(
                "The file is not a snapshot of Cloudwright, or it is cut off: no manifest of it can be read."
            ) from error
    known, made_by = snapshots.known_revisions(), str(manifest.version)[:50]
    if manifest.format != FORMAT or manifest.revision not in known:
        raise InvalidSnapshot(
            f"The snapshot was made by a newer version of Cloudwright ({made_by}). Upgrade this manager, and "
            "restore it then."
        )
    if manifest.revision != known[-1]:
        raise InvalidSnapshot(
            f"The snapshot was made by an older version of Cloudwright ({made_by}), with tables of "
            f"{manifest.revision[:50]}; this one's are of {known[-1]}. Restore it with that version, and "
            "upgrade the manager then."
        )
    return manifest


def verify(file: Path) -> Manifest:
    """Check that everything that the manifest names is there, whole and unchanged. Raises InvalidSnapshot."""
    manifest = read_manifest(file)
    if manifest.tables.keys() != snapshots.TABLES.keys():
        raise InvalidSnapshot("The snapshot does not have the tables that its version has.")
    wanted = {f"tables/{name}.jsonl": digest for name, digest in manifest.tables.items()}
    wanted |= {f"artifacts/{digest}": digest for digest in manifest.artifacts}
    with _opened(file) as packed:
        for name, digest in wanted.items():
            try:
                with packed.open(name) as member:
                    found = hashlib.file_digest(member, "sha256").hexdigest()  # type: ignore[arg-type]
            except (KeyError, zipfile.BadZipFile, EOFError, OSError) as error:
                raise InvalidSnapshot(
                    f"The snapshot is cut off or damaged: `{name}` cannot be read."
                ) from error
            if found != digest:
                raise InvalidSnapshot(f"The snapshot is damaged: `{name}` is not what the manifest says.")
    return manifest


@contextmanager
def opened_tables(file: Path) -> Iterator[Callable[[str], Iterable[str]]]:
    """Yield a function that returns the rows of a table by its name."""
    with _opened(file) as packed:

        def rows(name: str) -> Iterator[str]:
            with packed.open(f"tables/{name}.jsonl") as member:
                for line in member:
                    yield line.decode().rstrip("\n")

        yield rows


def extract_artifact(file: Path, digest: str, to: Path) -> None:
    with _opened(file) as packed, packed.open(f"artifacts/{digest}") as member, to.open("xb") as out:
        while block := member.read(_BLOCK):
            out.write(block)


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        packed = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, EOFError) as error:
        raise InvalidSnapshot("The file is not a snapshot, or it is cut off.") from error
    with packed:
        yield packed


def _write(packed: zipfile.ZipFile, name: str, lines: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    with packed.open(name, "w", force_zip64=True) as member:
        out: IO[bytes] = member
        for line in lines:
            digest.update(line)
            out.write(line)
    return digest.hexdigest()

"""Snapshots: files with all data of the manager, made, kept and restored.

What must always hold: a restore is one transaction of the database, so a process that dies in the middle of
it leaves what was there before. Unpacked blueprints and plugins are made again from their archives, now or by
the next start. Secrets stay encrypted in a snapshot, and the key is not in it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import cloudwright
from cloudwright.background import TaskSet
from cloudwright.errors import CloudwrightError, Conflict, IllegalAction, NotFound
from cloudwright.manager import snapshot_files
from cloudwright.manager.artifacts import Artifacts
from cloudwright.manager.identifiers import check_id
from cloudwright.manager.maintenance import MAINTENANCE
from cloudwright.manager.secret_keys import SecretKeys
from cloudwright.manager.snapshot_files import Manifest, opened_tables
from cloudwright.storage import snapshots
from cloudwright.storage.executions import recorded
from cloudwright.storage.executions.recorded import Recorded
from cloudwright.storage.store import Connection, Store

log = logging.getLogger(__name__)

FOLDER = "snapshots"
CREATING, CREATED, UPLOADED, FAILED = "creating", "created", "uploaded", "failed"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``created_at`` is ISO 8601; ``execution_id`` is of what made it, if it was made here."""

    id: str
    status: str
    created_at: str
    created_by: str
    tenant: str
    error: str | None = None
    execution_id: str | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What is being done with a snapshot, as an execution; it is stored when it is over."""

    execution_id: str
    workflow: Recorded
    snapshot_id: str
    tenant: str
    by: str
    began: datetime


class Snapshots:
    """``reload`` is awaited after a restore: what remembers something of the database must forget it."""

    def __init__(
        self,
        store: Store,
        home: Path,
        artifacts: Artifacts,
        keys: SecretKeys,
        reload: Callable[[], Awaitable[None]],
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._folder = home / FOLDER
        self._artifacts = artifacts
        self._keys = keys
        self._reload = reload
        self._clock = clock
        self._new_id = new_id
        self._tasks = TaskSet()
        #: What is being made or restored now: one at a time.
        self.work: Work | None = None

    @property
    def incoming(self) -> Path:
        """The folder for files that are being uploaded."""
        folder = self._folder / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def busy(self) -> bool:
        return self.work is not None

    @property
    def is_restoring(self) -> bool:
        return self.work is not None and self.work.workflow is Recorded.RESTORE_SNAPSHOT

    @property
    def _reloading(self) -> Path:
        return self._folder / "reloading"

    async def recover(self) -> None:
        """Finish what a restore could not before an earlier process died, and remove half uploads."""
        await asyncio.to_thread(shutil.rmtree, self._folder / "incoming", True)
        if self._reloading.exists():
            await self._reload()
            self._reloading.unlink()

    async def close(self) -> None:
        """Wait for what is being made or restored."""
        await self._tasks.join()

    async def create(
        self, id: str, *, tenant: str, by: str, with_events: bool = True, with_logs: bool = True
    ) -> Work:
        """Begin to make a snapshot. Raises InvalidInput, Conflict, IllegalAction and ExecutionRunning."""
        check_id("snapshot", id)
        self._check_free(id)
        await self._store.read(snapshots.check_idle)
        work = self._begin(Recorded.CREATE_SNAPSHOT, id, tenant, by)
        record = Snapshot(id, CREATING, work.began.isoformat(), by, tenant, execution_id=work.execution_id)
        self._write(record)
        self._tasks.spawn(
            self._carry_out(work, self._create(record, with_events, with_logs)), f"the snapshot {id}"
        )
        return work

    async def restore(self, id: str, *, tenant: str, by: str, force: bool) -> Work:
        """Begin to restore a snapshot.

        Raises NotFound, InvalidSnapshot, IllegalAction and ExecutionRunning.
        """
        file = self.file(id)
        manifest = await asyncio.to_thread(snapshot_files.read_manifest, file)
        self._check_keys(manifest)
        await self._store.read(snapshots.check_idle)
        if not force and not await self._store.read(snapshots.is_empty):
            raise IllegalAction(
                "The manager has blueprints or deployments, which a restore replaces with those of the "
                "snapshot. Use `force` (`cfy snapshots restore --force`) if that is meant."
            )
        work = self._begin(Recorded.RESTORE_SNAPSHOT, id, tenant, by)
        self._tasks.spawn(
            self._carry_out(work, self._restore(work, file, force)), f"the restore of snapshot {id}"
        )
        return work

    async def upload(self, id: str, archive: Path, *, tenant: str, by: str) -> Snapshot:
        """Keep a file, which is moved away. Raises InvalidInput, Conflict and InvalidSnapshot."""
        check_id("snapshot", id)
        self._check_free(id)
        await asyncio.to_thread(snapshot_files.verify, archive)
        self._check_free(id)
        os.replace(archive, self._path(id, "zip"))
        record = Snapshot(id, UPLOADED, self._clock().isoformat(), by, tenant)
        self._write(record)
        return record

    def list(self) -> list[Snapshot]:
        """Return all of them, by their ids."""
        return [self.get(path.stem) for path in sorted(self._folder.glob("*.json"))]

    def get(self, id: str) -> Snapshot:
        """Raises NotFound."""
        check_id("snapshot", id)
        try:
            record = Snapshot(**json.loads(self._path(id, "json").read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            raise NotFound(f"There is no snapshot `{id}`.") from None
        if record.status == CREATING and (self.work is None or self.work.snapshot_id != id):
            return replace(record, status=FAILED, error="The manager ended while it was made. Delete it.")
        return record

    def file(self, id: str) -> Path:
        """Return the whole file of a snapshot. Raises NotFound and IllegalAction."""
        record = self.get(id)
        if record.status not in (CREATED, UPLOADED):
            raise IllegalAction(f"The snapshot `{id}` is `{record.status}`; there is no file of it.")
        return self._path(id, "zip")

    def delete(self, id: str) -> None:
        """Raises NotFound, and IllegalAction while it is made or restored."""
        self.get(id)
        if self.work is not None and self.work.snapshot_id == id:
            raise IllegalAction(f"The snapshot `{id}` is in use by `{self.work.workflow}`. Wait for its end.")
        for ending in ("zip", "zip.part", "json"):
            self._path(id, ending).unlink(missing_ok=True)

    def _check_free(self, id: str) -> None:
        if self._path(id, "json").exists():
            raise Conflict(f"There is a snapshot `{id}` already. Delete it, or use another id.")

    def _begin(self, workflow: Recorded, id: str, tenant: str, by: str) -> Work:
        if self.work is not None:
            raise IllegalAction(
                f"`{self.work.workflow}` of snapshot `{self.work.snapshot_id}` is still running. "
                "Wait for its end."
            )
        self.work = Work(self._new_id(), workflow, id, tenant, by, self._clock())
        return self.work

    async def _carry_out(self, work: Work, doing: Awaitable[None]) -> None:
        """Do it, and store how it ended as an execution."""
        error = None
        try:
            await doing
        except CloudwrightError as failure:
            error = str(failure)
        except Exception as failure:
            log.exception("%s of snapshot %s", work.workflow, work.snapshot_id)
            error = f"{type(failure).__name__}: {failure}"
        try:
            await self._store.write(_record, work, self._clock(), error)
        finally:
            self.work = None

    async def _create(self, record: Snapshot, with_events: bool, with_logs: bool) -> None:
        part = self._path(record.id, "zip.part")
        try:
            manifest = await self._store.read(
                snapshot_files.write_tables,
                part,
                cloudwright.__version__,
                record.created_at,
                with_events,
                with_logs,
            )
            paths = {digest: await self._artifacts.path(digest) for digest in manifest.artifacts}
            await asyncio.to_thread(snapshot_files.finish, part, manifest, paths.__getitem__)
            os.replace(part, self._path(record.id, "zip"))
            self._write(replace(record, status=CREATED))
        except BaseException as error:
            part.unlink(missing_ok=True)
            self._write(replace(record, status=FAILED, error=str(error) or type(error).__name__))
            raise

    async def _restore(self, work: Work, file: Path, force: bool) -> None:
        manifest = await asyncio.to_thread(snapshot_files.verify, file)
        self._check_keys(manifest)
        for digest in manifest.artifacts:
            await self._artifacts.bring(
                digest, partial(snapshot_files.extract_artifact, file, digest), self.incoming
            )
        # A process that dies between the commit and the end of the reload is known by it.
        self._reloading.touch()
        try:
            await self._store.write(_replace, file, work.by, force)
        finally:
            await self._reload()
            self._reloading.unlink()

    def _check_keys(self, manifest: Manifest) -> None:
        missing = [key for key in manifest.keys if not self._keys.holds(f"{key}:")]
        if missing:
            raise IllegalAction(
                f"The snapshot's secrets are encrypted with the key {', '.join(missing)}, which this manager "
                "does not have. Add the line of that key from the other manager's key file to its own, "
                "restart it, and restore then."
            )

    def _path(self, id: str, ending: str) -> Path:
        return self._folder / f"{id}.{ending}"

    def _write(self, record: Snapshot) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = self._path(record.id, "json.new")
        beside.write_text(json.dumps(asdict(record)), "utf-8")
        os.replace(beside, self._path(record.id, "json"))


def _replace(conn: Connection, file: Path, by: str, force: bool) -> None:
    with opened_tables(file) as rows_of:
        snapshots.replace_all(conn, rows_of, by, force=force, kept=[MAINTENANCE])


def _record(conn: Connection, work: Work, ended: datetime, error: str | None) -> None:
    recorded.record(
        conn,
        work.workflow,
        work.execution_id,
        work.tenant,
        parameters={"snapshot_id": work.snapshot_id},
        by=work.by,
        began=work.began,
        ended=ended,
        error=error,
    )

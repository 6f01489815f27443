"""Blueprints: an archive becomes files on disk and a stored plan, or a record that says why not.

Its archive is an artifact; the files in it are in ``<home>/blueprints/<tenant>/<id>/files``. They exist for
as long as the blueprint is ``uploaded`` or on its way there; of an upload that failed nothing stays.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from cloudwright.bus import topics
from cloudwright.bus.protocol import Bus
from cloudwright.dsl import BlueprintError, Plan, Problem
from cloudwright.errors import (
    CloudwrightError,
    Conflict,
    DependentExists,
    IllegalAction,
    InvalidBlueprint,
    InvalidInput,
    NotFound,
)
from cloudwright.manager.archives import UnsafeArchive, ending, only_folder, unpack
from cloudwright.manager.artifacts import Artifacts
from cloudwright.manager.identifiers import check_id, check_visibility
from cloudwright.manager.labels import make_labels, plan_labels
from cloudwright.manager.preflight import plan_warnings
from cloudwright.storage import blueprints
from cloudwright.storage.executions import recorded
from cloudwright.storage.filters import BlueprintFilter
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.records import Blueprint
from cloudwright.storage.store import Connection, Store

log = logging.getLogger(__name__)

UPLOADED = "uploaded"
FAILED_STATES = frozenset({"failed_uploading", "failed_extracting", "failed_parsing", "invalid"})
END_STATES = FAILED_STATES | {UPLOADED}
DEFAULT_MAIN_FILE = "blueprint.yaml"

#: Parses a file in a tenant, with the imports that the user of that name sees.
Parse = Callable[[str, Path, str | None], Awaitable[dict[str, Any]]]


class BlueprintInUse(DependentExists):
    """Other blueprints import the blueprint."""

    code = "blueprint_in_use"


@dataclass(frozen=True, slots=True)
class Validation:
    """A blueprint could be uploaded; ``warnings`` are of what in it is probably not meant."""

    execution_id: str
    began: datetime
    warnings: list[dict[str, Any]]


class Blueprints:
    """``parse`` turns a tenant's application file into a plan, and raises errors.InvalidBlueprint."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        home: Path,
        artifacts: Artifacts,
        parse: Parse,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._bus = bus
        self._home = home
        self._artifacts = artifacts
        self._parse = parse
        self._clock = clock
        self._new_id = new_id
        self._uploads: set[asyncio.Task[Blueprint]] = set()

    @property
    def incoming(self) -> Path:
        """The folder for archives that are being received; on the disk where they will stay."""
        folder = self._home / "uploads"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    async def upload(
        self,
        tenant: str,
        id: str,
        archive: Path,
        *,
        main_file: str | None = None,
        by: str | None,
        visibility: str = "tenant",
        labels: Iterable[tuple[str, str]] = (),
        background: bool = False,
    ) -> Blueprint:
        """Make a blueprint of ``archive``, which is moved away or removed whatever happens.

        An earlier blueprint of this id that failed is replaced. With ``background`` the result is the record
        as it is when the work begins; the rest is read from its state. Otherwise the result is the uploaded
        blueprint. Raises InvalidInput and Conflict; without ``background`` UnsafeArchive and InvalidBlueprint
        too, and then the record keeps the error as well.
        """
        try:
            archive = _taken_over(archive)
            check_id("blueprint", id)
            check_visibility(visibility)
            now = self._clock()
            new = Blueprint(
                id=id,
                tenant=tenant,
                main_file_name=_main_file(main_file),
                state="uploading",
                visibility=visibility,
                created_by=by,
                labels=make_labels(labels, by=by, now=now),
                upload_execution=self._new_id(),
            )
            blueprint = await self._store.write(_begin, new, now)
        except BaseException:
            _discard(archive)
            raise
        # A task of its own: the client may disconnect, and the record must reach a final state nevertheless.
        task = asyncio.create_task(self._upload(blueprint, archive), name=f"upload of blueprint {id}")
        self._uploads.add(task)
        task.add_done_callback(self._uploads.discard)
        if background:
            task.add_done_callback(_failure_is_stored)
            return blueprint
        return await asyncio.shield(task)

    async def validate(
        self, tenant: str, id: str, archive: Path, *, main_file: str | None = None, by: str | None
    ) -> Validation:
        """Unpack and parse ``archive``, which is removed, and keep nothing but the record of an execution.

        Raises as ``upload`` does.
        """
        began, execution_id = self._clock(), self._new_id()
        try:
            warnings = await self._validate(tenant, archive, main_file, by)
        except CloudwrightError as error:
            await self._store.write(
                _record, tenant, id, execution_id, by, began, self._clock(), str(error), validate=True
            )
            raise
        await self._store.write(
            _record, tenant, id, execution_id, by, began, self._clock(), None, validate=True
        )
        return Validation(execution_id, began, warnings)

    async def _validate(
        self, tenant: str, archive: Path, main_file: str | None, by: str | None
    ) -> list[dict[str, Any]]:
        try:
            name = _main_file(main_file)
            with tempfile.TemporaryDirectory(dir=self.incoming, prefix="validate-") as folder:
                file = await asyncio.to_thread(_unpack, archive, Path(folder), name)
                plan = await self._parse_in(tenant, Path(folder), file, by)
                return list(plan["warnings"])
        finally:
            _discard(archive)

    async def delete(self, tenant: str, id: str, *, force: bool = False) -> Blueprint:
        """Raises NotFound, IllegalAction while it is being uploaded, and DependentExists if deployments
        were made from it, or, without ``force``, if other blueprints import it.
        """
        if not force:
            await self._store.read(_check_importers, tenant, id)
        blueprint = await self._store.write(_delete, tenant, id)
        await asyncio.to_thread(shutil.rmtree, self._folder(blueprint), True)
        await self._artifacts.release(blueprint.artifact)
        self._publish(blueprint, "deleted")
        return blueprint

    async def archive(self, tenant: str, id: str) -> tuple[Path, str]:
        """Return the archive as it was sent, and how the name of such a file ends. Raises NotFound."""
        blueprint = await self._store.read(blueprints.get, tenant, id)
        try:
            file = await self._artifacts.path(blueprint.artifact or "")
            return file, await asyncio.to_thread(ending, file)
        except (FileNotFoundError, ValueError) as error:
            raise NotFound(f"Blueprint `{id}` has no archive: it is `{blueprint.state}`.") from error

    async def set_labels(
        self, tenant: str, id: str, labels: Iterable[tuple[str, str]], *, by: str
    ) -> Blueprint:
        """Replace the labels. Raises NotFound, InvalidInput."""
        now = self._clock()
        made = make_labels(labels, by=by, now=now)
        return await self._store.write(_set_labels, tenant, id, made, now)

    @property
    def busy(self) -> bool:
        """Whether anything is being uploaded."""
        return bool(self._uploads)

    async def recover(self) -> None:
        """Say of uploads that ended with an earlier process that they failed, and remove what they left."""
        unfinished = {"pending", "uploading", "extracting", "parsing"}
        found, _ = await self._store.read(
            blueprints.list_blueprints, BlueprintFilter(states=unfinished), EVERYTHING
        )
        for blueprint in found:
            await self._fail(
                blueprint, "failed_uploading", "The manager ended while this was uploaded. Upload it again."
            )
        await asyncio.to_thread(shutil.rmtree, self._home / "uploads", True)
        uploaded, _ = await self._store.read(
            blueprints.list_blueprints, BlueprintFilter(states={UPLOADED}), EVERYTHING
        )
        for blueprint in uploaded:
            # Before 0.2 the archive lay beside the files.
            archive = self._folder(blueprint) / "archive"
            if blueprint.artifact is None and archive.is_file():
                await self._keep(blueprint, archive)

    async def unpack_again(self) -> None:
        """Make the unpacked files of all blueprints again from their archives."""
        await asyncio.to_thread(shutil.rmtree, self._home / "blueprints", True)
        uploaded, _ = await self._store.read(
            blueprints.list_blueprints, BlueprintFilter(states={UPLOADED}), EVERYTHING
        )
        for blueprint in uploaded:
            if blueprint.artifact is None:
                continue
            folder = self._folder(blueprint)
            kept = await self._artifacts.path(blueprint.artifact)
            await asyncio.to_thread(_make_empty, folder)
            await asyncio.to_thread(_unpack, kept, folder / "files", blueprint.main_file_name)

    async def close(self) -> None:
        """Abandon running uploads; ``recover`` of the next start says so in their records."""
        for task in self._uploads:
            task.cancel()
        await asyncio.gather(*self._uploads, return_exceptions=True)

    async def _upload(self, blueprint: Blueprint, archive: Path) -> Blueprint:
        folder = self._folder(blueprint)
        failure = "failed_uploading"
        try:
            await asyncio.to_thread(_make_empty, folder)
            blueprint = await self._keep(blueprint, archive)
            failure = "failed_extracting"
            await self._enter(blueprint, "extracting")
            kept = await self._artifacts.path(str(blueprint.artifact))
            file = await asyncio.to_thread(_unpack, kept, folder / "files", blueprint.main_file_name)
            failure = "failed_parsing"
            await self._enter(blueprint, "parsing")
            plan = await self._parse_in(blueprint.tenant, folder / "files", file, blueprint.created_by)
            stored = await self._store.write(
                _finish, blueprint, self._path(blueprint, file), plan, self._clock()
            )
        except CloudwrightError as error:
            if isinstance(error, InvalidBlueprint):
                failure = "invalid"
            await self._fail(blueprint, failure, str(error))
            raise
        except Exception as error:
            log.exception("upload of blueprint %s of tenant %s", blueprint.id, blueprint.tenant)
            reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            await self._fail(blueprint, failure, f"The manager could not store the blueprint: {reason}.")
            raise
        finally:
            _discard(archive)
        self._publish(stored, stored.state)
        return stored

    async def _keep(self, blueprint: Blueprint, archive: Path) -> Blueprint:
        """Make an artifact of the archive, and return the blueprint that names it."""
        tenant, id, now = blueprint.tenant, blueprint.id, self._clock()
        return await self._artifacts.keep(
            archive, lambda digest: self._store.write(_set_artifact, tenant, id, digest, now)
        )

    async def _parse_in(self, tenant: str, folder: Path, file: Path, by: str | None) -> dict[str, Any]:
        """Return the plan of the application file ``file``, which lies in the only folder in ``folder``.

        Problems are reported with paths inside of that folder; where the manager keeps it is not exposed.
        """
        inside = {f"{folder / file.relative_to(folder).parts[0]}/": ""}
        try:
            plan = await self._parse(tenant, file, by)
        except BlueprintError as error:
            raise BlueprintError(
                [problem.with_names(inside) for problem in error.problems],
                [warning.with_names(inside) for warning in error.warnings],
            ) from error
        warnings = [Problem(**warning).with_names(inside) for warning in plan.get("warnings") or ()]
        # In a thread: large plans take a while, and other requests should not wait for them.
        warnings += await asyncio.to_thread(plan_warnings, Plan.from_json(plan).nodes, file.name)
        return plan | {"warnings": [warning.to_json() for warning in warnings]}

    async def _enter(self, blueprint: Blueprint, state: str) -> None:
        await self._store.write(
            blueprints.set_state, blueprint.tenant, blueprint.id, state, now=self._clock()
        )
        self._publish(blueprint, state)

    async def _fail(self, blueprint: Blueprint, state: str, error: str) -> None:
        await asyncio.to_thread(shutil.rmtree, self._folder(blueprint), True)
        await self._store.write(_end_failed, blueprint, state, error, self._clock())
        await self._artifacts.release(blueprint.artifact)
        self._publish(blueprint, state)

    def _publish(self, blueprint: Blueprint, state: str) -> None:
        self._bus.publish(topics.blueprint(blueprint.tenant, blueprint.id), {"state": state})

    def _folder(self, blueprint: Blueprint) -> Path:
        return self._home / "blueprints" / blueprint.tenant / blueprint.id

    def _path(self, blueprint: Blueprint, file: Path) -> str:
        """Return the folder of the unpacked files, relative to the home directory."""
        return str(
            file.relative_to(self._home).parents[len(PurePosixPath(blueprint.main_file_name).parts) - 1]
        )


def _failure_is_stored(task: asyncio.Task[Blueprint]) -> None:
    """No request waits for a background upload; its record says what went wrong."""
    if not task.cancelled():
        task.exception()


def _main_file(name: str | None) -> str:
    path = PurePosixPath(name or DEFAULT_MAIN_FILE)
    if path.is_absolute() or ".." in path.parts or not path.name or "\0" in str(path):
        raise InvalidInput(
            f"`{name}` cannot name the application file: give its path inside of the archive's folder."
        )
    return str(path)


def _taken_over(archive: Path) -> Path:
    """Give the file another name: who has received it removes it if the client goes away."""
    return archive.rename(archive.with_name(f"taken-{archive.name}"))


def _discard(archive: Path) -> None:
    archive.unlink(missing_ok=True)


def _make_empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _unpack(archive: Path, folder: Path, main_file: str) -> Path:
    """Return the application file. Raises UnsafeArchive."""
    folder.mkdir(exist_ok=True)
    unpack(archive, folder)
    top = only_folder(folder)
    file = top / main_file
    if not file.is_file():
        others = sorted(path.name for pattern in ("*.yaml", "*.yml") for path in top.glob(pattern))
        raise UnsafeArchive(
            f"The archive's folder `{top.name}` holds no file `{main_file}`. Name the application file"
            f" (there {'is' if len(others) == 1 else 'are'}: {', '.join(others) or 'no YAML files'})."
        )
    return file


def _begin(conn: Connection, new: Blueprint, now: datetime) -> Blueprint:
    try:
        earlier = blueprints.get(conn, new.tenant, new.id)
    except NotFound:
        return blueprints.create(conn, new, now)
    if earlier.state not in FAILED_STATES:
        raise Conflict(
            f"There is a blueprint `{new.id}` already; it is `{earlier.state}`. Delete it, or use another id."
        )
    blueprints.delete(conn, new.tenant, new.id)
    return blueprints.create(conn, new, now)


def _finish(
    conn: Connection, blueprint: Blueprint, path: str, plan: dict[str, Any], now: datetime
) -> Blueprint:
    own = [(label["key"], label["value"]) for label in blueprint.labels]
    labels = make_labels([*own, *plan_labels(plan.get("blueprint_labels"))], by=blueprint.created_by, now=now)
    stored = blueprints.update(
        conn,
        blueprint.tenant,
        blueprint.id,
        now,
        state=UPLOADED,
        plan=plan,
        path=path,
        labels=labels,
        requirements=plan.get("requirements") or None,
        description=plan.get("description"),
    )
    _record_upload(conn, stored, now)
    return replace(stored, plan=plan)


def _end_failed(conn: Connection, blueprint: Blueprint, state: str, error: str, now: datetime) -> None:
    stored = blueprints.update(
        conn, blueprint.tenant, blueprint.id, now, state=state, error=error, artifact=None
    )
    _record_upload(conn, stored, now)


def _record_upload(conn: Connection, blueprint: Blueprint, now: datetime) -> None:
    assert blueprint.upload_execution
    assert blueprint.created_at
    _record(
        conn,
        blueprint.tenant,
        blueprint.id,
        blueprint.upload_execution,
        blueprint.created_by,
        blueprint.created_at,
        now,
        blueprint.error,
    )


def _record(
    conn: Connection,
    tenant: str,
    id: str,
    execution_id: str,
    by: str | None,
    began: datetime,
    ended: datetime,
    error: str | None,
    validate: bool = False,
) -> None:
    recorded.record(
        conn,
        recorded.Recorded.UPLOAD_BLUEPRINT,
        execution_id,
        tenant,
        blueprint_id=id,
        parameters={"blueprint_id": id, "validate_only": validate},
        by=by,
        began=began,
        ended=ended,
        error=error,
    )


def _set_artifact(conn: Connection, tenant: str, id: str, digest: str, now: datetime) -> Blueprint:
    return blueprints.update(conn, tenant, id, now, artifact=digest)


def _set_labels(
    conn: Connection, tenant: str, id: str, labels: list[dict[str, Any]], now: datetime
) -> Blueprint:
    return blueprints.update(conn, tenant, id, now, labels=labels)


def _check_importers(conn: Connection, tenant: str, id: str) -> None:
    importers = blueprints.importers(conn, blueprints.get(conn, tenant, id))
    if importers:
        named = ", ".join(f"`{importer}`" for importer in importers)
        raise BlueprintInUse(
            f"Blueprint `{id}` is imported by the blueprints {named}, whose deployments need its files."
            " Delete them first, or keep the blueprint."
        )


def _delete(conn: Connection, tenant: str, id: str) -> Blueprint:
    blueprint = blueprints.get(conn, tenant, id)
    if blueprint.state not in END_STATES:
        raise IllegalAction(f"Blueprint `{id}` is `{blueprint.state}`. Wait until that is over.")
    return blueprints.delete(conn, tenant, id)

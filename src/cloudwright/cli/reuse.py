"""What `install` finds from an earlier try: the same blueprint or deployment is used again, what nothing
depends on is replaced, and what would change something installed is refused with what to do.
"""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from cloudwright.cli.blueprint_source import SPOOLED, Source
from cloudwright.cli.failure import Failure
from cloudwright.cli.session import Session
from cloudwright.client.errors import NotFound
from cloudwright.client.records import Slice

#: Deployments that are named in a refusal.
MOST_NAMED = 5
NOT_BEGUN = ("uninitialized", "deleted")


def blueprint_to_keep(session: Session, identifier: str, source: Source, path: str) -> bool:
    """Return whether the blueprint of this id is the one of ``source``; if it is another that nothing uses,
    it is deleted. ``path`` is where the user has it. Raises Failure if it is used, and NotFound if there is
    none.
    """
    if _is_stored(session, identifier, source, _contents(source.archive)):
        session.out.say(f"Blueprint `{identifier}` has not changed.")
        return True
    part = Slice(size=MOST_NAMED, fields=("id",))
    users = session.client.deployments.list(part, blueprint_id=identifier)
    if users.total:
        names = ", ".join(f"`{item['id']}`" for item in users.items)
        more = f" and {users.total - len(users.items)} more" if users.total > len(users.items) else ""
        raise Failure(
            f"Blueprint `{identifier}` has changed, and is used by {names}{more}.",
            f"Give the new one another id, and update what uses the old one:\n"
            f"  cfy blueprints upload -b {identifier}-2 {path}\n"
            f"  cfy deployments update {users.items[0]['id']} -b {identifier}-2\n"
            f"Or install it beside the old one with `-b {identifier}-2`.",
        )
    session.client.blueprints.delete(identifier)
    session.out.say(f"Blueprint `{identifier}` has changed; the one that nothing used is replaced.")
    return False


def free_blueprint_id(
    session: Session, wanted: str, source: Source, path: str, *, is_fixed: bool
) -> tuple[str, bool]:
    """Return the id under which the blueprint of ``source`` is stored or can be, and whether it has to be
    sent first.

    An id that another content has is not taken: unless it ``is_fixed``, the content's digest follows it.
    Raises Failure if it is fixed and used by deployments.
    """
    try:
        contents = None if is_fixed else _contents(source.archive)
        if contents is None:
            return wanted, not blueprint_to_keep(session, wanted, source, path)
        if _is_stored(session, wanted, source, contents):
            return wanted, False
    except NotFound:
        return wanted, True
    lines = "\n".join(f"{digest} {name}" for name, digest in sorted(contents.items()))
    digest = hashlib.sha256(f"{source.main_file}\n{lines}".encode()).hexdigest()
    try:
        return f"{wanted}-{digest[:8]}", not _is_stored(session, f"{wanted}-{digest[:8]}", source, contents)
    except NotFound:
        return f"{wanted}-{digest[:8]}", True


def _is_stored(session: Session, identifier: str, source: Source, contents: dict[str, str] | None) -> bool:
    """Return whether the blueprint of this id is the one of ``source``. Raises NotFound if there is none."""
    blueprint = session.client.blueprints.get(identifier)
    same_file = (blueprint.get("main_file_name") or source.main_file) == source.main_file
    return (
        blueprint.get("state") == "uploaded"
        and same_file
        and contents == _stored_contents(session, identifier)
    )


def deployment_to_keep(
    session: Session, identifier: str, blueprint_id: str, inputs: Mapping[str, Any]
) -> bool:
    """Return whether there is a deployment of this id to go on with; one that was never installed, and was
    made otherwise, is deleted. Raises Failure if something of it is installed.
    """
    client = session.client
    try:
        deployment = client.deployments.get(identifier)
    except NotFound:
        return False
    stored = deployment.get("inputs") or {}
    changed = [name for name, value in inputs.items() if not _is_same(value, stored.get(name))]
    if deployment.get("blueprint_id") == blueprint_id and not changed:
        session.out.say(f"Deployment `{identifier}` has not changed.")
        return True
    part = Slice(size=1000, fields=("id", "state"))
    instances = client.node_instances.list(part, deployment_id=identifier).items
    if any(instance.get("state") not in NOT_BEGUN for instance in instances):
        named = f"its inputs {', '.join(f'`{name}`' for name in changed)}" if changed else "its blueprint"
        command = f"cfy deployments update {identifier}{_update_options(deployment, blueprint_id, changed)}"
        raise Failure(
            f"Deployment `{identifier}` is installed, or was in part, and {named} would change.",
            f"`{command}` does that; with --preview it shows first what would be done.\n"
            "Or install beside it with another -d.",
        )
    client.deployments.delete(identifier)
    session.out.say(f"Deployment `{identifier}`, of which nothing was installed, is recreated.")
    return False


def _update_options(deployment: Mapping[str, Any], blueprint_id: str, changed: Sequence[str]) -> str:
    blueprint = f" -b {blueprint_id}" if deployment.get("blueprint_id") != blueprint_id else ""
    return blueprint + "".join(f" -i {name}=..." for name in changed)


def _is_same(given: Any, stored: Any) -> bool:
    # On a command line all is text.
    return given == stored or (isinstance(given, str) and given.lower() == str(stored).lower())


def _stored_contents(session: Session, identifier: str) -> dict[str, str] | None:
    with tempfile.SpooledTemporaryFile(max_size=SPOOLED) as file:
        try:
            session.client.blueprints.download(identifier, file)
        except NotFound:
            return None
        file.seek(0)
        return _contents(file)


def _contents(archive: IO[bytes]) -> dict[str, str] | None:
    """Return a digest of each file in an archive, by its name below the one folder; None if it is none.

    The archive must be at its beginning, and is wound back to it.
    """
    try:
        return {
            name.partition("/")[2]: hashlib.sha256(content).hexdigest() for name, content in _files(archive)
        }
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError):
        return None
    finally:
        archive.seek(0)


def _files(archive: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    if zipfile.is_zipfile(archive):
        archive.seek(0)
        with zipfile.ZipFile(archive) as packed:
            for entry in packed.infolist():
                if not entry.is_dir():
                    yield entry.filename, packed.read(entry)
        return
    archive.seek(0)
    with tarfile.open(fileobj=archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            if file is not None:
                yield member.name.removeprefix("./"), file.read()

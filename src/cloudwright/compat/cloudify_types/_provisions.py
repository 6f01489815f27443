"""What an instance brings along: a blueprint, plugins and secrets.

Each is recorded in the runtime properties before it is made, so that what an interrupted attempt has made is
known to be the instance's own: only that is removed with it. What was there before is used, and left.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from cloudwright.child.current import ctx
from cloudwright.child.errors import NonRecoverableError, RecoverableError, RequestRefused
from cloudwright.compat.cloudify_types._client import found, removed
from cloudwright.operation.tempdirs import new_folder

BLUEPRINT, PLUGINS, SECRETS = "blueprint", "plugins", "secrets"
#: The key in the record of a thing which says that the instance made it.
CREATED = "created"
_UPLOADED = "uploaded"
_UPLOADING = frozenset({"pending", "uploading", "extracting", "parsing"})
_DOWNLOAD_SECONDS = 60


def blueprint_id(config: Mapping[str, Any]) -> str:
    """Return the id of the blueprint of ``config``: its own, or else the instance's."""
    return str(config.get("id") or ctx.instance.id)


def provide_blueprint(client: Any, config: Mapping[str, Any]) -> str:
    """Upload the blueprint of ``config`` unless it is there; returns its id."""
    id = blueprint_id(config)
    properties = ctx.instance.runtime_properties
    own = (properties.get(BLUEPRINT) or {}).get(CREATED) and properties[BLUEPRINT]["id"] == id
    there = found(client.blueprints.get, id, _include=["id", "state"])
    if there is not None and there["state"] in _UPLOADING:
        raise RecoverableError(f"Blueprint `{id}` is `{there['state']}`, by another instance or attempt.")
    if there is not None and (there["state"] == _UPLOADED or not own):
        properties.setdefault(BLUEPRINT, {"id": id})
        return _checked(id, there["state"])
    archive = config.get("blueprint_archive")
    if config.get("external_resource") or not archive:
        why = (
            "`external_resource` says that it is there"
            if config.get("external_resource")
            else "no `blueprint_archive` says where to upload it from"
        )
        raise NonRecoverableError(f"There is no blueprint `{id}` in tenant `{ctx.tenant_name}`, and {why}.")
    labels = labels_of(config, "blueprint")
    properties[BLUEPRINT] = {
        "id": id,
        CREATED: True,
        "blueprint_archive": archive,
        "application_file_name": config.get("main_file_name"),
    }
    ctx.instance.update()
    ctx.logger.info("Uploading blueprint `%s`", id)
    try:
        with _quicker(partial(properties.pop, BLUEPRINT)):
            _upload(client, id, str(archive), str(config.get("main_file_name") or "blueprint.yaml"), labels)
    except RequestRefused as error:
        if error.status_code in (400, 413):
            raise NonRecoverableError(f"Blueprint `{id}` could not be uploaded: {error.message}") from error
        raise
    return id


def remove_blueprint(client: Any) -> None:
    record = ctx.instance.runtime_properties.get(BLUEPRINT) or {}
    if record.get(CREATED):
        removed(client.blueprints.delete, f"blueprint `{record['id']}`", record["id"])
    ctx.instance.runtime_properties.pop(BLUEPRINT, None)


def provide_secrets(client: Any, secrets: Mapping[str, Any] | None) -> None:
    """Create secrets, by key, that are not there."""
    for key, value in (secrets or {}).items():
        own = ctx.instance.runtime_properties.setdefault(SECRETS, [])
        if found(client.secrets.get, key) is not None:
            if key not in own:
                ctx.logger.info("There is a secret `%s` already, which is used as it is", key)
            continue
        if key not in own:
            own.append(key)
            ctx.instance.update()
        with _quicker(partial(own.remove, key)):
            client.secrets.create(key, value if isinstance(value, str) else str(value))
        ctx.logger.info("Created the secret `%s`", key)


@contextmanager
def _quicker(forget: Callable[[], object]) -> Iterator[None]:
    """Try again, after ``forget``, if another instance has made meanwhile what is made: it is that one's."""
    try:
        yield
    except RequestRefused as error:
        if error.error_code != "conflict_error":
            raise
        forget()
        raise RecoverableError(error.message) from error


def remove_secrets(client: Any) -> None:
    for key in ctx.instance.runtime_properties.get(SECRETS) or ():
        removed(client.secrets.delete, f"secret `{key}`", key)
    ctx.instance.runtime_properties.pop(SECRETS, None)


def provide_plugins(client: Any, plugins: Mapping[str, Any] | None) -> None:
    """Upload plugins, each of a wagon and its plugin.yaml, whose package is not there in that version."""
    if not plugins:
        return
    own = ctx.instance.runtime_properties.setdefault(PLUGINS, [])
    there = {(plugin.package_name, plugin.package_version): plugin.id for plugin in client.plugins.list()}
    for name, described in plugins.items():
        wagon, description = described.get("wagon_path"), described.get("plugin_yaml_path")
        if not wagon or not description:
            raise NonRecoverableError(f"The plugin `{name}` needs a `wagon_path` and a `plugin_yaml_path`.")
        files = [_local(wagon), _local(description)]
        package = _package(files[1], name)
        recorded = next((one for one in own if one["package"] == list(package)), None)
        if package in there:
            if recorded is not None:
                recorded["id"] = there[package]
            else:
                ctx.logger.info("The plugin `%s` %s is there already, and is used as it is", *package)
            continue
        if recorded is None:
            own.append(recorded := {"package": list(package), "id": None})
            ctx.instance.update()
        with _quicker(partial(own.remove, recorded)):
            recorded["id"] = client.plugins.upload(_zipped(files)).id
        ctx.instance.update()
        ctx.logger.info("Uploaded the plugin `%s` %s", *package)


def remove_plugins(client: Any) -> None:
    for one in ctx.instance.runtime_properties.get(PLUGINS) or ():
        if one["id"]:
            removed(client.plugins.delete, f"plugin `{one['package'][0]}`", one["id"])
    ctx.instance.runtime_properties.pop(PLUGINS, None)


def labels_of(config: Mapping[str, Any], what: str) -> list[dict[str, Any]]:
    """Return the labels of ``config``. Raises NonRecoverableError if they have another form."""
    labels = config.get("labels") or []
    if isinstance(labels, list) and all(isinstance(one, dict) and len(one) == 1 for one in labels):
        return [dict(one) for one in labels]
    raise NonRecoverableError(
        f"The labels of the {what} have to be a list of mappings with one key each, such as "
        f"`[{{env: test}}]`, and are {labels!r}."
    )


def _checked(id: str, state: str) -> str:
    if state != _UPLOADED:
        raise NonRecoverableError(f"Blueprint `{id}` is `{state}`: it can be used once it is uploaded.")
    return id


def _upload(client: Any, id: str, archive: str, main_file: str, labels: list[dict[str, Any]]) -> None:
    path = archive
    if not urlsplit(archive).scheme:
        folder = ctx._resources.folder(archive)
        if folder is not None:
            client.blueprints.upload(os.path.join(folder, main_file), id, labels=labels)
            return
    client.blueprints.publish_archive(_local(path), id, main_file, labels=labels)


def _local(place: str) -> str:
    """Return the path of a copy of a file of the blueprint, or of what is at an address."""
    if not urlsplit(place).scheme:
        return str(ctx.download_resource(place))
    import requests  # noqa: PLC0415 - large, and few operations download anything

    path = os.path.join(new_folder(), os.path.basename(urlsplit(place).path) or "archive")
    try:
        with requests.get(place, stream=True, timeout=_DOWNLOAD_SECONDS) as answer:
            answer.raise_for_status()
            with open(path, "wb") as file:
                for block in answer.iter_content(1 << 20):
                    file.write(block)
    except requests.RequestException as error:
        raise NonRecoverableError(f"`{place}` could not be downloaded: {error}.") from error
    return path


def _package(description: str, name: str) -> tuple[str, str]:
    """Return the name and version of the package that a plugin.yaml describes."""
    import yaml  # noqa: PLC0415 - large, and few operations read any

    with open(description, encoding="utf-8") as file:
        try:
            described = next(iter((yaml.safe_load(file) or {})["plugins"].values()))
            return str(described["package_name"]), str(described["package_version"])
        except (yaml.YAMLError, KeyError, TypeError, AttributeError, StopIteration) as error:
            raise NonRecoverableError(
                f"The plugin.yaml of the plugin `{name}` names no package with its version."
            ) from error


def _zipped(files: list[str]) -> str:
    path = os.path.join(new_folder(), "plugin.zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(file, os.path.basename(file))
    return path

"""Inputs and parameters as people give them: files, patterns, JSON, YAML, and pairs of names and values."""

from __future__ import annotations

import datetime
import glob
import os
import re
from pathlib import Path
from typing import Any

import click
import yaml

FORMS = (
    "It may be a YAML file, a folder or a pattern of YAML files, a mapping in JSON or YAML, "
    "or `name=value;name=value`."
)


def read_all(sources: tuple[str, ...], option: str) -> dict[str, Any]:
    """What all sources say together, later ones winning. Raises click.BadParameter naming the place."""
    values: dict[str, Any] = {}
    for source in sources:
        try:
            values.update(_read(source))
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint=f"'{option}'") from None
    return values


def _read(source: str) -> dict[str, Any]:
    if os.path.isfile(source):
        return _read_file(Path(source))
    if os.path.isdir(source):
        return _read_files(sorted(glob.glob(os.path.join(glob.escape(source), "*.y*ml"))), source)
    if source.lstrip().startswith("{"):
        return _read_text(source)
    if any(character in source for character in "*?[") and (found := glob.glob(source)):
        return _read_files(sorted(found), source)
    pairs = _read_pairs(source)
    if pairs is not None:
        return pairs
    if "\n" in source or ": " in source:
        return _read_text(source)
    if source.endswith((".yaml", ".yml", ".json")) or "/" in source:
        raise ValueError(f"there is no file `{source}`.")
    raise ValueError(f"`{source}` cannot be understood. {FORMS}")


def _read_files(paths: list[str], source: str) -> dict[str, Any]:
    if not paths:
        raise ValueError(f"there is no YAML file in `{source}`.")
    values: dict[str, Any] = {}
    for path in paths:
        values.update(_read_file(Path(path)))
    return values


def _read_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text in UTF-8.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    return _mapping(text, str(path))


def _read_text(text: str) -> dict[str, Any]:
    return _mapping(text, "the given text")


def _mapping(text: str, name: str) -> dict[str, Any]:
    try:
        value = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise ValueError(f"{place}: {error.problem or 'it is not YAML'}.") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{name} is not YAML: {error}.") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        kind = "a list" if isinstance(value, list) else f"`{value}`"
        raise ValueError(f"{name}:1:1: expected names with values, found {kind}.")
    plain: dict[str, Any] = _plain(value)
    return plain


def _plain(value: Any) -> Any:
    """As JSON can carry it: YAML reads dates, which JSON writes as texts."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, bytes):
        raise ValueError("binary values cannot be given as inputs.")
    return value


def _read_pairs(text: str) -> dict[str, Any] | None:
    """``a=1;b=x=y`` with every value a text, or None if it is something else."""
    pairs: dict[str, Any] = {}
    for part in text.split(";"):
        if not part.strip():
            continue
        name, sign, value = part.partition("=")
        if not sign or not name.strip() or "\n" in name:
            return None
        pairs[name.strip()] = value.strip()
    return pairs or None


def read_labels(text: str) -> list[dict[str, str]]:
    """``env:prod,owner:me`` as ``[{"env": "prod"}, {"owner": "me"}]``. Raises click.BadParameter."""
    labels = []
    for part in split_labels(text):
        pieces = split_labels(part, ":")
        if len(pieces) != 2 or not pieces[0].strip() or not pieces[1].strip():
            raise click.BadParameter(f"`{part}` is not a label: write `key:value`.", param_hint="'--labels'")
        key, value = (re.sub(r"\\([,:])", r"\1", piece).strip() for piece in pieces)
        labels.append({key.lower(): value})
    return labels


def split_labels(text: str, by: str = ",") -> list[str]:
    """Split a text at each ``by`` that has no backslash before it."""
    return re.split(rf"(?<!\\){by}", text)

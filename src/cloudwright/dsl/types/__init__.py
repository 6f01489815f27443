"""The language's own types, ``cloudify/types/types.yaml``, in the variant of each version of the language.

There is one file, written in the newest version. An older variant is what remains of it when everything is
taken out that its version of the language does not have.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from cloudwright.dsl.limits import Limits
from cloudwright.dsl.resolver import Imported
from cloudwright.dsl.source_files import SourceFile
from cloudwright.dsl.types.variants import variant
from cloudwright.dsl.versions import PREFIX, VERSIONS
from cloudwright.dsl.yaml_reader import Budget, read_yaml

LOCATION = "cloudify/types/types.yaml"
#: In the newest variant.
FILE = Path(__file__).with_name("types.yaml")


@cache
def _text() -> str:
    return FILE.read_text(encoding="utf-8")


@cache
def _data(short_version: str) -> dict[str, Any]:
    data: dict[str, Any] = read_yaml(_text(), Budget(Limits())).value
    return variant(data, VERSIONS[PREFIX + short_version])


def imported() -> Imported:
    """Return the types as an import, whose content is ``document``."""
    return Imported(LOCATION, "")


def document(short_version: str) -> SourceFile:
    """Return the types for a version such as ``1_3``. Its data is shared and must not be changed.

    The text is that of the newest variant: it is only used to name lines.
    """
    return SourceFile(LOCATION, _text(), _data(short_version), cloudify_types=True)

"""The descriptions of services that botocore, the library of AWS, reads: the largest of them takes it a tenth
of a second, in every process again.

They are files of the library. A session keeps what it has read of them, and so may the sessions of forked
processes; credentials and connections belong to sessions and clients, which are made by operations.
"""

from __future__ import annotations

import sys
from typing import Any

#: What botocore's loader keeps of these methods, and the most arguments that each takes.
_KEPT = {
    "determine_latest_version": 2,
    "list_api_versions": 2,
    "list_available_services": 1,
    "load_data_with_path": 1,
    "load_service_model": 3,
}
#: How many of them one environment keeps.
MOST = 200


def load(names: list[list[str]]) -> None:
    """Read what ``names`` name, and let every session of this process and its children begin with it.

    Without botocore, or with one that works in another way, nothing is read.
    """
    session: Any = sys.modules.get("botocore.session")
    if session is None or not names:
        return
    create = getattr(session, "create_loader", None)
    if create is None:
        return
    loader = create()
    for method, *arguments in names[:MOST]:
        if method in _KEPT and len(arguments) <= _KEPT[method]:
            try:
                read = getattr(loader, method)(*arguments)
                if method == "load_service_model":
                    _translate(read)
            except Exception:  # noqa: BLE001, S112 - it is read again, and fails, where it is needed
                continue
    kept = dict(loader._cache)

    def create_loader(search_path_string: str | None = None) -> Any:
        made = create(search_path_string)
        if search_path_string is None:
            made._cache.update(kept)
        return made

    session.create_loader = create_loader


def _translate(model: Any) -> None:
    """Let botocore keep what it calls the operations of a service in Python, which every client asks for."""
    translate = getattr(sys.modules["botocore"], "xform_name", None)
    if translate is not None:
        for name in model.get("operations", ()):
            translate(name)


def loaded() -> list[list[str]]:
    """Return the names of what the default session of this process has read."""
    boto3: Any = sys.modules.get("boto3")
    session = getattr(boto3, "DEFAULT_SESSION", None)
    cache = getattr(getattr(session, "_loader", None), "_cache", {})
    found = []
    for method, *arguments in cache:
        # A keyword argument is kept as its name and its value.
        values = [value for value in arguments if value not in (None, "api_version")]
        if method in _KEPT and all(isinstance(value, str) for value in values):
            found.append([method, *values])
    return found[:MOST]

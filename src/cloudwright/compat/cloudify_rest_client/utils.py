"""``cloudify_rest_client.utils``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

from cloudwright.compat.cloudify_rest_client._files import tar_blueprint, tar_file
from cloudwright.compat.cloudify_rest_client._streamed import StreamedResponse

__all__ = [
    "SUPPORTED_ARCHIVE_TYPES",
    "StreamedResponse",
    "find_executable",
    "get_all",
    "get_file_content",
    "get_folder_size_and_files",
    "is_kerberos_env",
    "is_supported_archive_type",
    "tar_blueprint",
    "tar_file",
]

SUPPORTED_ARCHIVE_TYPES = ["zip", "tar", "tar.gz", "tar.bz2"]


def is_supported_archive_type(blueprint_path: str) -> bool:
    return blueprint_path.endswith(tuple(f".{kind}" for kind in SUPPORTED_ARCHIVE_TYPES))


def is_kerberos_env() -> bool:
    """There is no Kerberos here."""
    return False


def find_executable(executable: str, path: str | None = None) -> str | None:
    return shutil.which(executable, path=path)


def get_folder_size_and_files(path: str) -> tuple[int, int]:
    """Return how large all files below a folder are, and how many there are."""
    sizes = []
    for folder, _, names in os.walk(path):
        files = (os.path.join(folder, name) for name in names)
        sizes += [os.path.getsize(file) for file in files if not os.path.islink(file)]
    return sum(sizes), len(sizes)


def get_file_content(file_path: str) -> str | None:
    """Return the text of a file, or None if there is none."""
    path = os.path.expanduser(file_path)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def get_all(method: Any, *args: Any, **kwargs: Any) -> Iterator[dict[str, Any]]:
    """Yield the items of all pages of a list that ``method`` asks for, with the keys of ``_include``."""
    wanted, params = kwargs.get("_include"), dict(kwargs.pop("params", None) or {})
    seen, total = 0, 1
    while seen < total:
        answer = method(*args, params={**params, "_offset": seen}, **kwargs)
        for item in answer["items"]:
            yield {key: value for key, value in item.items() if wanted is None or key in wanted}
        seen += len(answer["items"])
        total = answer["metadata"]["pagination"]["total"] if answer["items"] else seen

"""``cloudify.test_utils``: a decorator for the tests of plugins that run workflows."""

from __future__ import annotations

import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cloudwright.compat.cloudify.workflows import local

__all__ = ["workflow_test"]

_PLUGIN = "plugin.yaml"


def workflow_test(
    blueprint_path: str,
    copy_plugin_yaml: bool = False,
    resources_to_copy: Iterable[str | tuple[str, str]] | None = None,
    temp_dir_prefix: str | None = None,
    init_args: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | str | Callable[..., Any] | None = None,
    input_func_args: Sequence[Any] | None = None,
    input_func_kwargs: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a test an environment of a copy of a blueprint, as its first argument after ``self``.

    The blueprint, and the files and folders of ``resources_to_copy`` (each perhaps with the folder that it
    goes to), are copied into a temporary folder; with ``copy_plugin_yaml``, the plugin.yaml of a folder
    above the test's file is, too. ``inputs`` may be a function, or the name of a method of the test, which
    returns them. ``init_args`` are more of ``cloudify.workflows.local.init_env``.
    """

    def decorate(test: Callable[..., Any]) -> Callable[..., Any]:
        here = Path(str(sys.modules[test.__module__].__file__)).parent

        @functools.wraps(test)
        def run(self: Any, *args: Any, **kwargs: Any) -> Any:
            name = f"{type(self).__name__}.{test.__name__}"
            folder = Path(tempfile.mkdtemp(prefix=f"{temp_dir_prefix or name}-"))
            try:
                copied = _copy(here, folder, blueprint_path)
                for resource in resources_to_copy or ():
                    _copy(here, folder, *((resource,) if isinstance(resource, str) else resource))
                if copy_plugin_yaml:
                    shutil.copy(_plugin_yaml(here), folder)
                given = dict(init_args or {})
                if inputs is not None:
                    given["inputs"] = _inputs(self, inputs, input_func_args or (), input_func_kwargs or {})
                env = local.init_env(str(copied), **{"name": name, **given})
                return test(self, env, *args, **kwargs)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

        return run

    return decorate


def _copy(here: Path, folder: Path, resource: str, target: str = "") -> Path:
    """Copy a file or a folder, found from the working folder or beside the test; return where it is then."""
    source = Path(resource) if os.path.exists(resource) else here / resource
    if not source.exists():
        raise FileNotFoundError(f"There is no `{resource}`, neither in {os.getcwd()} nor in {here}.")
    to = folder / target
    to.mkdir(parents=True, exist_ok=True)
    return Path((shutil.copytree if source.is_dir() else shutil.copy)(source, to / source.name))


def _plugin_yaml(here: Path) -> Path:
    for folder in (here, *here.parents):
        if (folder / _PLUGIN).is_file():
            return folder / _PLUGIN
    raise FileNotFoundError(f"There is no {_PLUGIN} in {here}, nor in a folder above it.")


def _inputs(
    test: Any, inputs: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    if isinstance(inputs, str):
        inputs = getattr(test, inputs)
    found: Mapping[str, Any] | None = inputs(*args, **kwargs) if callable(inputs) else inputs
    return found

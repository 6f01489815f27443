"""The work folder of a deployment: plugins keep there what must outlast an operation."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import Any

from cloudwright.child.errors import NonRecoverableError


class DeploymentWorkdir:
    """Part of ``ctx``.

    The folder is the manager's own, so there is nothing to download, upload or synchronise. It is removed
    with its deployment.
    """

    _begin: dict[str, Any]

    def local_deployment_workdir(self) -> str:
        """Return the folder of this deployment, which is made if there is none.

        Raises NonRecoverableError if the operation has no folder to keep things in.
        """
        workdir: str | None = self._begin.get("workdir")
        if not workdir:
            raise NonRecoverableError("This operation has no folder: it was not sent by a manager.")
        folder = os.path.dirname(workdir)
        os.makedirs(folder, exist_ok=True)
        return folder

    def download_deployment_workdir(self) -> None:
        """Nothing to do: the folder is here."""

    def upload_deployment_workdir(self) -> None:
        """Nothing to do: the folder is here."""

    def sync_deployment_workdir(self) -> nullcontext[None]:
        """Return a context manager that does nothing: the folder is here."""
        return nullcontext()

    def upload_deployment_file(
        self, target_file_path: str, src_file: str, src_file_mtime: str | None = None
    ) -> None:
        """Copy a file into the folder. Raises NonRecoverableError if the path leads out of it."""
        import shutil  # noqa: PLC0415 - it loads six libraries, and few operations copy files

        target = self._inside(target_file_path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(src_file, target)

    def delete_deployment_file(self, file_path: str) -> None:
        """Remove a file of the folder. Raises NonRecoverableError if the path leads out of it."""
        os.unlink(self._inside(file_path))

    def _inside(self, path: str) -> str:
        folder = os.path.realpath(self.local_deployment_workdir())
        file = os.path.realpath(os.path.join(folder, path))
        if os.path.commonpath((folder, file)) != folder:
            raise NonRecoverableError(f"`{path}` leads out of the deployment's folder `{folder}`.")
        return file

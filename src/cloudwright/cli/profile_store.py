"""The profiles that a user keeps: one file each, readable by that user alone."""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from cloudwright.cli.failure import Failure
from cloudwright.client.target import DEFAULT_TENANT, Target

#: The profile that means: the manager of the home directory, started if it does not run.
LOCAL = "local"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\[\]-]*")


@dataclass(frozen=True, slots=True)
class Profile:
    """How to reach one manager, and as whom. The names are Cloudify's."""

    name: str
    manager_ip: str
    rest_port: int
    rest_protocol: str = "http"
    manager_username: str | None = None
    manager_password: str | None = None
    manager_token: str | None = None
    manager_tenant: str = DEFAULT_TENANT
    rest_certificate: str | None = None
    ssh_user: str | None = None
    ssh_key: str | None = None
    ssh_port: str | None = None

    @property
    def url(self) -> str:
        host = f"[{self.manager_ip}]" if ":" in self.manager_ip else self.manager_ip
        return f"{self.rest_protocol}://{host}:{self.rest_port}"

    def target(self) -> Target:
        return Target(
            self.url,
            username=self.manager_username,
            password=self.manager_password,
            token=self.manager_token,
            tenant=self.manager_tenant,
            certificate=self.rest_certificate,
        )

    def public(self) -> dict[str, Any]:
        """For showing: everything but the secrets, of which it says only whether they are set."""
        shown = asdict(self)
        for secret in ("manager_password", "manager_token"):
            shown[secret] = "set" if shown[secret] else None
        return shown


class ProfileStore:
    """The profiles below a home directory, and which of them is active."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "profiles"
        self._active = self._folder / "active"

    def names(self) -> list[str]:
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def load(self, name: str) -> Profile:
        """Raises Failure if there is none of that name, or its file cannot be read."""
        path = self._path(name)
        try:
            content = json.loads(path.read_text("utf-8"))
            known = {field.name for field in fields(Profile)}
            return Profile(**{key: value for key, value in content.items() if key in known})
        except FileNotFoundError:
            raise Failure(
                f"There is no profile `{name}`.", "`cfy profiles list` shows what exists."
            ) from None
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise Failure(
                f"The profile in {path} cannot be read: {error}.",
                f"Make it again: `cfy profiles delete {name}`, then `cfy profiles use ...`.",
            ) from error

    def save(self, profile: Profile) -> None:
        write_private(self._path(profile.name), json.dumps(asdict(profile), indent=2) + "\n")

    def delete(self, name: str) -> None:
        """Raises Failure if there is none of that name."""
        path = self._path(name)
        if not path.exists():
            raise Failure(f"There is no profile `{name}`.", "`cfy profiles list` shows what exists.")
        path.unlink()
        if self.active_name() == name:
            self.activate(LOCAL)

    def active_name(self) -> str:
        try:
            return self._active.read_text("utf-8").strip() or LOCAL
        except (FileNotFoundError, NotADirectoryError):
            return LOCAL
        except (OSError, ValueError) as error:
            raise Failure(
                f"{self._active}, which names the profile in use, cannot be read: {error}.",
                "Remove it to use the manager of this machine, or name another home with CLOUDWRIGHT_HOME.",
            ) from error

    def activate(self, name: str) -> None:
        write_private(self._active, name + "\n")

    def active(self) -> Profile | None:
        """None if the active profile is the local one."""
        name = self.active_name()
        return None if name == LOCAL else self.load(name)

    def exists(self, name: str) -> bool:
        return bool(NAME.fullmatch(name)) and self._path(name).exists()

    def find(self, address: str) -> Profile | None:
        """Return the profile of that name, or the one that leads to that address, if there is just one."""
        if self.exists(address):
            return self.load(address)
        profiles = [self.load(name) for name in self.names()]
        matching = [profile for profile in profiles if address in (profile.manager_ip, profile.url)]
        return matching[0] if len(matching) == 1 else None

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise Failure(
                f"`{name}` cannot be the name of a profile.",
                "Use letters, digits, dots, colons, dashes and underscores.",
                exit_code=2,
            )
        return self._folder / f"{name}.json"


def write_private(path: Path, text: str) -> None:
    """Replace a file at once by one that no other user can read, making its folder if needed.

    Raises Failure if it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise Failure(
            f"{path} cannot be written: {error.strerror}.",
            f"Make {path.parent} a folder that you may write to, or name another home with CLOUDWRIGHT_HOME.",
        ) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise

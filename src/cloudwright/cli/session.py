"""What all commands share: how to print, and whom to speak to."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloudwright import __version__
from cloudwright.cli.failure import refused
from cloudwright.cli.lazy import lazy
from cloudwright.cli.output import Output
from cloudwright.cli.selection import Selection, overlay, select
from cloudwright.client.errors import ClientError, NotFound
from cloudwright.client.records import Slice
from cloudwright.settings import Settings

if TYPE_CHECKING:
    from cloudwright.cli import local_manager
    from cloudwright.client import api
else:
    local_manager = lazy("cloudwright.cli.local_manager")
    api = lazy("cloudwright.client.api")


USER_AGENT = f"cfy/{__version__}"
_MISSING = re.compile(r"no (\w+(?: \w+)?) `([^`]+)`")
_LISTED = ("blueprint", "deployment", "execution", "node instance", "plugin")


@dataclass
class Session:
    """One run of a command line. The options that all commands share fill it in."""

    out: Output = field(default_factory=Output)
    manager: str | None = None
    tenant: str | None = None
    selection: Selection | None = None
    _client: api.Client | None = None

    @property
    def home(self) -> Path:
        return Settings.load().home

    def reconnect(self, announce: Callable[[str], None]) -> api.Client:
        """Return a client of the same manager after it went away: the local one is started again if it
        died.
        """
        client = self.client
        if self.selection is not None and self.selection.is_local:
            local = local_manager.LocalManager(self.home, announce=announce)
            target = overlay(local.ensure(), os.environ, self.tenant)
            if target != client.target:
                self._client = api.Client(target, user_agent=USER_AGENT)
        return self.client

    @property
    def client(self) -> api.Client:
        """A client of the chosen manager; the local one is started first if it does not run."""
        if self._client is None:
            selection = select(self.home, os.environ, manager=self.manager, tenant=self.tenant)
            if selection.target is None:
                local = local_manager.LocalManager(self.home, announce=self.out.remark)
                selection = replace(selection, target=overlay(local.ensure(), os.environ, self.tenant))
            self.selection = selection
            assert selection.target is not None
            self._client = api.Client(selection.target, user_agent=USER_AGENT)
        return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    @contextmanager
    def finding(self, noun: str, identifier: str) -> Iterator[None]:
        """Add to a NotFound of the block what there is instead.

        ``noun`` is one of `_LISTED`.
        """
        try:
            yield
        except NotFound as error:
            # It may be about something else that the request named: the blueprint of a new deployment.
            missing = _MISSING.search(error.message)
            if missing and missing[1] in _LISTED:
                noun, identifier = missing.groups()
            close = get_close_matches(identifier, self._known(noun), n=1, cutoff=0.5)
            listing = f"`cfy {noun.replace(' ', '-')}s list` shows what exists."
            hint = f"Did you mean `{close[0]}`? {listing}" if close else listing
            raise refused(error, hint) from error

    def _known(self, noun: str) -> Iterable[str]:
        collection = getattr(self.client, f"{noun.replace(' ', '_')}s")
        try:
            return [item["id"] for item in collection.list(Slice(size=200, fields=("id",))).items]
        except ClientError:
            # Only a hint is lost; the error that asked for it is what the user must see.
            return []


pass_session = click.make_pass_decorator(Session, ensure=True)

"""Late imports: a command that only prints its help must not wait for modules that it does not use."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from types import ModuleType
from typing import Any

import click

from cloudwright.cli.cloudify_commands import cloudify_commands


def lazy(name: str) -> ModuleType:
    """Return the module of that name, which is executed when its first attribute is used."""
    loaded = sys.modules.get(name)
    if loaded is not None:
        return loaded
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    # As an import does: `from package import module` and others look for it there.
    package, _, attribute = name.rpartition(".")
    if package:
        setattr(sys.modules[package], attribute, module)
    loader.exec_module(module)
    return module


class SuggestingGroup(click.Group):
    """A group that suggests the closest command for an unknown one, those of Cloudify included."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            ctx.fail(self._unknown(ctx, name))
        return super().resolve_command(ctx, args)

    def _unknown(self, ctx: click.Context, name: str) -> str:
        above = ctx.command_path.partition(" ")[2]
        ours, theirs = self.list_commands(ctx), self._cloudifys(above)
        missing = "is a command of Cloudify that Cloudwright does not have."
        if name in theirs:
            return f"`{above} {name}`".replace("` ", "`") + f" {missing}"
        close = get_close_matches(name, [*ours, *theirs], n=1)
        if not close:
            return f"There is no command `{name}`."
        meant = f"There is no command `{name}`. Did you mean `{close[0]}`?"
        return meant if close[0] in ours else f"{meant} That {missing}"

    def _cloudifys(self, above: str) -> list[str]:
        return cloudify_commands(above)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each command with the whole first sentence of its help, folded rather than cut off."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._help_line(ctx, name)) for name in self.list_commands(ctx)])

    def _help_line(self, ctx: click.Context, name: str) -> str:
        command = self.get_command(ctx, name)
        return "" if command is None else command.get_short_help_str(limit=1000)


class LazyGroup(SuggestingGroup):
    """A group whose commands are imported when they are named.

    ``members`` maps a command's name to ``("module:attribute", "its help in a line")``.
    """

    def __init__(self, *args: Any, members: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.members = members

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.members)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.members:
            return None
        module, _, attribute = self.members[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def _help_line(self, ctx: click.Context, name: str) -> str:
        return self.members[name][1]

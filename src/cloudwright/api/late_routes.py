"""Routes of nouns that few requests name: their modules are loaded when the first request for one comes.

All nouns together are a quarter of what a start loads and a tenth of what an idle manager needs in memory,
and most managers are asked for a few of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from fastapi import APIRouter
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from cloudwright.api.middleware import PREFIX

_MATCHED = "cloudwright.late_route"


class LateRoutes(BaseRoute):
    """The routes of a module of ``api.routes``, each below one of a few first segments of paths."""

    def __init__(self, module: str, *segments: str) -> None:
        """``segments`` are what follows the version in a path; without any, that is the module's name with
        hyphens.
        """
        self.module = module
        self.segments = frozenset(segments or (module.replace("_", "-"),))
        self._routes: Sequence[BaseRoute] | None = None

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """Load the module if it is not loaded yet, and return its routes."""
        if self._routes is None:
            router: APIRouter = importlib.import_module(f"cloudwright.api.routes.{self.module}").router
            self._routes = router.routes
        return self._routes

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope["path"]
        if not path.startswith(f"{PREFIX}/") or _first_segment(path) not in self.segments:
            return Match.NONE, {}
        found: tuple[Match, Scope] = Match.NONE, {}
        for route in self.routes:
            match, matched = route.matches(scope)
            if match is Match.FULL or (match is Match.PARTIAL and found[0] is Match.NONE):
                found = match, {**matched, _MATCHED: route}
            if match is Match.FULL:
                break
        return found

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        route: BaseRoute = scope[_MATCHED]
        await route.handle(scope, receive, send)


def _first_segment(path: str) -> str:
    return path[len(PREFIX) + 1 :].partition("/")[0]

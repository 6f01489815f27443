"""Nouns whose modules are loaded when the first request names one."""

from __future__ import annotations

import subprocess
import sys

from served_api import Api
from starlette.routing import Route

from cloudwright.api.app import all_routes, create_app
from cloudwright.api.late_routes import LateRoutes
from cloudwright.api.middleware import PREFIX


def late_routes(api: Api) -> list[LateRoutes]:
    found = [route for route in create_app(api.manager).routes if isinstance(route, LateRoutes)]  # type: ignore[arg-type]
    assert len(found) > 20
    return found


def test_every_route_is_below_a_segment_of_its_module(api: Api) -> None:
    for late in late_routes(api):
        for route in late.routes:
            assert isinstance(route, Route)
            first = route.path.removeprefix(f"{PREFIX}/").partition("/")[0]
            assert first in late.segments, (late.module, route.path)


def test_all_routes_has_those_of_every_module(api: Api) -> None:
    paths = {route.path for route in all_routes() if isinstance(route, Route)}
    assert {f"{PREFIX}/executions", f"{PREFIX}/secrets/{{key}}", f"{PREFIX}/audit"} <= paths
    for late in late_routes(api):
        assert {route.path for route in late.routes if isinstance(route, Route)} < paths


def test_a_manager_that_starts_loads_none_of_them() -> None:
    code = (
        "import sys\n"
        "from cloudwright.api import app, server\n"
        "late = {f'cloudwright.api.routes.{one.module}' for one in app.LATE}\n"
        "print(sorted(late & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_a_method_that_no_route_has_is_refused_as_elsewhere(api: Api) -> None:
    api.refused("PATCH", "/sites", 405, "method_not_allowed_error")


def test_a_path_below_a_segment_that_no_route_has_is_not_found(api: Api) -> None:
    api.refused("GET", "/sites/one/two", 404, "not_found_error")

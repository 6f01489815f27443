"""The OpenAPI document is true, and the page about the API names every route."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from served_api import Api

from cloudwright.api.errors import STATUS
from cloudwright.api.middleware import PREFIX
from cloudwright.errors import CloudwrightError

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "rest-api.md"


@pytest.fixture(scope="module")
def document(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.anonymous.get(f"{PREFIX}/openapi.json").json()
    return found


def routes(document: dict[str, Any]) -> list[str]:
    return [
        f"{method.upper()} {path.removeprefix(PREFIX)}"
        for path, item in document["paths"].items()
        for method in item
    ]


def test_every_operation_says_how_it_fails_and_has_a_name(document: dict[str, Any]) -> None:
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    assert len(operations) > 50
    for operation in operations:
        answers = set(operation["responses"])
        assert {"4XX", "5XX"} < answers
        assert "422" not in answers
        found = operation["responses"].get("200", {}).get("content", {})
        assert all(answer["schema"] for answer in found.values())
    assert len({operation["operationId"] for operation in operations}) == len(operations)


def test_the_page_names_every_route_and_no_other(document: dict[str, Any]) -> None:
    named = re.findall(r"`((?:GET|PUT|POST|PATCH|DELETE) /[^`?]*)`", PAGE.read_text("utf-8"))
    assert sorted(set(named)) == sorted(routes(document))


def test_the_page_names_every_code() -> None:
    page = PAGE.read_text("utf-8")
    # A term is a matter between managers: no request can meet it.
    kinds = [kind for kind in STATUS if kind.__name__ != "StaleTerm"]
    assert [kind.code for kind in kinds if f"`{kind.code}`" not in page] == []


def subclasses(kind: type[CloudwrightError]) -> set[type[CloudwrightError]]:
    return {kind, *(deeper for below in kind.__subclasses__() for deeper in subclasses(below))}


def test_every_error_that_a_request_can_meet_has_a_status() -> None:
    met = ("errors", "dsl", "planning", "storage", "manager.archives", "api")
    for kind in subclasses(CloudwrightError) - {CloudwrightError}:
        if kind.__module__.removeprefix("cloudwright.").startswith(met):
            assert any(above in STATUS for above in kind.__mro__), kind


def test_requests_of_every_kind_are_answered_as_documented(api: Api) -> None:
    """Requests that the document allows, and some that it does not, made up by a generator."""
    execution = api.execution()
    api.start(execution)
    api.operate(execution, "one", "two")
    ran = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{api.url}{PREFIX}/openapi.json",
            "--header",
            f"Authentication-Token: {api.token}",
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
            # They end when their execution or the manager does.
            "--exclude-path",
            f"{PREFIX}/events/stream",
            "--exclude-path",
            f"{PREFIX}/changes/stream",
            # Everything else would be refused from then on.
            "--exclude-path",
            f"{PREFIX}/maintenance/activate",
            "--phases",
            "fuzzing",
            "--max-examples",
            "3",
            "--seed",
            "7",
            "--generation-database",
            "none",
        ],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=api.manager.home,
    )
    assert ran.returncode == 0, ran.stdout[-20000:] + ran.stderr[-1000:]

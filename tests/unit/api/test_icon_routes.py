"""Icons of blueprints."""

from __future__ import annotations

import pytest
from served_api import Api

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def test_an_icon_is_kept_replaced_and_removed(api: Api) -> None:
    path = f"/blueprints/{api.blueprint()}/icon"
    assert "has no icon" in api.refused("GET", path, 404, "not_found_error")
    for png in (PNG, PNG + b"more"):
        assert api.http.patch(path, content=png).status_code == 200
        found = api.http.get(path)
        assert (found.content, found.headers["content-type"]) == (png, "image/png")
    assert api.http.patch(path).status_code == 200
    api.refused("GET", path, 404, "not_found_error")


@pytest.mark.parametrize(
    ("body", "says"), [(b"<svg/>", "not a PNG image"), (PNG + bytes(600_000), "at most 524288 bytes")]
)
def test_what_is_no_icon_is_refused(api: Api, body: bytes, says: str) -> None:
    path = f"/blueprints/{api.blueprint()}/icon"
    assert says in api.refused("PATCH", path, 400, "bad_parameters_error", content=body)
    api.refused("GET", path, 404, "not_found_error")


def test_it_goes_with_its_blueprint(api: Api) -> None:
    id = api.blueprint()
    api.http.patch(f"/blueprints/{id}/icon", content=PNG).raise_for_status()
    api.http.delete(f"/blueprints/{id}").raise_for_status()
    api.refused("GET", f"/blueprints/{id}/icon", 404, "not_found_error")
    api.refused("PATCH", f"/blueprints/{id}/icon", 404, "not_found_error", content=PNG)

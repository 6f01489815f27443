"""Sites, and the deployments that belong to them."""

from __future__ import annotations

import pytest
from served_api import Api


def test_a_site_comes_changes_and_goes(api: Api) -> None:
    made = api.put("/sites/berlin", {"location": " 52.5, 13.4 ", "visibility": "tenant"})
    assert (made["name"], made["location"], made["created_by"]) == ("berlin", "52.5,13.4", "admin")
    assert api.get("/sites/berlin") == made
    api.refused("PUT", "/sites/berlin", 409, "conflict_error", json={})
    api.put("/sites/rome", {})
    assert [site["name"] for site in api.items("/sites", _sort="-name")] == ["rome", "berlin"]
    assert api.items("/sites", _search="OM", _include="name") == [{"name": "rome"}]

    id = api.unique("deployment")
    api.put(f"/deployments/{id}", {"blueprint_id": api.blueprint(), "site_name": "berlin"})
    assert [item["id"] for item in api.items("/deployments", site_name="berlin")] == [id]
    api.refused("POST", "/sites/berlin", 409, "conflict_error", json={"new_name": "rome"})
    changed = api.post("/sites/berlin", {"new_name": "potsdam", "location": ""})
    assert (changed["name"], changed["location"]) == ("potsdam", None)
    assert changed["created_at"] == made["created_at"]
    assert api.get(f"/deployments/{id}")["site_name"] == "potsdam"
    assert api.post(f"/deployments/{id}/set-site", {"site_name": "rome"})["site_name"] == "rome"
    api.refused("POST", f"/deployments/{id}/set-site", 404, "not_found_error", json={"site_name": "oslo"})
    api.refused("POST", f"/deployments/{id}/set-site", 400, "bad_parameters_error", json={})
    assert api.http.delete("/sites/rome").status_code == 204
    assert api.get(f"/deployments/{id}")["site_name"] is None
    api.post(f"/deployments/{id}/set-site", {"site_name": "potsdam"})
    assert api.post(f"/deployments/{id}/set-site", {"detach_site": True})["site_name"] is None
    for method in ("GET", "POST", "DELETE"):
        api.refused(method, "/sites/rome", 404, "not_found_error", json={})


@pytest.mark.parametrize("location", ["north", "91,0", "0,181", "1", "1,2,3", "nan,0", "1e1,0"])
def test_a_location_is_checked(api: Api, location: str) -> None:
    message = api.refused("PUT", "/sites/x", 400, "bad_parameters_error", json={"location": location})
    assert location in message

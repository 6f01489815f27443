"""Users, groups, tenants and the audit log: an administrator needs no terminal for them."""

from __future__ import annotations

from console_page import Console
from manager_process import ManagerProcess
from playwright.sync_api import Page, expect


def _fill(page: Page, form: str, **fields: str) -> None:
    """Send a form of a list: texts by the ids of their fields, choices by their names."""
    place = page.locator(f"#{form}")
    if place.get_attribute("open") is None:
        place.locator("summary").click()
    for name, value in fields.items():
        field = page.locator(f"#{form}-{name}")
        if field.evaluate("element => element.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    place.get_by_role("button").click()


def _said(page: Page, text: str) -> None:
    expect(page.locator("main > .notice")).to_have_text(text)


def test_users_groups_and_tenants_are_made_changed_and_removed(
    console: Console, manager: ManagerProcess
) -> None:
    page = console.open("users")
    _fill(page, "create", username="admin", password="a long password")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("admin")
    expect(page.locator("#create-username")).to_have_value("admin")
    expect(page.locator("#create-password")).to_have_value("")
    _fill(page, "create", username="ann", password="a long password")
    _said(page, "User `ann` is created, and belongs to no tenant yet.")
    _fill(page, "password", username="ann", password="another long one")
    _said(page, "The password of `ann` is set.")
    _fill(page, "password", username="active/ann", password="another long one")
    expect(alert).to_contain_text("it has a slash")

    console.open("tenants")
    _fill(page, "create", tenant_name="second")
    _said(page, "Tenant `second` is created.")
    _fill(page, "add-user", username="ann", tenant_name="second", role="operations")
    _said(page, "User `ann` is `operations` in tenant `second`.")
    expect(page.locator("#tenants-second")).to_contain_text("ann operations")

    console.open("user-groups")
    _fill(page, "create", group_name="night", role="default")
    _said(page, "Group `night` is created.")
    _fill(page, "add", username="ann", group_name="night")
    expect(page.locator("#user-groups-night")).to_contain_text("ann")
    console.open("tenants")
    _fill(page, "add-group", group_name="night", tenant_name="second", role="viewer")
    expect(page.locator("#tenants-second")).to_contain_text("night viewer")

    console.open("users")
    row = page.locator("#users-ann")
    row.get_by_role("button", name="Deactivate").click()
    page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    expect(row).to_contain_text("no")
    row.get_by_role("button", name="Activate").click()
    _said(page, "User `ann` is active.")

    # The tenant is chosen by its name above.
    page.get_by_role("link", name="Tenant default_tenant: choose another").click()
    page.get_by_role("link", name="second").click()
    expect(page.get_by_role("link", name="Tenant second: choose another")).to_be_visible()
    expect(page.get_by_role("region", name="Runs now")).to_contain_text("Nothing runs.")

    console.open("tenants")
    _fill(page, "remove-user", username="ann", tenant_name="second")
    _said(page, "User `ann` is not in tenant `second` any more.")
    console.open("user-groups")
    _fill(page, "remove", username="ann", group_name="night")
    _said(page, "User `ann` is not in group `night` any more.")
    for path, name in (("users", "ann"), ("tenants", "second"), ("user-groups", "night")):
        console.open(path)
        page.get_by_role("button", name=f"Delete … {name}").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.locator("main > .notice")).to_contain_text(f"`{name}`")
    records = console.open("audit").locator("tbody tr")
    expect(records.filter(has_text="user_create")).to_contain_text("ann")
    expect(records.filter(has_text="tenant_create")).to_contain_text("second")

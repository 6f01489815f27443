"""The page of permissions lists what each role may do."""

from __future__ import annotations

import re
from pathlib import Path

from cloudwright.model.permissions import Permission, Role

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "permissions.md"


def test_every_role_has_its_permissions_on_the_page() -> None:
    sections = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.M)[1:]
    described = {
        section.split("`")[1]: re.findall(r"^\* `(\w+)`$", section, flags=re.M) for section in sections
    }
    assert described == {
        role: [one.value for one in Permission if one.lowest_role == role] for role in Role
    }, f"{PAGE.name} must list the permissions whose lowest role is each role"

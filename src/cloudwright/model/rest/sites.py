"""Sites."""

from __future__ import annotations

from cloudwright.model.rest.common import Owned


class Site(Owned, total=False):
    """``location`` is `LATITUDE,LONGITUDE`, in degrees."""

    name: str
    location: str | None
    created_at: str

"""The pages of listings: rows that are kept up to date, forms, and what a row can be asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import Response
from starlette.routing import Route

from cloudwright.console.listings import Form, Listing
from cloudwright.console.listings_of_managers import LISTINGS as LISTINGS_OF_MANAGERS
from cloudwright.console.listings_of_tenants import LISTINGS as LISTINGS_OF_TENANTS
from cloudwright.console.pages import page_of
from cloudwright.console.rest import RestError
from cloudwright.console.visits import Visit, visited
from cloudwright.errors import InvalidInput
from cloudwright.manager.identifiers import check_id

_Handler = Callable[[Visit], Awaitable[Response]]


def _page(listing: Listing) -> _Handler:
    async def show(visit: Visit) -> Response:
        return await _show(visit, listing)

    return show


def _rows(listing: Listing) -> _Handler:
    async def show(visit: Visit) -> Response:
        return visit.page("_listing.html", listing=listing, **await _read(visit, listing))

    return show


def _send(listing: Listing, form: Form) -> _Handler:
    async def send(visit: Visit) -> Response:
        given = {each.name: visit.form.get(each.name) for each in form.inputs}
        try:
            await _request(visit, form, given)
        except InvalidInput as error:
            return await _show(visit, listing, form, str(error))
        except RestError as error:
            if error.status not in (400, 404, 409, 413):
                raise
            return await _show(visit, listing, form, error.message)
        return visit.redirect(visit.url(listing.path), form.said.format(**given))

    return send


def _act(listing: Listing) -> _Handler:
    async def act(visit: Visit) -> Response:
        id = str(visit.form.get("id", ""))
        action = next((each for each in listing.actions if each.name == visit.form.get("action")), None)
        if action is None or not id or "/" in id:
            raise RestError(400, {"message": "Nothing was done: it is not known what to do."})
        try:
            await visit.rest.send(action.method, action.path.format(id=id), action.body)
        except RestError as error:
            if error.status not in (400, 404, 409):
                raise
            return visit.redirect(visit.url(listing.path), error.message)
        return visit.redirect(visit.url(listing.path), action.said.format(id=id))

    return act


async def _show(visit: Visit, listing: Listing, form: Form | None = None, said: str = "") -> Response:
    return visit.page(
        "listing.html",
        400 if said else 200,
        listing=listing,
        forms=[each for each in listing.forms if visit.may(each.endpoint)],
        sent=form,
        said=said,
        given=visit.form,
        **await _read(visit, listing),
    )


async def _read(visit: Visit, listing: Listing) -> dict[str, Any]:
    found = await page_of(
        visit, listing.api, listing.path, size=listing.size, offset=listing.offset, **listing.asked
    )
    return {**found, "actions": [each for each in listing.actions if visit.may(each.endpoint)]}


async def _request(visit: Visit, form: Form, given: Mapping[str, Any]) -> None:
    """Raises RestError and InvalidInput."""
    if form.named is not None:
        field, what = form.named
        check_id(what, str(given[field] or "").strip())
    body: dict[str, Any] = {}
    for each in form.inputs:
        if each.kind == "check":
            body[each.name] = bool(given[each.name])
        elif each.kind != "file" and given[each.name]:
            value = str(given[each.name])
            body[each.name] = value.replace("\r\n", "\n") if each.kind == "area" else value.strip()
        elif each.required and not given[each.name]:
            raise InvalidInput(f"{each.label} is needed.")
    path = form.path
    for name in [name for name in body if f"{{{name}}}" in form.path]:
        value = body.pop(name)
        if "/" in value:
            raise InvalidInput(f"`{value[:300]}` is not a name: it has a slash.")
        path = path.replace(f"{{{name}}}", value)
    if form.file is None:
        await visit.rest.send(form.method, path, body)
        return
    archive = given[form.file.name]
    if not isinstance(archive, UploadFile) or not archive.size:
        raise InvalidInput(f"{form.file.label} is needed.")
    await visit.rest.send_file(form.method, path, archive, body)


def _routes(listing: Listing) -> list[Route]:
    path = f"/{listing.path}"
    return [
        Route(path, visited(_page(listing))),
        Route(f"{path}/rows", visited(_rows(listing))),
        Route(f"{path}/act", visited(_act(listing)), methods=["POST"]),
        *(
            Route(f"{path}/{form.name}", visited(_send(listing, form)), methods=["POST"])
            for form in listing.forms
        ),
    ]


ROUTES = [route for listing in (*LISTINGS_OF_TENANTS, *LISTINGS_OF_MANAGERS) for route in _routes(listing)]

"""Deployments: create, delete, and read their outputs and capabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import WHOLE, Collection, as_text

if TYPE_CHECKING:
    from cloudwright.model.rest import Deployment


class Deployments(Collection["Deployment"]):
    path = "/deployments"

    def list(
        self,
        part: Slice = WHOLE,
        *,
        blueprint_id: str | None = None,
        search_name: str | None = None,
        filter_id: str | None = None,
        rules: Sequence[Mapping[str, Any]] = (),
    ) -> Page[Deployment]:
        """Return a page of deployments: those that fulfil the rules, and those of a stored filter."""
        narrowed = {"blueprint_id": blueprint_id, "_search_name": search_name, "_filter_id": filter_id}
        return self._search(part, rules, **narrowed) if rules else self._list(part, **narrowed)

    def set_labels(self, identifier: str, labels: Sequence[Mapping[str, str]]) -> Deployment:
        """Replace the labels. Raises NotFound, BadRequest."""
        return self._label(identifier, labels)

    def set_site(self, identifier: str, site_name: str | None) -> Deployment:
        """Say to which site it belongs; None is to none. Raises NotFound."""
        body = {"site_name": site_name, "detach_site": site_name is None}
        path = self._one(identifier, "set-site")
        return cast("Deployment", self._transport.request("POST", path, json=body))

    def create(
        self,
        identifier: str,
        *,
        blueprint_id: str,
        inputs: Mapping[str, Any] | None = None,
        display_name: str | None = None,
        visibility: str = "tenant",
        labels: Sequence[Mapping[str, str]] = (),
        site_name: str | None = None,
        runtime_only_evaluation: bool = False,
        skip_plugins_validation: bool = False,
        auto_correct_types: bool = False,
    ) -> Deployment:
        """Create a deployment of a blueprint, and return it. It exists when this returns.

        ``inputs`` are the values of the blueprint's inputs by name; ``auto_correct_types`` accepts text for
        inputs that are declared as numbers or booleans; ``runtime_only_evaluation`` evaluates functions only
        when an operation runs. Raises BadInputs, NotFound for the blueprint, and Conflict if the ID is taken.
        """
        body: dict[str, Any] = {
            "blueprint_id": blueprint_id,
            "inputs": dict(inputs or {}),
            "visibility": visibility,
            "runtime_only_evaluation": runtime_only_evaluation,
            "skip_plugins_validation": skip_plugins_validation,
            "auto_correct_types": auto_correct_types,
        }
        if display_name is not None:
            body["display_name"] = display_name
        if labels:
            body["labels"] = [dict(label) for label in labels]
        if site_name is not None:
            body["site_name"] = site_name
        return cast("Deployment", self._transport.request("PUT", self._one(identifier), json=body))

    def delete(
        self, identifier: str, *, force: bool = False, with_logs: bool = False, recursive: bool = False
    ) -> None:
        """Delete a deployment; ``force`` also if node instances are live.

        Raises NotFound, and IllegalAction if node instances are live or an execution has not ended.
        """
        params = {"force": as_text(force), "delete_logs": as_text(with_logs), "recursive": as_text(recursive)}
        self._transport.request("DELETE", self._one(identifier), params=params)

    def outputs(self, identifier: str) -> dict[str, Any]:
        """Return the values of the outputs by name, evaluated now. Raises NotFound."""
        answer = self._transport.request("GET", self._one(identifier, "outputs"))
        return cast("dict[str, Any]", answer["outputs"])

    def capabilities(self, identifier: str) -> dict[str, Any]:
        """Return the values of the capabilities by name, evaluated now. Raises NotFound."""
        answer = self._transport.request("GET", self._one(identifier, "capabilities"))
        return cast("dict[str, Any]", answer["capabilities"])

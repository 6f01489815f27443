"""`cfy deployments filters` and `cfy blueprints filters`: stored rules that lists are narrowed by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli import filter_rules, options
from cloudwright.cli.filter_rules import Rule, rule_text
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session
from cloudwright.client.records import Slice

if TYPE_CHECKING:
    from cloudwright.client.resources import Filters

COLUMNS = columns(
    "id",
    "labels_filter_rules=rules of labels",
    "attrs_filter_rules=rules of fields",
    "created_at?",
    "updated_at?",
    "visibility",
    "tenant_name=tenant?",
    "created_by?",
)


def filters_of(resource: str) -> click.Group:
    """Return the group of commands for the filters of `deployments` or `blueprints`."""

    def of(session: Session) -> Filters:
        client = session.client
        return client.deployment_filters if resource == "deployments" else client.blueprint_filters

    @click.group(
        "filters", cls=SuggestingGroup, help=f"Store rules that lists of {resource} are narrowed by."
    )
    @options.shared
    def filters() -> None:
        pass

    @filters.command("list", help=f"List the filters of {resource}.")
    @options.sliced(sort="id")
    @options.standard
    @options.extended
    @pass_session
    def list_filters(session: Session, part: Slice) -> None:
        page = of(session).list(part)
        session.out.records(_shown(session, page.items), COLUMNS, noun="filters", total=page.total)

    @filters.command("get", help=f"Show a filter of {resource}.")
    @click.argument("filter_id")
    @options.standard
    @options.extended
    @pass_session
    def get(session: Session, filter_id: str) -> None:
        session.out.record(_shown(session, [of(session).get(filter_id)])[0], COLUMNS)

    @filters.command("create", help=f"Store rules for {resource} under an id.")
    @click.argument("filter_id")
    @filter_rules.rules
    @options.visibility
    @options.standard
    @pass_session
    def create(
        session: Session, filter_id: str, labels_rule: list[Rule], attrs_rule: list[Rule], visibility: str
    ) -> None:
        made = of(session).create(filter_id, [*labels_rule, *attrs_rule], visibility=visibility)
        session.out.say(f"Filter `{filter_id}` is created.")
        if session.out.as_json:
            session.out.json(made)

    @filters.command(
        "update",
        help=f"Change a filter of {resource}.\n\nRules of labels replace those of labels, and rules of "
        "fields those of fields.",
    )
    @click.argument("filter_id")
    @filter_rules.rules
    @click.option(
        "-l",
        "--visibility",
        type=click.Choice(["private", "tenant", "global"]),
        help="Who may see it: its owner, all users of its tenant, or all users.",
    )
    @options.standard
    @pass_session
    def update(
        session: Session,
        filter_id: str,
        labels_rule: list[Rule],
        attrs_rule: list[Rule],
        visibility: str | None,
    ) -> None:
        rules = [*labels_rule, *attrs_rule]
        if not rules and visibility is None:
            raise click.UsageError("Give what to change: --labels-rule, --attrs-rule or --visibility.")
        changed = of(session).update(filter_id, rules=rules, visibility=visibility)
        session.out.say(f"Filter `{filter_id}` is changed.")
        if session.out.as_json:
            session.out.json(changed)

    @filters.command("delete", help=f"Delete a filter of {resource}.")
    @click.argument("filter_id")
    @options.standard
    @pass_session
    def delete(session: Session, filter_id: str) -> None:
        of(session).delete(filter_id)
        session.out.say(f"Filter `{filter_id}` is deleted.")

    return filters


def _shown(session: Session, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the filters with their rules as they are typed, unless JSON is asked for."""
    if session.out.as_json:
        return [dict(item) for item in items]
    names = ("labels_filter_rules", "attrs_filter_rules")
    return [{**item, **{name: ", ".join(map(rule_text, item[name])) for name in names}} for item in items]

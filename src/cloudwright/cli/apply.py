"""`cfy apply`: make a deployment what its blueprint says, whatever it is now."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli import completion, options
from cloudwright.cli.failure import OK, Silent
from cloudwright.cli.lazy import lazy
from cloudwright.cli.session import Session, pass_session
from cloudwright.client.errors import NotFound
from cloudwright.client.records import Slice

if TYPE_CHECKING:
    from cloudwright.cli import deployment_updates, reuse, start_execution, uploading
    from cloudwright.model.rest import Deployment, DeploymentUpdate, NodeInstance
else:
    deployment_updates = lazy("cloudwright.cli.deployment_updates")
    reuse = lazy("cloudwright.cli.reuse")
    start_execution = lazy("cloudwright.cli.start_execution")
    uploading = lazy("cloudwright.cli.uploading")

#: The exit code of a preview that would change something, if --detailed-exitcode asks for it.
CHANGES = 3


def _accepted(name: str) -> options.Decorator:
    return click.option(name, is_flag=True, help="Accepted for compatibility with Cloudify; ignored.")


@click.command()
@click.argument("blueprint", metavar="[BLUEPRINT_PATH]", required=False, shell_complete=completion.files)
@click.option("-p", "--blueprint-path", metavar="PATH", help="The same, as Cloudify's command has it.")
@options.deployment(
    required=False, help="The deployment's id; the name of the blueprint's folder by default."
)
@options.blueprint(help="The id to give the blueprint; the deployment's id, or one that begins with it.")
@options.blueprint_filename
@options.deployment_inputs
@click.option("--preview", is_flag=True, help="Show what would be done, and change nothing.")
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help=f"With --preview: the exit code is {CHANGES} if something would change.",
)
@click.option("--yes", is_flag=True, help="Do not ask before something is destroyed.")
@click.option(
    "-r", "--reinstall-list", metavar="INSTANCE", multiple=True, help="Recreate this instance as well."
)
@click.option("--skip-install", is_flag=True, help="Install nothing that is new in what exists.")
@click.option("--skip-uninstall", is_flag=True, help="Uninstall nothing that goes.")
@click.option("--ignore-failure", is_flag=True, help="Continue even if something cannot be taken down.")
@click.option("--install-first", is_flag=True, help="Install what is new before what goes is taken down.")
@options.force_concurrent
@options.workflow("install")
@click.option(
    "--parameters",
    metavar="VALUES",
    multiple=True,
    callback=options.read_inputs,
    help="Parameters of that workflow, as for --inputs.",
)
@options.allow_custom_parameters
@options.visibility
@click.option("--validate", is_flag=True, help="Check the blueprint first, and continue only if it is valid.")
@click.option(
    "--runtime-only-evaluation", is_flag=True, help="Evaluate intrinsic functions only when operations run."
)
@_accepted("--dont-skip-reinstall")
@_accepted("--dont-update-plugins")
@_accepted("--auto-correct-types")
@_accepted("--reevaluate-active-statuses")
@_accepted("--skip-plugins-validation")
@options.labels("--blueprint-labels", of=" of the blueprint")
@options.labels("--deployment-labels", of=" of the deployment, if it is new")
@options.following
@options.standard
@pass_session
def apply(session: Session, /, **given: Any) -> None:
    """Make a deployment what its blueprint says: install it, update it, or do nothing.

    BLUEPRINT_PATH is as for `cfy install`; `blueprint.yaml` in this folder by default. The command may be run
    again and again: it does what is missing. On a terminal it shows what it is about to do, and asks if
    something is destroyed.

    \b
    Examples:
      cfy apply
      cfy apply shop/ -d shop-test -i servers=3 --preview
      cfy apply shop.zip -d shop --yes
    """
    if given["blueprint"] and given["blueprint_path"]:
        raise click.UsageError("Name the blueprint once: as an argument, or with -p.")
    if given["detailed_exitcode"] and not given["preview"]:
        raise click.UsageError("--detailed-exitcode is for --preview.")
    _Application(session, given).run()


class _Application:
    """One run of the command. ``given`` are its options."""

    def __init__(self, session: Session, given: dict[str, Any]) -> None:
        self._session = session
        self._client = session.client
        self._given = given
        self._preview: bool = given["preview"]

    def run(self) -> None:
        given = self._given
        path = given["blueprint"] or given["blueprint_path"] or uploading.DEFAULT_FILE
        with uploading.open_source(path, given["blueprint_filename"]) as source:
            deployment_id = given["deployment_id"] or source.default_id
            wanted = given["blueprint_id"] or deployment_id
            blueprint_id, is_new = reuse.free_blueprint_id(
                self._session, wanted, source, path, is_fixed=bool(given["blueprint_id"])
            )
            if is_new:
                uploading.send(
                    self._session,
                    path,
                    source,
                    blueprint_id,
                    visibility=given["visibility"],
                    labels=given["blueprint_labels"],
                    validate=given["validate"],
                    announce=not self._preview,
                )
        with self._forgetting(blueprint_id if is_new and self._preview else ""):
            self._apply(deployment_id, blueprint_id)

    @contextmanager
    def _forgetting(self, blueprint_id: str) -> Iterator[None]:
        """Delete the blueprint that only a preview needed."""
        try:
            yield
        finally:
            if blueprint_id:
                self._client.blueprints.delete(blueprint_id)

    def _apply(self, deployment_id: str, blueprint_id: str) -> None:
        deployment = self._existing(deployment_id)
        if deployment is None or not self._is_begun(deployment_id):
            self._install(deployment, deployment_id, blueprint_id)
            return
        plan = self._start_update(deployment_id, blueprint_id, preview=True)
        # Files that no plan knows, such as scripts, are changed by another blueprint too.
        is_same = deployment["blueprint_id"] == blueprint_id
        if is_same and _is_empty(plan) and not self._given["reinstall_list"]:
            self._say_nothing_to_do(deployment_id)
        else:
            self._update(deployment_id, blueprint_id, plan)

    def _existing(self, deployment_id: str) -> Deployment | None:
        try:
            return self._client.deployments.get(deployment_id)
        except NotFound:
            return None

    def _is_begun(self, deployment_id: str) -> bool:
        return any(one.get("state") not in reuse.NOT_BEGUN for one in self._instances(deployment_id))

    def _instances(self, deployment_id: str) -> list[NodeInstance]:
        part = Slice(size=10_000, fields=("id", "state"))
        return self._client.node_instances.list(part, deployment_id=deployment_id).items

    # What there is nothing of is installed.

    def _install(self, deployment: Deployment | None, deployment_id: str, blueprint_id: str) -> None:
        given = self._given
        if self._preview:
            self._preview_install(deployment_id, blueprint_id)
            return
        kept = deployment is not None and reuse.deployment_to_keep(
            self._session, deployment_id, blueprint_id, given["inputs"]
        )
        if not kept:
            self._client.deployments.create(
                deployment_id,
                blueprint_id=blueprint_id,
                inputs=given["inputs"],
                visibility=given["visibility"],
                labels=given["deployment_labels"],
                runtime_only_evaluation=given["runtime_only_evaluation"],
                # On a command line all is text: `-i port=8080`.
                auto_correct_types=True,
            )
            self._session.out.say(f"Deployment `{deployment_id}` is created.")
        self._run(deployment_id)

    def _preview_install(self, deployment_id: str, blueprint_id: str) -> None:
        plan = self._client.blueprints.get(blueprint_id).get("plan") or {}
        nodes = [(str(node["name"]), str(node["type"])) for node in plan.get("nodes") or ()]
        out = self._session.out
        if out.as_json:
            added = [{"node_id": name, "type": type, "action": "add"} for name, type in nodes]
            out.json({"deployment_id": deployment_id, "is_new": True, "nodes": added})
        else:
            out.line(f"+ deployment {deployment_id}", colour="green")
            for name, type in nodes:
                out.line(f"+ node {name} ({type})", colour="green")
            nouns = "1 node" if len(nodes) == 1 else f"{len(nodes)} nodes"
            out.say(f"Plan: {nouns} to install. Nothing was changed.")
        self._end_preview(changes=True)

    def _left_as_they_are(self, deployment_id: str, changed: set[str]) -> bool:
        """Say which instances are not started though nothing of them changes; returns if there are any."""
        instances = self._instances(deployment_id)
        left = [one for one in instances if one["state"] != "started" and one["id"] not in changed]
        for one in left:
            self._session.out.say(
                f"Instance `{one['id']}` is {one['state']} and stays so: no update changes that. "
                f"`-r {one['id']}` recreates it."
            )
        return bool(left)

    def _say_nothing_to_do(self, deployment_id: str) -> None:
        if self._preview and self._session.out.as_json:
            self._session.out.json({"deployment_id": deployment_id, "is_new": False, "instance_changes": []})
        if not self._left_as_they_are(deployment_id, set()):
            self._session.out.say(f"Deployment `{deployment_id}` is as its blueprint says: nothing to do.")
        self._end_preview(changes=False)

    def _run(self, deployment_id: str) -> None:
        run = start_execution.Run(
            self._given["workflow_id"],
            deployment_id,
            parameters=self._given["parameters"],
            allow_custom_parameters=self._given["allow_custom_parameters"],
            force=self._given["force"],
        )
        execution = start_execution.start(self._session, run)
        start_execution.follow_to_end(self._session, execution, self._how())

    # What exists is updated.

    def _start_update(self, deployment_id: str, blueprint_id: str, **how: Any) -> DeploymentUpdate:
        given = self._given
        switches = ("skip_install", "skip_uninstall", "ignore_failure", "install_first", "force")
        if given["runtime_only_evaluation"]:
            how["runtime_only_evaluation"] = True
        return self._client.deployment_updates.start(
            deployment_id,
            blueprint_id=blueprint_id,
            inputs=given["inputs"],
            reinstall_list=list(given["reinstall_list"]),
            auto_correct_types=True,
            **{name: given[name] for name in switches},
            **how,
        )

    def _update(self, deployment_id: str, blueprint_id: str, plan: DeploymentUpdate) -> None:
        out = self._session.out
        if self._preview:
            if out.as_json:
                out.json(plan)
            else:
                self._show(plan)
                self._left_as_they_are(deployment_id, {str(one["id"]) for one in plan["instance_changes"]})
                out.say("Nothing was changed.")
            self._end_preview(changes=True)
            return
        asks = _is_watched() and not self._given["yes"]
        if asks:
            self._show(plan)
            if deployment_updates.destroys(plan) and not click.confirm("Do this?", err=True):
                raise click.Abort
        started = self._start_update(deployment_id, blueprint_id, digest=plan["digest"] if asks else None)
        deployment_updates.follow_update(self._session, started, self._how())

    def _show(self, plan: DeploymentUpdate) -> None:
        if _is_empty(plan):
            self._session.out.say(
                "  ~   files of the blueprint, such as scripts and code of plugins: no instance is\n"
                "      touched, and the next operations use them."
            )
        else:
            deployment_updates.show_plan(self._session, plan)

    def _how(self) -> start_execution.FollowOptions:
        names = ("timeout", "include_logs", "json_output", "no_follow")
        return start_execution.FollowOptions(**{name: self._given[name] for name in names})

    def _end_preview(self, *, changes: bool) -> None:
        if self._given["detailed_exitcode"]:
            raise Silent(CHANGES if changes else OK)


def _is_watched() -> bool:
    """Return whether a person is there to be asked."""
    return sys.stdin.isatty()


def _is_empty(plan: DeploymentUpdate) -> bool:
    return not (plan["instance_changes"] or plan["changed"] or plan["steps"])

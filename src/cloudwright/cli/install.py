"""`cfy install`: from a blueprint to a running application in one command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli import completion, options
from cloudwright.cli.failure import Failure
from cloudwright.cli.lazy import lazy
from cloudwright.cli.session import Session, pass_session
from cloudwright.client.errors import ApiError, BadRequest, Conflict

if TYPE_CHECKING:
    from cloudwright.cli import reuse, start_execution, uploading
else:
    reuse = lazy("cloudwright.cli.reuse")
    start_execution = lazy("cloudwright.cli.start_execution")
    uploading = lazy("cloudwright.cli.uploading")


@click.command()
@click.argument("blueprint_path", shell_complete=completion.files)
@options.blueprint(help="The id to give the blueprint; the name of its folder if it is not given.")
@options.blueprint_filename
@click.option("--validate", is_flag=True, help="Check the blueprint first, and continue only if it is valid.")
@options.deployment(required=False, help="The id to give the deployment; the blueprint's if it is not given.")
@options.deployment_inputs
@options.workflow("install")
@options.force_concurrent
@options.visibility
@click.option(
    "--skip-plugins-validation", is_flag=True, help="Accepted for compatibility with Cloudify; ignored."
)
@options.parameters
@options.allow_custom_parameters
@options.following
@options.labels("--blueprint-labels", of=" of the blueprint")
@options.labels("--deployment-labels", of=" of the deployment")
@options.standard
@pass_session
def install(
    session: Session,
    blueprint_path: str,
    blueprint_id: str | None,
    blueprint_filename: str | None,
    validate: bool,
    deployment_id: str | None,
    inputs: dict[str, Any],
    workflow_id: str,
    force: bool,
    visibility: str,
    skip_plugins_validation: bool,
    parameters: dict[str, Any],
    allow_custom_parameters: bool,
    timeout: int,
    include_logs: bool,
    json_output: bool,
    no_follow: bool,
    blueprint_labels: list[dict[str, str]],
    deployment_labels: list[dict[str, str]],
) -> None:
    """Upload a blueprint, create a deployment of it and install that.

    BLUEPRINT_PATH is a blueprint's file or folder, an archive (zip, tar, tar.gz, tar.bz2), the URL of one, or
    `organization/repository[:tag]` on GitHub. With a file, its whole folder is uploaded.

    The same command again continues: a blueprint and a deployment that have not changed are used, what has
    changed is replaced if nothing of it was installed.

    Follows the installation to its end; the exit code is 0 only if it ended well. Ctrl-C asks for its
    cancellation and continues to follow; again forces it to end; a third time kills its operations too.

    \b
    Examples:
      cfy install shop/blueprint.yaml
      cfy install shop/blueprint.yaml -b shop -d shop-test -i 'servers=2;zone=b'
      cfy install shop.zip -n test.yaml -i inputs.yaml
    """
    blueprint = uploading.upload(
        session,
        blueprint_path,
        blueprint_id=blueprint_id,
        filename=blueprint_filename,
        visibility=visibility,
        labels=blueprint_labels,
        validate=validate,
        again=True,
    )
    uploaded = blueprint["id"]
    deployment = deployment_id or uploaded
    kept = reuse.deployment_to_keep(session, deployment, uploaded, inputs)
    if not kept:
        try:
            session.client.deployments.create(
                deployment,
                blueprint_id=uploaded,
                inputs=inputs,
                visibility=visibility,
                labels=deployment_labels,
                skip_plugins_validation=skip_plugins_validation,
                # On a command line all is text: `-i port=8080`.
                auto_correct_types=True,
            )
        except (BadRequest, Conflict) as error:
            raise Failure(
                f"The deployment `{deployment}` could not be created: {error.message}",
                "The blueprint stays: run the same command again with what was wrong corrected,\n"
                f"or remove it with `cfy blueprints delete {uploaded}`.",
                details={"status": error.status, "error_code": error.code, "blueprint_id": uploaded},
            ) from error
        session.out.say(f"Deployment `{deployment}` is created.")
    run = start_execution.Run(
        workflow_id,
        deployment,
        parameters=parameters,
        allow_custom_parameters=allow_custom_parameters,
        force=force,
    )
    try:
        execution = start_execution.start(session, run)
    except ApiError as error:
        if not kept or error.code != "unavailable_workflow_error":
            raise
        session.out.say(f"Nothing to do: {error.message}")
        return
    start_execution.follow_to_end(
        session, execution, start_execution.FollowOptions(timeout, include_logs, json_output, no_follow)
    )

"""The operations of ``cloudify.nodes.Component``.

Each can be interrupted at any point and run again: what it is about to make is stored before it is made, and
what runs in the component's deployment is a child of the own execution, which is started once.
"""

from __future__ import annotations

from typing import Any

from cloudwright.child.current import ctx
from cloudwright.child.errors import NonRecoverableError, RequestRefused
from cloudwright.compat.cloudify_types._child_executions import await_end, run_workflow, started_before
from cloudwright.compat.cloudify_types._client import found, own_client, removed, resumable_operation, setting
from cloudwright.compat.cloudify_types._deployments import (
    DEPLOYMENT,
    capabilities_drift,
    check_state,
    deployment_of,
    keep_capabilities,
    recorded_id,
)
from cloudwright.compat.cloudify_types._provisions import (
    CREATED,
    blueprint_id,
    labels_of,
    provide_blueprint,
    provide_plugins,
    provide_secrets,
    remove_blueprint,
    remove_plugins,
    remove_secrets,
)
from cloudwright.compat.cloudify_types.component.constants import (
    DEPLOYMENTS_CREATE_RETRIES,
    EXECUTIONS_TIMEOUT,
)

_PARENT = "csys-obj-parent"
#: The instance that a component's deployment was made for.
_INSTANCE = "csys-obj-name"
_INSTALL, _UNINSTALL = "install", "uninstall"
#: Whether the component's deployment, which it did not make, was installed by it.
_INSTALLED = "installed"


@resumable_operation
def upload_blueprint(**inputs: Any) -> bool:
    """Upload the component's blueprint, unless it is there, and what it may need to be read."""
    client = own_client(inputs)
    _provide_others(client, inputs)
    provide_blueprint(client, _config(inputs).get("blueprint") or {})
    return True


@resumable_operation
def create(**inputs: Any) -> bool:
    """Create the component's deployment, or take the one that is there."""
    client = own_client(inputs)
    config = _config(inputs)
    wanted = config.get("deployment") or {}
    _provide_others(client, inputs)
    if wanted.get("external_resource"):
        id = _taken(client, wanted)
    else:
        blueprint = blueprint_id(config.get("blueprint") or {})
        _check_chain(client, blueprint)
        id = _created(client, blueprint, wanted)
    client.inter_deployment_dependencies.create(_creator(), ctx.deployment.id, target_deployment=id)
    return True


@resumable_operation
def execute_start(
    workflow_id: str = _INSTALL, timeout: float | None = EXECUTIONS_TIMEOUT, **inputs: Any
) -> bool:
    """Run a workflow of the component's deployment, and keep the capabilities that it has then."""
    client = own_client(inputs)
    id = recorded_id(workflow_id == _UNINSTALL)
    is_gone = id is None or found(client.deployments.get, id, _include=["id"]) is None
    if id is None or (is_gone and workflow_id == _UNINSTALL):
        ctx.logger.info("There is no deployment to run `%s` of", workflow_id)
        return True
    if not _is_needed(client, id, workflow_id):
        ctx.logger.info("`%s` of deployment `%s` has nothing to do", workflow_id, id)
    else:
        config = _config(inputs)
        arguments = dict(config.get("executions_start_args") or {})
        parameters = _parameters(client, id, workflow_id) | dict(arguments.pop("parameters", None) or {})
        run_workflow(
            client,
            id,
            workflow_id,
            parameters,
            timeout=timeout,
            logs=_shows_logs(config),
            arguments=arguments,
        )
    keep_capabilities(client, id)
    return True


@resumable_operation
def delete(**inputs: Any) -> bool:
    """Delete what ``upload_blueprint`` and ``create`` made."""
    client = own_client(inputs)
    properties = ctx.instance.runtime_properties
    deployment = properties.get(DEPLOYMENT) or {}
    if deployment.get("id"):
        if deployment.get(CREATED):
            removed(client.deployments.delete, f"deployment `{deployment['id']}`", deployment["id"])
        removed(
            client.inter_deployment_dependencies.delete,
            "record that it is used",
            _creator(),
            ctx.deployment.id,
            target_deployment=deployment["id"],
            is_component_deletion=True,
        )
    remove_blueprint(client)
    remove_plugins(client)
    remove_secrets(client)
    for name in (DEPLOYMENT, "capabilities"):
        properties.pop(name, None)
    return True


@resumable_operation
def refresh(**inputs: Any) -> None:
    """Keep the capabilities that the component's deployment has now."""
    keep_capabilities(own_client(inputs), deployment_of())


@resumable_operation
def check_status(timeout: float | None = EXECUTIONS_TIMEOUT, **inputs: Any) -> None:
    """Check the status of the component's deployment. Raises NonRecoverableError if it is not well."""
    client = own_client(inputs)
    id = deployment_of()
    check_state(client, id)
    run_workflow(client, id, "check_status", timeout=timeout, arguments={"force": True})
    check_state(client, id)


@resumable_operation
def check_drift(timeout: float | None = EXECUTIONS_TIMEOUT, **inputs: Any) -> dict[str, Any] | None:
    """Return what of the component differs from what its node says, by name; None if nothing does."""
    client = own_client(inputs)
    id = deployment_of()
    run_workflow(client, id, "check_drift", timeout=timeout, arguments={"force": True})
    drift: dict[str, Any] = _differences(client, id, _config(inputs))
    changed = capabilities_drift(client, id)
    if changed:
        drift["capabilities"] = changed
    return drift or None


@resumable_operation
def heal(timeout: float | None = EXECUTIONS_TIMEOUT, **inputs: Any) -> None:
    """Heal the component's deployment."""
    client = own_client(inputs)
    id = deployment_of()
    run_workflow(client, id, "heal", timeout=timeout)
    check_state(client, id)
    keep_capabilities(client, id)


@resumable_operation
def update(timeout: float | None = EXECUTIONS_TIMEOUT, **inputs: Any) -> None:
    """Make of the component's deployment what its node says now: its blueprint, inputs and labels."""
    client = own_client(inputs)
    id, config = deployment_of(), _config(inputs)
    differing = _differences(client, id, config)
    if "id" in differing.get("deployment", ()):
        raise NonRecoverableError(
            f"The component `{ctx.node.id}` has the deployment `{id}`, and an update cannot give it another "
            "one. Reinstall it (`--reinstall-list`) to have it recreated."
        )
    execution = started_before(client, id, "update")
    if execution is None and ("blueprint" in differing or "inputs" in differing.get("deployment", ())):
        _check_chain(client, blueprint_id(config.get("blueprint") or {}))
        body = {
            "blueprint_id": provide_blueprint(client, config.get("blueprint") or {}),
            "inputs": (config.get("deployment") or {}).get("inputs") or {},
            "as_child": True,
        }
        started = client.executions.api.post(f"/deployment-updates/{id}/update/initiate", data=body)
        await_end(client, started["execution_id"], id, "update", timeout=timeout, logs=_shows_logs(config))
    elif execution is not None:
        run_workflow(client, id, "update", timeout=timeout, logs=_shows_logs(config))
    if "labels" in differing.get("deployment", ()):
        current = client.deployments.get(id, _include=["labels"])["labels"]
        labels = [{one["key"]: one["value"]} for one in current]
        labels += [one for one in labels_of(config["deployment"], "deployment") if one not in labels]
        client.deployments.update_labels(id, labels)
    keep_capabilities(client, id)


def _provide_others(client: Any, inputs: dict[str, Any]) -> None:
    """Make the component's secrets and plugins that are not there."""
    provide_secrets(client, setting("secrets", inputs))
    provide_plugins(client, setting("plugins", inputs))


def _config(inputs: dict[str, Any]) -> dict[str, Any]:
    return setting("resource_config", inputs) or {}


def _creator() -> str:
    return f"component.{ctx.instance.id}"


def _shows_logs(config: dict[str, Any]) -> bool:
    return bool((config.get("deployment") or {}).get("logs"))


def _taken(client: Any, wanted: dict[str, Any]) -> str:
    """Return the id of the deployment that exists. Raises NonRecoverableError if it does not."""
    id = str(wanted.get("id") or "")
    if not id or found(client.deployments.get, id, _include=["id"]) is None:
        raise NonRecoverableError(
            f"There is no deployment `{id}` in tenant `{ctx.tenant_name}`, and `external_resource` says that "
            "it is there."
        )
    ctx.instance.runtime_properties.setdefault(DEPLOYMENT, {"id": id, "external_resource": True})
    ctx.instance.update()
    return id


def _created(client: Any, blueprint: str, wanted: dict[str, Any]) -> str:
    """Create the deployment; returns its id."""
    labels = labels_of(wanted, "deployment")
    labels = [one for one in labels if _PARENT not in one]
    labels += [{_PARENT: ctx.deployment.id}, {_INSTANCE: ctx.instance.id}]
    body = {
        "blueprint_id": blueprint,
        "inputs": wanted.get("inputs") or {},
        "labels": [{"key": key, "value": value} for one in labels for key, value in one.items()],
    }
    base = str(wanted.get("id") or ctx.instance.id)
    suffixed = bool(wanted.get("auto_inc_suffix"))
    known = ctx.instance.runtime_properties.get(DEPLOYMENT) or {}
    if known.get(CREATED) and _is_own(client, known["id"]):
        ctx.logger.info("Deployment `%s` is there", known["id"])
        return str(known["id"])
    for number in range(DEPLOYMENTS_CREATE_RETRIES if suffixed else 1):
        id = f"{base}-{number}" if suffixed else base
        if found(client.deployments.get, id, _include=["id"]) is not None:
            continue
        # Recorded first: an attempt that follows an interrupted one finds out whether it was made.
        ctx.instance.runtime_properties[DEPLOYMENT] = {"id": id, CREATED: True}
        ctx.instance.update()
        try:
            client.deployments.api.put(f"/deployments/{id}", data=body)
        except RequestRefused as error:
            if error.error_code != "conflict_error":
                raise
            # Another one was quicker.
            continue
        ctx.logger.info("Created deployment `%s` of blueprint `%s`", id, blueprint)
        return id
    ctx.instance.runtime_properties.pop(DEPLOYMENT, None)
    raise NonRecoverableError(
        f"There is a deployment `{base}` already, which this component did not make. "
        "`external_resource: true` uses it as it is, and `auto_inc_suffix: true` has a number added."
        if not suffixed
        else f"The deployments `{base}-0` to `{base}-{DEPLOYMENTS_CREATE_RETRIES - 1}` all exist."
    )


def _is_own(client: Any, id: str) -> bool:
    """Return whether the deployment was made by this instance, and not by another one that was quicker."""
    there = found(client.deployments.get, id, _include=["id", "labels"])
    if there is None or ctx.deployment.id not in _parents(there):
        return False
    makers = [one["value"] for one in there["labels"] if one["key"] == _INSTANCE]
    return not makers or ctx.instance.id in makers


def _parents(deployment: Any) -> list[str]:
    return [one["value"] for one in deployment["labels"] if one["key"] == _PARENT]


def _check_chain(client: Any, blueprint: str) -> None:
    """Raise NonRecoverableError if a deployment that this one is a part of is of that blueprint."""
    chain: list[tuple[str, str]] = []
    id = ctx.deployment.id
    while id and id not in (known for known, _ in chain):
        above = found(client.deployments.get, id, _include=["id", "blueprint_id", "labels"])
        if above is None:
            break
        chain.append((id, above["blueprint_id"]))
        id = next(iter(_parents(above)), None)
    if any(blueprint == its for _, its in chain):
        names = " -> ".join(f"`{its}` (deployment `{known}`)" for known, its in reversed(chain))
        raise NonRecoverableError(
            f"The component `{ctx.node.id}` would include itself without end: {names} -> `{blueprint}`."
        )


def _is_needed(client: Any, id: str, workflow_id: str) -> bool:
    """Return whether a workflow that installs or uninstalls the deployment has anything to do."""
    if workflow_id not in (_INSTALL, _UNINSTALL) or started_before(client, id, workflow_id) is not None:
        return True
    record = ctx.instance.runtime_properties[DEPLOYMENT]
    there = client.deployments.get(id, _include=["id", "installation_status"])["installation_status"]
    if workflow_id == _INSTALL:
        if not record.get(CREATED) and there != "active":
            record[_INSTALLED] = True
            ctx.instance.update()
        return bool(there != "active")
    if not record.get(CREATED) and not record.get(_INSTALLED):
        return False
    return bool(there == "active") or _has_instances(client, id)


def _has_instances(client: Any, id: str) -> bool:
    """Return whether anything of the deployment is installed, or half so."""
    there = client.node_instances.list(deployment_id=id, _include=["id", "state"])
    return any(one["state"] not in ("uninitialized", "deleted") for one in there)


def _parameters(client: Any, id: str, workflow_id: str) -> dict[str, Any]:
    """Return the parameters that this workflow passes to the same workflow of the component."""
    if ctx.workflow_id == workflow_id and ctx.workflow_parameters.get("ignore_failure"):
        return {"ignore_failure": True}
    return {}


def _differences(client: Any, id: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return the names of what is not as ``config`` says, by `blueprint` and `deployment`."""
    there = client.deployments.get(id, _include=["id", "blueprint_id", "inputs", "labels"])
    wanted = config.get("deployment") or {}
    differing = []
    base = id.rpartition("-")[0] if wanted.get("auto_inc_suffix") else id
    if wanted.get("id") and wanted["id"] != base:
        differing.append("id")
    labels = {(one["key"], one["value"]) for one in there["labels"]}
    if {pair for one in labels_of(wanted, "deployment") for pair in one.items()} - labels:
        differing.append("labels")
    inputs = there["inputs"]
    if any(
        name not in inputs or inputs[name] != value for name, value in (wanted.get("inputs") or {}).items()
    ):
        differing.append("inputs")
    found_drift: dict[str, Any] = {"deployment": differing} if differing else {}
    if blueprint_id(config.get("blueprint") or {}) != there["blueprint_id"]:
        found_drift["blueprint"] = ["id"]
    return found_drift

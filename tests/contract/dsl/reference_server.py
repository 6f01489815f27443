"""Runs Cloudify's parser for the tests, in its own environment: one request and one answer a line, as JSON.

It is started with the folder that has ``types_1_N.yaml`` for each version of the language. A request is
``{"path", "inputs"}``, and perhaps ``runtime_only``, ``existing`` and ``imports`` (see ``corpus.Case``); an
answer ``{"plan", "nodes", "instances"}``, or ``{"refused", "stage"}`` with the reason and what refused.
"""

import json
import pathlib
import signal
import sys

from dsl_parser import parser, tasks
from dsl_parser.import_resolver.default_import_resolver import DefaultImportResolver

TYPES = pathlib.Path(sys.argv[1])
SECONDS = 20


class Resolver(DefaultImportResolver):
    """Serves the language's own types, and what a request maps; opens nothing else but files."""

    def __init__(self, imports):
        super().__init__()
        self._imports = imports

    def fetch_import(self, import_url, **kwargs):
        if import_url in self._imports:
            return pathlib.Path(self._imports[import_url]).read_text()
        name = import_url.removeprefix("resource:")
        if name.startswith("cloudify/types/"):
            return (TYPES / pathlib.PurePath(name).name).read_text()
        if import_url.startswith("file:"):
            return super().resolve(import_url)
        raise ValueError(f"not served here: {import_url}")

    def resolve(self, import_url):
        return self.fetch_import(import_url)

    def retrieve_plugin(self, import_url, **kwargs):
        return None


class Existing:
    """What there is on the manager that a deployment is created on: values by their type.

    ``deployments`` has the values by the deployment that they are in.
    """

    def __init__(self, given):
        self._given = given

    def has_deployment_id(self):
        return False

    def has_blueprint_id(self):
        return True

    def get(self, type_name, value, **constraints):
        owner = constraints.get("deployment_id")
        if owner is not None:
            return self._given.get("deployments", {}).get(owner, {}).get(type_name, [])
        return self._given.get(type_name, [])


def too_slow(*_):
    raise TimeoutError(f"it did not end within {SECONDS} seconds")


def scaled(plan, change, instances):
    """What a deployment with these instances gains and loses where one node or group is scaled."""
    before = tasks.prepare_deployment_plan(plan, inputs={})
    after = tasks.prepare_deployment_plan(plan, inputs={})
    name, count = change["name"], change["instances"]
    modification = tasks.modify_deployment(
        nodes=after["nodes"],
        previous_nodes=before["nodes"],
        previous_node_instances=instances,
        modified_nodes={name: {"instances": count}},
        scaling_groups=after["scaling_groups"],
    )
    return {"added": modification["added_and_related"], "removed": modification["removed_and_related"]}


def updated(plan, path, instances):
    """What a deployment with these instances gains and loses where it is to be that of another blueprint."""
    new = parser.parse_from_path(path, resources_base_path=None, resolver=Resolver({}))
    before = tasks.prepare_deployment_plan(plan, inputs={})
    after = tasks.prepare_deployment_plan(new, inputs={})
    modification = tasks.modify_deployment(
        nodes=after["nodes"],
        previous_nodes=before["nodes"],
        previous_node_instances=instances,
        modified_nodes=(),
        scaling_groups=after["scaling_groups"],
    )
    return {"added": modification["added_and_related"], "removed": modification["removed_and_related"]}


def answer(request):
    stage = "parse"
    signal.alarm(SECONDS)
    try:
        plan = parser.parse_from_path(
            request["path"], resources_base_path=None, resolver=Resolver(request.get("imports") or {})
        )
        if "scale" in request:
            return json.dumps(scaled(plan, request["scale"], request["instances"]))
        if "update" in request:
            return json.dumps(updated(plan, request["update"], request["instances"]))
        result = {"plan": plan}
        if request.get("deploy", True):
            stage = "deploy"
            deployed = tasks.prepare_deployment_plan(
                plan,
                get_secret_method=lambda key: None,
                inputs=dict(request.get("inputs") or {}),
                runtime_only_evaluation=request.get("runtime_only", False),
                values_getter=Existing(request["existing"]) if request.get("existing") else None,
            )
            result["nodes"] = deployed["nodes"]
            result["outputs"] = deployed["outputs"]
            result["capabilities"] = deployed["capabilities"]
            result["deployment_inputs"] = deployed["inputs"]
            result["instances"] = deployed["node_instances"]
        return json.dumps(result)
    except Exception as error:
        return json.dumps({"refused": f"{type(error).__name__}: {error}", "stage": stage})
    finally:
        signal.alarm(0)


signal.signal(signal.SIGALRM, too_slow)
for line in sys.stdin:
    print(answer(json.loads(line)), flush=True)

"""From a plan to what a deployment is made of: nodes, node instances, inputs; and what its functions evaluate
to.

What must always hold: everything here is a pure function of its arguments. Identifiers come from the caller,
nothing is read or stored, nothing that was given is changed in place, and a secret's value is never part of a
plan: functions that need one wait for run time.

``deployment`` prepares a new deployment, ``instances`` makes its node instances, ``scaling`` changes their
number, ``updates`` compares two plans; ``evaluation`` evaluates functions, of a plan and at run time, against
a ``Scope``; ``inputs`` and ``parameters`` check what users give; ``required_secrets``
finds what a deployment asks for.
"""

from cloudwright.dsl.functions.syntax import holds_functions
from cloudwright.planning.deployment import DeploymentPlan, prepare_deployment
from cloudwright.planning.evaluation import EvaluationError
from cloudwright.planning.facts import SystemFacts
from cloudwright.planning.inputs import shown_inputs
from cloudwright.planning.instances import container_of, create_instances
from cloudwright.planning.parameters import validate_parameters
from cloudwright.planning.required_secrets import required_secrets
from cloudwright.planning.runtime import evaluate, evaluate_capabilities, evaluate_inputs, evaluate_outputs
from cloudwright.planning.scaling import Modification, Scaling, reshape, scale
from cloudwright.planning.scope import MemoryScope, Scope
from cloudwright.planning.updates import Change, compare

__all__ = [
    "Change",
    "DeploymentPlan",
    "EvaluationError",
    "MemoryScope",
    "Modification",
    "Scaling",
    "Scope",
    "SystemFacts",
    "compare",
    "container_of",
    "create_instances",
    "evaluate",
    "evaluate_capabilities",
    "evaluate_inputs",
    "evaluate_outputs",
    "holds_functions",
    "prepare_deployment",
    "required_secrets",
    "reshape",
    "scale",
    "shown_inputs",
    "validate_parameters",
]

"""Every blueprint of the corpus through our parser and through Cloudify's."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import corpus
import pytest
from normal_form import normal_instances, normal_nodes, normal_plan
from reference import Reference

from cloudwright import dsl, planning
from cloudwright.errors import CloudwrightError

CASES = corpus.cases()


def ours(path: Path, inputs: dict[str, Any]) -> dict[str, Any]:
    """The same answer as the reference's, by our parser."""
    counter = itertools.count()
    plan = dsl.parse_blueprint(path)
    deployment = planning.prepare_deployment(plan, inputs, sys=planning.SystemFacts("dep"))
    instances = planning.create_instances(
        deployment.nodes,
        deployment.scaling_groups,
        deployment_id="dep",
        new_id=lambda name: f"{name}_{next(counter):06}",
    )
    answer = {
        "plan": plan.to_json(),
        "nodes": deployment.nodes,
        "outputs": deployment.outputs,
        "capabilities": deployment.capabilities,
        "deployment_inputs": deployment.inputs,
        "instances": [
            {
                "id": instance.id,
                "node_id": instance.node_id,
                "host_id": instance.host_id,
                "relationships": instance.relationships,
                "scaling_groups": instance.scaling_groups,
            }
            for instance in instances
        ],
    }
    result: dict[str, Any] = json.loads(json.dumps(answer))
    return result


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "plan": normal_plan(answer["plan"]),
        "nodes": normal_nodes(answer["nodes"]),
        "outputs": answer["outputs"],
        "capabilities": answer["capabilities"],
        "deployment_inputs": answer["deployment_inputs"],
        "instances": normal_instances(answer["instances"]),
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_corpus_means_here_what_it_means_there(
    case: corpus.Case, reference: Reference, tmp_path: Path
) -> None:
    path = case.write(tmp_path)
    theirs = reference.ask(path, inputs=case.inputs)
    accepted = case.kind == "good" or case.ours in ("accepted", "plans")
    if accepted:
        mine = ours(path, case.inputs)
    else:
        with pytest.raises(CloudwrightError) as refusal:
            ours(path, case.inputs)
        assert case.says.lower() in str(refusal.value).lower()
        if isinstance(refusal.value, dsl.BlueprintError):
            assert all(problem.file for problem in refusal.value.problems)
            assert "Traceback" not in str(refusal.value)
    if case.kind == "different":
        assert case.why
        if case.ours == "plans":
            assert comparable(mine) != comparable(theirs)
        else:
            assert ("refused" in theirs) is accepted
    elif accepted:
        assert "refused" not in theirs, theirs
        assert comparable(mine) == comparable(theirs)
    else:
        assert "refused" in theirs


def test_the_corpus_is_large() -> None:
    assert len(CASES) >= 300

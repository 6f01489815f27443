"""Every blueprint of the corpus through our parser and through Cloudify's."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import corpus
import pytest
from normal_form import normal_instances, normal_nodes, normal_plan
from reference import Reference

from cloudwright import dsl, planning
from cloudwright.errors import CloudwrightError

CASES = corpus.cases()


@dataclass(frozen=True)
class Mapped:
    """Answers imports as a manager would that has these files for them."""

    files: dict[str, Path]

    def resolve(self, reference: str, *, version: str) -> dsl.Imported:
        if reference not in self.files:
            return dsl.NoImports().resolve(reference, version=version)
        file = self.files[reference]
        return dsl.Imported(reference, file.read_text(), file.parent)


@dataclass(frozen=True)
class Existing:
    """Whether there is a value, on a manager that has what the case says."""

    given: dict[str, Any]

    def __call__(self, type_name: str, value: Any, constraints: Mapping[str, Any]) -> bool:
        owner = constraints.get("deployment_id")
        values = self.given if owner is None else self.given.get("deployments", {}).get(owner, {})
        return value in values.get(type_name, [])


def ours(case: corpus.Case, path: Path) -> dict[str, Any]:
    """The same answer as the reference's, by our parser."""
    counter = itertools.count()
    files = {reference: path.parent / name for reference, name in case.imports.items()}
    plan = dsl.parse_blueprint(path, resolver=Mapped(files))
    deployment = planning.prepare_deployment(
        plan,
        case.inputs,
        sys=planning.SystemFacts("dep"),
        runtime_only_evaluation=case.runtime_only,
        lookup=Existing(case.existing) if case.existing else None,
    )
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
        "outputs": _valued(answer["outputs"]),
        "capabilities": _valued(answer["capabilities"]),
        "deployment_inputs": answer["deployment_inputs"],
        "instances": normal_instances(answer["instances"]),
    }


def _valued(entries: dict[str, Any]) -> dict[str, Any]:
    """Without values that are nothing: the reference leaves out the value of an output without content."""
    return {
        name: {key: item for key, item in entry.items() if item is not None}
        for name, entry in entries.items()
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_corpus_means_here_what_it_means_there(
    case: corpus.Case, reference: Reference, tmp_path: Path
) -> None:
    path = case.write(tmp_path)
    theirs = reference.ask(
        path,
        inputs=case.inputs,
        runtime_only=case.runtime_only,
        existing=case.existing,
        imports={reference: str(tmp_path / name) for reference, name in case.imports.items()},
    )
    accepted = case.kind == "good" or case.ours in ("accepted", "plans")
    if accepted:
        mine = ours(case, path)
    else:
        with pytest.raises(CloudwrightError) as refusal:
            ours(case, path)
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

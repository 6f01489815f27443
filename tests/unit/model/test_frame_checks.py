"""Every frame with every field wrong is refused by name, and every valid one passes."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from frame_samples import accepts, bare, sample, spoilt
from hypothesis import given
from hypothesis import strategies as st

from cloudwright.model.frames import operation, parser, workflow
from cloudwright.model.frames.checking import FrameCheck
from cloudwright.model.frames.methods import METHODS, PARSER_METHODS, WORKFLOW_METHODS, call_problem
from cloudwright.model.json_values import MAX_NESTING, is_too_deep

STREAMS: dict[str, tuple[tuple[type, ...], FrameCheck]] = {
    "to_operation": (operation.TO_OPERATION, operation.check_to_operation),
    "from_operation": (operation.FROM_OPERATION, operation.check_from_operation),
    "to_workflow": (workflow.TO_WORKFLOW, workflow.check_to_workflow),
    "from_workflow": (workflow.FROM_WORKFLOW, workflow.check_from_workflow),
    "to_parser": (parser.TO_PARSER, parser.check_to_parser),
    "from_parser": (parser.FROM_PARSER, parser.check_from_parser),
}
FRAMES = [
    pytest.param(frame, check, id=f"{name}-{get_args(frame.__annotations__['type'])[0]}")
    for name, (frames, check) in STREAMS.items()
    for frame in frames
]


@pytest.mark.parametrize(("frame", "check"), FRAMES)
def test_a_frame_with_a_wrong_field_is_refused_by_its_name(frame: type, check: FrameCheck) -> None:
    valid = sample(frame)
    assert check(valid) is None
    refused = 0
    for path, spoiled in spoilt(frame, valid):
        if not isinstance(spoiled, dict) or not isinstance(spoiled.get("type"), str):
            continue  # a decoder does not let it come this far
        problem = check(spoiled)
        if accepts(frame, spoiled):
            assert problem is None, (path, spoiled)
        else:
            refused += 1
            assert problem is not None, (path, spoiled)
            # What is nested too deep is named as a whole.
            names = path.lstrip(".") if "deeper" not in problem else path.lstrip(".").partition("[")[0]
            assert f"`{names}" in problem, problem
    assert refused >= len(frame.__annotations__) - 1


ENTRY_KINDS = {get_args(get_args(bare(entry))[0])[0]: entry for entry in workflow.ENTRIES}


@pytest.mark.parametrize("kind", ENTRY_KINDS)
def test_an_entry_of_a_journal_with_a_wrong_field_is_refused(kind: str) -> None:
    entry = ENTRY_KINDS[kind]
    valid = sample(entry)
    frame = {"type": "journal", "aware": False, "entries": [valid]}
    assert workflow.check_from_workflow(frame) is None
    for path, spoiled in spoilt(entry, valid):
        fits = any(accepts(each, spoiled) for each in workflow.ENTRIES)
        problem = workflow.check_from_workflow({**frame, "entries": [valid, spoiled]})
        assert (problem is None) == fits, (path, spoiled, problem)
        if problem is not None:
            assert problem.startswith("the field `entries[1]"), problem


ARGUMENTS = {**METHODS, **WORKFLOW_METHODS, **PARSER_METHODS}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_call_with_a_wrong_argument_is_refused_by_its_name(name: str) -> None:
    valid = sample(ARGUMENTS[name].args)
    assert call_problem(name, valid, ARGUMENTS) is None
    for path, spoiled in spoilt(ARGUMENTS[name].args, valid):
        if isinstance(spoiled, dict):
            problem = call_problem(name, spoiled, ARGUMENTS)
            assert (problem is None) == accepts(ARGUMENTS[name].args, spoiled), (path, spoiled, problem)


def test_an_unknown_method_and_an_unknown_type_are_refused() -> None:
    assert call_problem("secret", {}, METHODS) == "There is no method `secret`."
    assert operation.check_from_operation({"type": "poem"}) == "a frame has the unknown type `poem`"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted(STREAMS)), st.data())
def test_random_fields_are_judged_as_their_types_say(stream: str, data: st.DataObject) -> None:
    frames, check = STREAMS[stream]
    frame = data.draw(st.sampled_from(frames))
    message = sample(frame)
    name = data.draw(st.sampled_from([name for name in message if name != "type"]))
    message[name] = data.draw(anything)
    assert (check(message) is None) == accepts(frame, message)


@given(anything)
def test_whatever_is_sent_is_refused_or_passes_and_never_fails(value: Any) -> None:
    for kind in ("begin", "end", "call", "reply", "journal", "log", "event", "operation", "cancel", "x"):
        message = {**(value if isinstance(value, dict) else {"end": value}), "type": kind}
        for _, check in STREAMS.values():
            assert check(message) is None or isinstance(check(message), str)


def test_the_bound_on_nesting_is_exact() -> None:
    fits, deep = "[" * MAX_NESTING + "]" * MAX_NESTING, "[" * (MAX_NESTING + 1) + "]" * (MAX_NESTING + 1)
    assert not is_too_deep(json.loads(fits))
    assert is_too_deep(json.loads(deep))
    assert not is_too_deep(json.loads(f'{{"a": [{fits[2:-2]}, 1]}}'))
    assert is_too_deep(json.loads(f'{{"a": {fits}}}'))

"""Runtime properties know whether they changed, whatever is done to them; what is no JSON is found."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwright.child.errors import NonRecoverableError
from cloudwright.model.json_values import canonical, offence
from cloudwright.operation.properties import ImmutableProperties, RuntimeProperties

KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.floats(0, 3, width=16) | st.text("xy", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
PROPERTIES = st.dictionaries(KEYS, VALUES, max_size=3)
#: What user code does to a dictionary: a name, a key, a value.
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(
            ["set", "delete", "pop", "popitem", "update", "setdefault", "clear", "merge", "inner", "replace"]
        ),
        KEYS,
        VALUES,
    ),
    max_size=6,
)


def change(target: dict[str, Any], what: str, key: str, value: Any) -> None:
    match what:
        case "set":
            target[key] = value
        case "delete" if key in target:
            del target[key]
        case "pop":
            target.pop(key, None)
        case "popitem" if target:
            target.popitem()
        case "update":
            target.update({key: value})
        case "setdefault":
            target.setdefault(key, value)
        case "clear":
            target.clear()
        case "merge":
            target |= {key: value}
        case "inner":
            # However deep: the first container below the key.
            inner = target.get(key)
            while isinstance(inner, list) and inner and isinstance(inner[0], list | dict):
                inner = inner[0]
            if isinstance(inner, list):
                inner.append(value)
            elif isinstance(inner, dict):
                inner["inner"] = value
        case "replace":
            if isinstance(target, RuntimeProperties):
                target.replace({key: value})
            else:
                target.clear()
                target[key] = value


@given(PROPERTIES, CHANGES)
def test_they_behave_like_a_dictionary_and_know_whether_they_changed(
    loaded: dict[str, Any], changes: list[tuple[str, str, Any]]
) -> None:
    plain = copy.deepcopy(loaded)
    properties = RuntimeProperties(copy.deepcopy(loaded))
    for what, key, value in changes:
        change(plain, what, key, copy.deepcopy(value))
        change(properties, what, key, copy.deepcopy(value))
        assert properties == plain
        assert list(properties) == list(plain)
        assert properties.dirty is (json.dumps(plain, sort_keys=True) != json.dumps(loaded, sort_keys=True))
    properties.mark_clean()
    assert not properties.dirty


@given(PROPERTIES, CHANGES.filter(bool))
def test_those_that_cannot_be_changed_stay_what_they_are(
    loaded: dict[str, Any], changes: list[tuple[str, str, Any]]
) -> None:
    properties = RuntimeProperties(copy.deepcopy(loaded))
    properties.modifiable = False
    immutable = ImmutableProperties(copy.deepcopy(loaded))
    for what, key, value in changes:
        if (
            what in ("inner", "replace")
            or (what == "delete" and key not in loaded)
            or (what == "popitem" and not loaded)
        ):
            continue
        for target in (properties, immutable):
            with pytest.raises(NonRecoverableError):
                change(target, what, key, value)
            assert target == loaded


def test_true_and_one_are_not_the_same() -> None:
    properties = RuntimeProperties({"a": True})
    properties["a"] = 1
    assert properties.dirty


def test_what_plugins_do_to_force_storing() -> None:
    properties = RuntimeProperties({"a": 1})
    properties.dirty = True
    assert properties.dirty
    properties.dirty = False
    assert not properties.dirty
    properties._set_changed()
    assert properties.dirty
    assert properties.pop("absent") is None
    assert properties.pop("absent", 3) == 3


def test_copies_are_plain_dictionaries() -> None:
    properties = RuntimeProperties({"a": [1]})
    properties.modifiable = False
    for made in (
        copy.copy(properties),
        copy.deepcopy(properties),
        properties.copy(),
        pickle.loads(pickle.dumps(properties)),
    ):
        assert type(made) is dict
        assert made == {"a": [1]}
    assert json.loads(json.dumps(properties)) == {"a": [1]}


@given(VALUES)
def test_what_is_json_gives_no_offence(value: Any) -> None:
    assert offence(value) is None
    assert json.loads(canonical(value)) == json.loads(json.dumps(value))


ANYTHING = st.recursive(
    VALUES
    | st.binary(max_size=2)
    | st.just(float("inf"))
    | st.sets(st.integers(), max_size=2)
    | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS | st.integers() | st.tuples(st.integers()), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(ANYTHING)
def test_an_offence_is_found_exactly_where_json_refuses(value: Any) -> None:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        assert offence(value)
    else:
        assert offence(value) is None

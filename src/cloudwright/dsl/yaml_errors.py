"""What YAML's readers find wrong with a text, in the words of an author of blueprints."""

from __future__ import annotations

from typing import Any

import yaml


def explain(error: yaml.YAMLError) -> tuple[str, Any]:
    """What is wrong, as a sentence, and the mark of where (None if it is not known)."""
    context = str(getattr(error, "context", None) or "")
    problem = str(getattr(error, "problem", None) or "")
    opened, found = getattr(error, "context_mark", None), getattr(error, "problem_mark", None)
    said = _said(context, problem, opened)
    if said is None:
        reason = ", ".join(part for part in (context, problem) if part) or str(error).splitlines()[0]
        said = f"{reason}."
    at_its_beginning = "simple key" in context or _never_closed(context, problem)
    mark = opened if at_its_beginning and opened is not None else found or opened
    return f"This is not valid YAML: {said}", mark


def _never_closed(context: str, problem: str) -> bool:
    return "quoted scalar" in context and "end of stream" in problem


def _said(context: str, problem: str, opened: Any) -> str | None:
    if "\\t" in problem or "'\t'" in problem:
        return "here is a tab. Indent with spaces, not with tabs."
    if "mapping values are not allowed" in problem:
        return (
            "this `:` stands where no entry can begin. If it belongs to a text, put the text in quotes;"
            " otherwise look whether this line and the one before it are indented as they should be, and have"
            " a space after their `:`."
        )
    if "cannot start any token" in problem:
        return "no value can begin with this character. Put the value in quotes."
    if _never_closed(context, problem):
        return "the quote that opens here is never closed."
    if "unknown escape" in problem:
        return "in double quotes `\\` begins a special character, and this is none. Use single quotes."
    if "an alias" in context or "an anchor" in context:
        return (
            "`*` and `&` begin the name of a shared value, and here is none. Put a text with them in quotes."
        )
    if "flow node" in context:
        return "a value is missing here, or a bracket that opened before this is not closed."
    if "simple key" in context:
        return (
            "this is neither an entry (`name: value`) nor an item (`- value`). Is the `:`, or the space after"
            " it, missing?"
        )
    if opened is None:
        return None
    begin = f"line {opened.line + 1}, column {opened.column + 1}"
    if "flow mapping" in context:
        return f"the `{{` of {begin} is not closed: before this, a `}}` or a `,` is missing."
    if "flow sequence" in context:
        return f"the `[` of {begin} is not closed: before this, a `]` or a `,` is missing."
    if "block mapping" in context:
        return (
            f"no entry of the mapping that begins at {begin} can begin here. Entries of one mapping are"
            " indented alike, with spaces."
        )
    if "block collection" in context or "block sequence" in context:
        return (
            f"no item of the list that begins at {begin} can begin here. Items of one list are indented"
            " alike, with spaces, and begin with `- `."
        )
    return None

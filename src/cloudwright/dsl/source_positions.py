"""Finds where an element of a document stands in its text: only ever asked when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from cloudwright.dsl.problems import Path

_MERGE = "tag:yaml.org,2002:merge"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class SourcePositions:
    """Positions in one text, which is read at the first question."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._root: Node | None = None
        self._read = False

    def find(self, path: Path, *, key: bool = False) -> tuple[int, int] | None:
        """Line and column, from 1, of the element at ``path``, or of the nearest one around it that exists.

        With ``key`` the place of the element's name instead of its value.
        """
        node = self._document()
        if node is None:
            return None
        place = node.start_mark
        for part in path:
            found = _child(node, part)
            if found is None:
                break
            name, node = found
            at_value = not key and isinstance(node, ScalarNode) and node.value != ""
            place = node.start_mark if name is None or at_value else name.start_mark
        return place.line + 1, place.column + 1

    def repeated(self) -> list[tuple[str, int, int, int]]:
        """Return the keys that a mapping has more than once: each with the line of the one before it, and
        line and column of its own, all from 1.
        """
        found = []
        seen: set[int] = set()
        pending = [self._document()]
        while pending:
            node = pending.pop()
            if node is None or id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, SequenceNode):
                pending.extend(node.value)
            elif isinstance(node, MappingNode):
                lines: dict[tuple[str, str], int] = {}
                for name, value in node.value:
                    pending.append(value)
                    if isinstance(name, ScalarNode) and name.tag != _MERGE:
                        mark = name.start_mark
                        earlier = lines.get((name.tag, name.value))
                        if earlier is not None:
                            found.append((name.value, earlier, mark.line + 1, mark.column + 1))
                        lines[name.tag, name.value] = mark.line + 1
        return found

    def _document(self) -> Node | None:
        if not self._read:
            self._read = True
            for loader in (_Loader, yaml.SafeLoader):
                try:
                    self._root = yaml.compose(self._text, Loader=loader)
                    break
                except (yaml.YAMLError, RecursionError):
                    continue
        return self._root


def _child(node: Node, part: str | int) -> tuple[Node | None, Node] | None:
    if isinstance(node, SequenceNode):
        if isinstance(part, int) and part < len(node.value):
            return None, node.value[part]
        return None
    if not isinstance(node, MappingNode):
        return None
    for name, value in reversed(node.value):
        if isinstance(name, ScalarNode) and name.value == str(part):
            return name, value
    for merged in _merged(node):
        found = _child(merged, part)
        if found is not None:
            return found
    return None


def _merged(node: MappingNode) -> Iterator[Node]:
    for name, value in node.value:
        if name.tag == _MERGE:
            if isinstance(value, SequenceNode):
                yield from value.value
            else:
                yield value

"""YAML nodes -> plain data, keeping the place of every key and value, within a budget of nodes and levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import yaml

from resep.document.places import KeyPath, Place, dotted
from resep.document.scalars import other_reading, read_scalar
from resep.errors import Problem

MOST_NODES = 20_000
MOST_LEVELS = 64


class Composer(yaml.SafeLoader):
    """Builds nodes within the budget and writes down explicit tags; what scalars mean is decided by `Reader`."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.tags: list[tuple[yaml.Mark, str]] = []
        self.levels = self.nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        self.nodes += 1
        self.levels += 1
        if self.levels > MOST_LEVELS or self.nodes > MOST_NODES:
            raise yaml.MarkedYAMLError(problem=_over_budget(self.levels), problem_mark=event.start_mark)
        if getattr(event, "tag", None) is not None:
            self.tags.append((event.start_mark, event.tag))
        node = super().compose_node(parent, index)
        self.levels -= 1
        return node

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:  # noqa: ARG002  PyYAML's interface
        return ""


class Reader:
    """Walks nodes into plain data. `values` and `keys` hold places by path, `problems` what was found on the way."""

    def __init__(self, file: str, lines: Sequence[str]) -> None:
        self.file, self.lines = file, lines
        self.values: dict[KeyPath, Place] = {}
        self.keys: dict[KeyPath, Place] = {}
        self.problems: list[Problem] = []
        self._nodes = 0
        self._open: list[yaml.Node] = []  # from the root to where we are: an alias to one of them has no end

    def read_root(self, root: yaml.Node, tags: Sequence[tuple[yaml.Mark, str]]) -> Any:
        """The data of the whole document, or None where its anchors unfold beyond the budget."""
        for mark, tag in tags:
            name = tag.replace("tag:yaml.org,2002:", "!!")
            self._report(mark, (), f"the tag '{name}' is refused: a recipe is data")
        try:
            return self._read(root, ())
        except _BudgetSpent:
            return None

    def _read(self, node: yaml.Node, path: KeyPath) -> Any:
        self._nodes += 1
        if self._nodes > MOST_NODES or len(path) > MOST_LEVELS or node in self._open:
            within = "an anchor that contains itself" if node in self._open else _over_budget(len(path))
            self._report(node.start_mark, path[:1], f"{within}: write it out without anchors (&) and aliases (*)")
            raise _BudgetSpent
        self.values[path] = self._place(node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            return self._read_scalar(node, path)
        self._open.append(node)
        data = self._read_map(node, path) if isinstance(node, yaml.MappingNode) else self._read_list(node, path)
        self._open.pop()
        return data

    def _read_list(self, node: yaml.Node, path: KeyPath) -> list[Any]:
        return [self._read(item, (*path, index)) for index, item in enumerate(node.value)]

    def _read_map(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._read_key(key_node, path)
            if key is None:
                continue
            here = (*path, key)
            if key in data:
                self._report(
                    key_node.start_mark,
                    here,
                    f"this key stands already on line {self.keys[here].line}; keep one of the two",
                )
                continue
            self.keys[here] = self._place(key_node.start_mark)
            data[key] = self._read(value_node, here)
        return data

    def _read_key(self, node: yaml.Node, path: KeyPath) -> str | None:
        """The key's text; None, with a problem reported, where it is none."""
        if not isinstance(node, yaml.ScalarNode):
            message = "a key is a text; this one is a list or a map (a value such as {{ name }} needs quotes)"
            self._report(node.start_mark, path, message)
            return None
        if node.style is None and node.value == "<<":
            self._report(node.start_mark, path, "merge keys ('<<') are refused; write the keys out or use 'extends'")
            return None
        if not isinstance(self._read_scalar(node, (*path, node.value)), str):
            self._report(node.start_mark, (*path, node.value), f"a key is a text; write '{node.value}' in quotes")
        return str(node.value)

    def _read_scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        if node.style is not None:  # quoted, or a block
            return node.value
        try:
            value = read_scalar(node.value)
        except ValueError as error:
            self._report(node.start_mark, path, str(error))
            return None
        if warning := other_reading(node.value):
            self._report(node.start_mark, path, warning, "warning")
        return value

    def _report(
        self, mark: yaml.Mark, path: KeyPath, message: str, severity: Literal["error", "warning"] = "error"
    ) -> None:
        at = self._place(mark)
        self.problems.append(Problem(at.file, at.line, at.column, dotted(path), message, severity, at.source))

    def _place(self, mark: yaml.Mark) -> Place:
        source = self.lines[mark.line] if mark.line < len(self.lines) else ""
        return Place(self.file, mark.line + 1, mark.column + 1, source)


class _BudgetSpent(Exception):
    """Reading on would not end, or only after millions of nodes."""


def _over_budget(levels: int) -> str:
    return f"nested deeper than {MOST_LEVELS} levels" if levels > MOST_LEVELS else f"more than {MOST_NODES:,} values"

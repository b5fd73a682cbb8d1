"""Which children may stay: with their parent's placeholders, and near to no row and no other child."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from resep.augmentation.forms import Texts
from resep.augmentation.nearness import index_of, near
from resep.records import Row

Clean = Callable[[Row], Row]

# As they stand in a row between two steps: ours, numbered or not, and those of {{templates}}.
_PLACEHOLDER = re.compile(r"\[[A-Z][A-Z0-9_]{0,31}\]|\{\{[^{}\n]{1,64}\}\}")


@dataclass(frozen=True)
class Child:
    """A row that a model wrote, as the recipe's steps leave it: to be judged by what it says now."""

    row: Row
    group: str

    @property
    def text(self) -> str:
        return compared(self.row)


@dataclass
class Judge:
    """Judges children against the rows there are and the children that were kept, of which it remembers the texts."""

    rows: Iterable[Row]
    held_out: Iterable[Row]
    threshold: float
    kept: list[str] = field(default_factory=list)

    def judge(self, children: Sequence[Child]) -> list[str | None]:
        """For each child why it is refused, or None. The first of children that are alike is the one that stays."""
        index = index_of([child.text for child in children])
        leaks = {child for _, child in near(index, map(compared, self.held_out), self.threshold)}
        known = {child for _, child in near(index, map(compared, self.rows), self.threshold)}
        known_children = {child for _, child in near(index, self.kept, self.threshold)}
        alike: dict[int, set[int]] = {}
        for one, other in near(index, [child.text for child in children], self.threshold):
            alike.setdefault(one, set()).add(other)
        stays: set[int] = set()
        reasons: list[str | None] = []
        for at in range(len(children)):
            is_sibling = at in known_children or bool(stays & alike.get(at, set()))
            reason = _reason(at in leaks, at in known, is_sibling)
            if reason is None:
                stays.add(at)
            reasons.append(reason)
        self.kept += [children[at].text for at in sorted(stays)]
        return reasons


def placeholder_fault(before: Texts, after: Texts) -> str | None:
    """Whether a child lost a placeholder of its parent or has one that the parent has not."""
    old, new = (set(_placeholders(texts)) for texts in (before, after))
    if old - new:
        return "lost a placeholder"
    return "invented a placeholder" if new - old else None


def compared(row: Row) -> str:
    """What two rows are alike in: the prompt, of a conversation all but its last answer; the response where it is all
    there is."""
    if "messages" in row.fields:
        *before, _ = (message["content"] or "" for message in row.fields["messages"])
        return "\n".join(before)
    text = row.fields.get("prompt") or row.fields.get("response") or ""
    return text if isinstance(text, str) else "\n".join(text)


def _reason(is_leak: bool, is_known: bool, is_sibling: bool) -> str | None:
    if is_leak:
        return "near a validation or test row"
    if is_known:
        return "near a training row"
    return "near another new row" if is_sibling else None


def _placeholders(texts: Texts) -> Iterator[str]:
    for value in texts.values():
        for text in [value] if isinstance(value, str) else value:
            yield from _PLACEHOLDER.findall(text)

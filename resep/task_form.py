"""The form that a task's answers have, if they have one: JSON, numbered or bulleted steps, or one of a few labels.

A tuned model that answers everything in that form has forgotten how one answers anything else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from resep.json_answers import read_lenient
from resep.steps import parse_steps

_FORMS = ("json", "numbered", "inline", "bulleted")  # the others are how anybody writes
_USUAL = 0.8  # of the answers, to be called their form
_MOST_LABELS = 20
_PER_LABEL = 5  # answers at least, for what repeats to be called a label
_LABEL_WORDS = 6


@dataclass(frozen=True)
class TaskForm:
    """`name`: json, numbered, inline, bulleted or label, with the labels in small letters; None: no form of its own."""

    name: str | None
    labels: frozenset[str] = frozenset()

    def has(self, text: str) -> bool:
        """Whether a text is written in this form."""
        if self.name == "label":
            return _flat(text) in self.labels
        return self.name is not None and _form(text) == self.name


def task_form(answers: Iterable[str]) -> TaskForm:
    """The form of most of the answers."""
    given = [answer for answer in answers if answer.strip()]
    labels = Counter(map(_flat, given))
    if labels and len(labels) <= _MOST_LABELS and len(given) >= _PER_LABEL * len(labels) and _are_short(labels):
        return TaskForm("label", frozenset(labels))
    forms = Counter(map(_form, given))
    name, count = forms.most_common(1)[0] if forms else (None, 0)
    return TaskForm(name) if name in _FORMS and count >= _USUAL * len(given) else TaskForm(None)


def _form(text: str) -> str:
    found = read_lenient(text)
    return "json" if found and isinstance(found.value, dict | list) else parse_steps(text).form


def _flat(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")


def _are_short(labels: Iterable[str]) -> bool:
    return all(len(label.split()) <= _LABEL_WORDS for label in labels)

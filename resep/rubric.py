"""What people and models rate answers by: criteria with anchored levels from 1 to 5, and how a row is shown to them.

A judge and a person are asked the same questions about the same texts, so that one can be held against the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resep.records import Message
from resep.suggest import did_you_mean

LEVELS = (1, 2, 3, 4, 5)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_KEYS = ("question", "levels")
_RESERVED = {"preference": "the sheet's and the judge's own word for which of two answers is better"}


@dataclass(frozen=True)
class Criterion:
    """One question about an answer. `levels` says what some of the levels mean, 1 and 5 at least."""

    name: str
    question: str
    levels: Mapping[int, str]

    @property
    def anchors(self) -> str:
        """A line for every level that is described, the worst first."""
        return "\n".join(f"{level}: {text}" for level, text in sorted(self.levels.items()))

    @property
    def option(self) -> dict[str, Any]:
        """As a recipe would write it, for JSON: `read_criteria` reads it back."""
        return {"question": self.question, "levels": {str(level): text for level, text in sorted(self.levels.items())}}


SHIPPED: Mapping[str, Criterion] = {
    criterion.name: criterion
    for criterion in (
        Criterion(
            "correctness",
            "Is what the answer says right?",
            {
                1: "wrong: following it would fail, or it answers another question",
                2: "mostly wrong: one part of it is right",
                3: "half right: the main point holds, and there is an error that matters",
                4: "right but for a detail that does not matter",
                5: "right in every respect",
            },
        ),
        Criterion(
            "completeness",
            "Does the answer say everything that the question asks for?",
            {
                1: "nothing of what was asked for",
                2: "a small part; most is missing",
                3: "about half, or one important thing is missing",
                4: "nearly everything; what is missing is minor",
                5: "everything that was asked for",
            },
        ),
        Criterion(
            "clarity",
            "Is the answer easy to read and to follow?",
            {
                1: "cannot be understood",
                2: "hard to follow: confused, or full of repetition",
                3: "can be followed with some effort",
                4: "clear, with a small flaw",
                5: "clear, in a good order, no longer than it has to be",
            },
        ),
    )
}


def read_criteria(given: Mapping[str, Any]) -> tuple[Criterion, ...]:
    """The criteria that an option `criteria` names, in its order; the shipped three where it names none.

    A shipped name without further words is the shipped criterion. What `criteria_faults` finds fault with is left out.
    """
    if not given:
        return tuple(SHIPPED.values())
    faulty = {name for name, _ in criteria_faults(given)}
    return tuple(_criterion(name, said) for name, said in given.items() if name not in faulty)


def criteria_faults(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(criterion, what is wrong with it): at most one for each."""
    for name, said in given.items():
        fault = _name_fault(name) or _fault(name, said)
        if fault:
            yield name, fault


def asked_text(messages: Sequence[Message]) -> str:
    """What the arms were asked: the question alone, or a conversation with the name of who speaks."""
    if len(messages) == 1:
        return messages[0].content
    return "\n\n".join(f"[{message.role}]\n{message.content}" for message in messages)


def _criterion(name: str, said: Mapping[str, Any]) -> Criterion:
    if not said:
        return SHIPPED[name]
    return Criterion(name, said["question"], {int(level): text for level, text in said["levels"].items()})


def _name_fault(name: str) -> str | None:
    if name in _RESERVED:
        return f"'{name}' is {_RESERVED[name]}; choose another name"
    return None if _NAME.fullmatch(name) else f"'{name}' is no name: small letters, digits and _, such as 'tone'"


def _fault(name: str, said: Any) -> str | None:
    if not isinstance(said, Mapping):
        return "a criterion has a question and levels: {question: ..., levels: {'1': ..., '5': ...}}"
    if not said:
        hint = did_you_mean(name, SHIPPED) or f"; there are {', '.join(SHIPPED)}"
        return None if name in SHIPPED else f"{{}} stands for a shipped criterion, and '{name}' is none{hint}"
    strange = next((key for key in said if key not in _KEYS), None)
    if strange is not None:
        return f"'{strange}' is not known; a criterion has question and levels{did_you_mean(strange, _KEYS)}"
    if not _is_text(said.get("question")):
        return "its question is missing: what is asked about every answer"
    return _levels_fault(said.get("levels"))


def _levels_fault(levels: Any) -> str | None:
    wanted = "levels say what 1 and 5 mean, and 2 to 4 if you like: {'1': ..., '5': ...}"
    if not isinstance(levels, Mapping) or not {"1", "5"} <= {str(level) for level in levels}:
        return wanted
    odd = [str(level) for level, text in levels.items() if str(level) not in "12345" or not _is_text(text)]
    return f"{wanted}; level {odd[0]} is none, or has no text" if odd else None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())

"""Personal data hidden from whoever looks at the screen: of a value, its kind and length are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from resep.detectors import replacer
from resep.detectors.writing import Found
from resep.placeholders import hide, reveal
from resep.stages.prepare.plan import names_of_placeholders
from resep.stages.prepare.text import private_values, protect, text_function

if TYPE_CHECKING:
    from resep.recipe import StepSpec

Mask = Callable[[str], str]

USUAL = ("email", "phone", "card", "url", "ip", "iban")  # where the recipe itself looks for nothing
_MASK = "\u2039{}, {} characters\u203a"  # in single angle quotation marks, which texts hardly have
_ROUNDS = 5  # what stands between two finds may become one itself once they are hidden


def masker(steps: Sequence[StepSpec]) -> Mask:
    """What writes the kind and length of every value in its place that the steps of a recipe replace in a text.

    Where no step replaces anything, what the USUAL detectors find is hidden.
    """
    finders = [private_values(step) for step in steps if text_function(step)]
    if not replaces_values(steps):
        finders.append(_usual)
    return lambda text: _masked(text, finders)


def replaces_values(steps: Sequence[StepSpec]) -> bool:
    """Whether a step among these writes placeholders."""
    return bool(names_of_placeholders(steps))


def _masked(text: str, finders: Sequence[Callable[[str], Found]]) -> str:
    shown = protect(text)
    for _ in range(_ROUNDS):
        found = [pair for values in finders for pair in values(shown)]
        if not found:
            return reveal(shown)
        for kind, value in found:
            shown = shown.replace(value, hide(_MASK.format(kind.lower(), len(value))))
    return _MASK.format("text with personal data", len(text))  # it cannot be told apart from the rest


def _usual(text: str) -> Found:
    found: Found = []

    def note(kind: str, value: str) -> str:
        found.append((kind, value))
        return hide(f"[{kind}]")

    replacer(USUAL, (), note)(text)
    return found

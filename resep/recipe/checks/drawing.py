"""Checks across the options of the steps that draw rows: sample, balance and augment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from resep.augmentation.settings import augmenting_faults
from resep.document.places import KeyPath
from resep.drawing import balancing_faults, sampling_faults, uses_texts
from resep.recipe.draft import Check, Draft, Finding

_FAULTS = {"sample": sampling_faults, "balance": balancing_faults, "augment": augmenting_faults}
_FIELDS = {"sample": ("by", "with_fields"), "balance": ("by",), "augment": ("by",)}


def rows_can_be_drawn(draft: Draft) -> Iterator[Finding]:
    for index, name, options in _drawing_steps(draft):
        for option, message in _FAULTS[name](options):
            step: KeyPath = ("preprocessing", index)
            yield Finding((*step, name, option) if options.get(option) is not None else step, message)


def personal_data_goes_before_examples(draft: Draft) -> Iterator[Finding]:
    """The report shows texts of every cluster: those that the step `sample` saw."""
    names = [next(iter(s)) if isinstance(s, dict) and s else s for s in draft.value("preprocessing", list) or []]
    for index, name, options in _drawing_steps(draft):
        if name == "sample" and uses_texts(options) and "placeholders" in names[index:]:
            message = (
                "the report shows examples of the texts that are sampled, and here they still hold personal data; "
                "move sample behind placeholders"
            )
            yield Finding(("preprocessing", index), message)


def drawn_fields(draft: Draft) -> Iterator[tuple[KeyPath, str]]:
    """Where these steps name a field of the rows, and the field."""
    for index, name, options in _drawing_steps(draft):
        for option in _FIELDS[name]:
            given, path = options.get(option), ("preprocessing", index, name, option)
            if isinstance(given, str):
                yield path, given
            for at, field in enumerate(given if isinstance(given, list) else []):
                if isinstance(field, str):
                    yield (*path, at), field


def _drawing_steps(draft: Draft) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    for index, step in enumerate(draft.value("preprocessing", list) or []):
        name, options = next(iter(step.items())) if isinstance(step, dict) and len(step) == 1 else (step, {})
        if isinstance(name, str) and name in _FAULTS:
            yield index, name, options if isinstance(options, dict) else {}


CHECKS: tuple[Check, ...] = (rows_can_be_drawn, personal_data_goes_before_examples)

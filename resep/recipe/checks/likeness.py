"""Checks across keys that concern rows that are alike: duplicates, test rows in training, leakage between splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from resep.document.places import KeyPath
from resep.recipe.draft import Check, Draft, Finding
from resep.similarity.settings import decontaminating_faults, deduplicating_faults

_FAULTS = {"deduplicate": deduplicating_faults, "decontaminate": decontaminating_faults}


def likeness_can_be_found(draft: Draft) -> Iterator[Finding]:
    for path, name, options in _steps(draft):
        for option, message in _FAULTS[name](options):
            yield Finding((*path, name, option) if options.get(option) is not None else path, message)


def test_files_stay_below(draft: Draft) -> Iterator[Finding]:
    for path, name, options in _steps(draft):
        files = options.get("files") if name == "decontaminate" else None
        for at, file in enumerate(files if isinstance(files, list) else []):
            place = (*path, name, "files", at)
            if isinstance(file, str) and (reason := draft.escape(place)):
                yield Finding(place, f"'{file}' {reason}")


def actions_have_an_effect(draft: Draft) -> Iterator[Finding]:
    for path, name, options in _steps(draft):
        if name == "deduplicate" and options.get("action") in ("group", "report") and options.get("near") is None:
            message = "without effect: it says what becomes of near duplicates, and 'near' is null; try near: 0.9"
            yield Finding((*path, name, "action"), message, "warning")


def leakage_is_looked_for(draft: Draft) -> Iterator[Finding]:
    near = draft.value("split.leakage.near", str)
    if near == "ignore" and draft.has("split.leakage.threshold"):
        message = "without effect: near: ignore looks for nothing; leave one of the two out"
        yield Finding(("split", "leakage", "threshold"), message, "warning")
    if near == "group" and (draft.has("split.files") or draft.value("split.by", str) == "split"):
        message = (
            "the data brings its splits along, and no row changes sides: `near: fail` stops where near prompts are on "
            "two sides, `- deduplicate: {by: prompt, near: 0.8}` keeps one of them"
        )
        yield Finding(("split", "leakage", "near"), message)


def _steps(draft: Draft) -> Iterator[tuple[KeyPath, str, Mapping[str, Any]]]:
    """(where it stands, name, options) of the steps that this file is about."""
    for index, step in enumerate(draft.value("preprocessing", list) or []):
        name, options = next(iter(step.items())) if isinstance(step, dict) and len(step) == 1 else (step, {})
        if isinstance(name, str) and name in _FAULTS:
            yield ("preprocessing", index), name, options if isinstance(options, dict) else {}


CHECKS: tuple[Check, ...] = (
    likeness_can_be_found,
    test_files_stay_below,
    actions_have_an_effect,
    leakage_is_looked_for,
)

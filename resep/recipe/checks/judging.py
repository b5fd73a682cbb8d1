"""Checks of the evaluators in which somebody is asked: a judge, and people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from resep.document.places import KeyPath
from resep.judging_answers.settings import judging_faults
from resep.recipe.draft import Check, Draft, Finding
from resep.rubric import criteria_faults


def a_judge_can_be_asked(draft: Draft) -> Iterator[Finding]:
    path, options = _options(draft, "judge")
    if options is None:
        return
    for option, message in judging_faults(options):
        yield Finding(_place(path, options, option), message)
    if not options.get("model") and not options.get("endpoint"):
        message = (
            "the judge is skipped: it has nobody to ask; name an endpoint and its model, or a model on this machine"
        )
        yield Finding(path, message, "warning", of_key=True)


def people_are_asked_well(draft: Draft) -> Iterator[Finding]:
    path, options = _options(draft, "human")
    if options is None:
        return
    criteria = options.get("criteria")
    for name, message in criteria_faults(criteria if isinstance(criteria, Mapping) else {}):
        yield Finding((*path, "criteria", name), message)
    for option, lowest in (("raters", 1), ("rows", 1)):
        value = options.get(option)
        if isinstance(value, int) and not isinstance(value, bool) and value < lowest:
            yield Finding((*path, option), f"{value} is not possible: at least {lowest}")


def _options(draft: Draft, name: str) -> tuple[KeyPath, Mapping[str, Any] | None]:
    evaluators = draft.value("evaluation.evaluators", dict) or {}
    options = evaluators.get(name)
    return ("evaluation", "evaluators", name), options if isinstance(options, dict) else None


def _place(path: KeyPath, options: Mapping[str, Any], option: str) -> KeyPath:
    """Where a fault of `option`, or of `criteria.tone`, stands."""
    first, *rest = option.split(".")
    return (*path, first, *rest) if options.get(first) is not None else path


CHECKS: tuple[Check, ...] = (a_judge_can_be_asked, people_are_asked_well)

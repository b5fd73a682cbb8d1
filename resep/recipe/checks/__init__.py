"""Checks across the keys of a recipe: what the schema cannot say, because it takes two keys to be wrong.

Each check is a generator of findings, independent of the others; it says nothing about values of the wrong type, which
the schema has reported already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from resep.document import Document
from resep.document.places import KeyPath, dotted
from resep.errors import Problem
from resep.recipe.checks import (
    answers,
    arms,
    bertscore,
    data,
    decoding,
    drawing,
    endpoints,
    evaluation,
    fields,
    given_splits,
    hosted,
    judging,
    likeness,
    output,
    source,
    split,
    text_evaluators,
    training,
)
from resep.recipe.draft import Draft, Finding

_WORD = re.compile(r"[a-z_]+(?:\.[a-z_]+)*")
_MOST_ORIGINS = 3
EVALUATOR_CHECKS = (  # of one evaluator's own options, which a recipe is not needed for
    *evaluation.OPTION_CHECKS,
    *bertscore.CHECKS,
    *judging.CHECKS,
    *text_evaluators.CHECKS,
)
_CHECKS = (
    *training.CHECKS,
    *output.CHECKS,
    *hosted.CHECKS,
    *data.CHECKS,
    *fields.CHECKS,
    *source.CHECKS,
    *answers.CHECKS,
    *split.CHECKS,
    *given_splits.CHECKS,
    *drawing.CHECKS,
    *likeness.CHECKS,
    *endpoints.CHECKS,
    *arms.CHECKS,
    *decoding.CHECKS,
    *evaluation.CHECKS,
    *EVALUATOR_CHECKS,
)


def cross_checks(draft: Draft) -> list[Problem]:
    """What is wrong between keys, whatever the schema says of each."""
    return [problem_of(draft.document, finding) for check in _CHECKS for finding in check(draft)]


def problem_of(document: Document, finding: Finding) -> Problem:
    """The finding at its place; one of several files also says where the others' keys stand."""
    problem = document.problem(finding.path, finding.message, severity=finding.severity, of_key=finding.of_key)
    origins = [_origin(document, path) for path in _elsewhere(document, finding, problem.file)]
    return replace(problem, message="; ".join([problem.message, *origins[:_MOST_ORIGINS]]))


def _elsewhere(document: Document, finding: Finding, file: str) -> Iterator[KeyPath]:
    """Keys that the finding speaks of, or is about, and that stand in another file: a person has to be told where."""
    words = {word for word in _WORD.findall(finding.message) if "_" in word or "." in word}
    for path, place in document.values.items():
        if not path or place.file == file or path == finding.path:
            continue
        is_part = path[: len(finding.path)] == finding.path
        is_named = path[-1] in words and path[0] == finding.path[0]
        if is_part or is_named or dotted(path) in words:
            yield path


def _origin(document: Document, path: KeyPath) -> str:
    place = document.place(path)
    is_inherited = place.file != document.file and not place.typed
    return f"{dotted(path)} comes from {place}{' (null deletes it here)' if is_inherited else ''}"

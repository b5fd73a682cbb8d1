"""Checks across the keys of a recipe: what the schema cannot say, because it takes two keys to be wrong.

Each check is a generator of findings, independent of the others; it says nothing about values of the wrong type, which
the schema has reported already.
"""

from __future__ import annotations

from resep.errors import Problem
from resep.recipe import data_checks, evaluation_checks, training_checks
from resep.recipe.draft import Draft

_CHECKS = (*training_checks.CHECKS, *data_checks.CHECKS, *evaluation_checks.CHECKS)


def cross_checks(draft: Draft) -> list[Problem]:
    """What is wrong between keys, whatever the schema says of each."""
    findings = (finding for check in _CHECKS for finding in check(draft))
    return [draft.document.problem(f.path, f.message, severity=f.severity, of_key=f.of_key) for f in findings]

"""Checks with the data and the model in view, before anything is trained: what a recipe's text alone cannot tell.

`plan` says it, and `run` says it before its first stage; what depends on the rows that are left, before training. Only
files are read, and of a large source only its first rows: no torch, no download. What is not on this machine yet (a hub
model that was never fetched) is not judged. Findings become problems at the line of the recipe that they are about.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from resep.document.places import Place, dotted
from resep.errors import Problem
from resep.preflight.cost import Tokens, answers_fit
from resep.preflight.data import data_findings
from resep.preflight.packages import package_findings
from resep.preflight.power import estimated_rows, last_spread, power_findings, prepared_rows, sentence
from resep.preflight.rate import Rate, last_rate
from resep.preflight.servers import server_findings
from resep.trainers import trainer_of

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.recipe import Recipe
    from resep.recipe.draft import Finding

__all__ = ["after_prepare", "after_tokenise", "before_run", "foresee", "foresee_training", "last_rate", "of_data"]


def before_run(recipe: Recipe) -> list[Problem]:
    """What the sources, the model and the environment say against the recipe."""
    here = [*trainer_of(recipe).findings(recipe), *server_findings(recipe), *package_findings(recipe)]
    return _placed(recipe, [*data_findings(recipe), *here])


def of_data(recipe: Recipe) -> list[Problem]:
    """What the sources alone say against the recipe."""
    return _placed(recipe, data_findings(recipe))


def after_prepare(recipe: Recipe, prepared: Path, runs: Path) -> list[Problem]:
    """Whether the test rows that `prepare` left in its folder can show anything. `runs` holds earlier runs."""
    rows = prepared_rows(prepared)
    return _placed(recipe, power_findings(recipe, rows, last_spread(recipe, runs))) if rows else []


def after_tokenise(recipe: Recipe, tokenised: Path) -> list[Problem]:
    """Whether answers as the test rows have them can be given, from what `tokenise` counted in its folder."""
    return _placed(recipe, answers_fit(recipe, Tokens.read(tokenised)))


def foresee_training(
    recipe: Recipe, tokenised: Path | None, profile: Profile, rate: Rate | None
) -> tuple[list[tuple[str, str]], list[Problem]]:
    """For a plan: (what, in words) of tokens, steps, time and price, and what the tokens say against the recipe.

    `tokenised` is tokenise's folder, where it has run already; `rate` how fast this model was trained here before.
    """
    if tokenised is None:
        return [("training", "steps, time and price are not known before the rows are tokenised")], []
    counted = Tokens.read(tokenised)
    said = list(trainer_of(recipe).foresee(recipe, counted, profile, rate))
    return said, _placed(recipe, answers_fit(recipe, counted))


def foresee(recipe: Recipe, prepared: Path | None, runs: Path) -> tuple[str, list[Problem]]:
    """For a plan: what the test rows will show in one sentence, and what it says against the recipe.

    `prepared` is prepare's folder, where it has run already; without it the rows of small sources are counted.
    """
    rows, spread = prepared_rows(prepared) if prepared else estimated_rows(recipe), last_spread(recipe, runs)
    if rows is None:
        return "not known before the data is prepared", []
    return sentence(rows, spread), _placed(recipe, power_findings(recipe, rows, spread))


def _placed(recipe: Recipe, findings: Iterable[Finding]) -> list[Problem]:
    problems = []
    for finding in findings:
        at = _place(recipe, finding)
        where = dotted(finding.path)
        problems.append(Problem(at.file, at.line, at.column, where, finding.message, finding.severity, at.source))
    return problems


def _place(recipe: Recipe, finding: Finding) -> Place:
    """Where the key stands or, where it is a default, the nearest section around it that was written."""
    for length in range(len(finding.path), 0, -1):
        if place := recipe.origin(dotted(finding.path[:length])):
            return place
    return Place(str(recipe.path), 0, 0, "")

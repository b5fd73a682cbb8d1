"""Does a run's folder say one thing throughout? What can be computed again is, and each entry compared.

files       report.html, report.md and predictions.csv are, byte for byte, what the other files make; samples, scores
            and results.json have the digests that were noted when the run ended
recipe      results.json tells the settings that recipe.lock.yaml holds, and recipe/recipe.yaml says the same
scores      every evaluator scores the stored samples again, with the run's own options and text steps: equal to the
            last digit, or within 1e-4 where a sentence encoder takes part, whose sums depend on the machine
results     means, intervals, comparisons, the verdict, expectations, slices, controls, warnings and counts follow again
            from the stored scores and samples

What a run's folder cannot tell a second time is named: whether these samples are what the models wrote, what only the
stages knew (data, training, times), evaluators that need models, servers or training rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resep.errors import ResepError
from resep.recipe.lock import LOCK
from resep.repeatable import RECIPE
from resep.run_folder import RunFolder
from resep.stages.report.metrics import Scored
from resep.store import Emit
from resep.verification.conclusions import differing_results, unknown_parts
from resep.verification.files import Changed, compare_files
from resep.verification.leaves import Difference
from resep.verification.origin import Origin, read_origin, recipes_apart
from resep.verification.rescoring import arm_files, not_here, rescored
from resep.verification.rows import MetricCheck, check_rows, unchecked

if TYPE_CHECKING:
    from resep.recipe import Recipe

__all__ = ["Changed", "Difference", "MetricCheck", "Verification", "recipe_of", "verify"]


@dataclass(frozen=True)
class Verification:
    """What was found. `changed`: files that are not what the rest of the folder says they are.

    `unchecked`: parts of results.json, and files, that nothing here tells a second time; `only_digested`: those of
    which a digest is noted, so that they are at least as the run left them.
    """

    changed: tuple[Changed, ...]
    metrics: tuple[MetricCheck, ...]
    results: tuple[Difference, ...]
    numbers: int
    unchecked: tuple[str, ...] = ()
    only_digested: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether nothing differs, and at least one metric was computed again."""
        recomputed = [check for check in self.metrics if check.skipped is None]
        return bool(recomputed) and not (self.changed or self.results or any(c.differing for c in recomputed))


def recipe_of(run: RunFolder) -> Path:
    """The repeatable recipe in a run's folder. Raises ResepError for a run from before there was one."""
    path = run.path / "recipe" / RECIPE
    if not path.is_file() or "files" not in run.results:
        raise ResepError(
            f"{run.path} was written before runs could be verified (it has a {LOCK}, but no digests of its samples): "
            "run its recipe again, what is done is reused"
        )
    return path


def verify(run: RunFolder, recipe: Recipe, emit: Emit) -> Verification:
    """Compute everything again that the folder allows. `recipe`: that of `recipe_of`, its plug-ins trusted.

    Raises ResepError where the lock is missing or damaged, which says what the run was asked to do.
    """
    origin = read_origin(run)
    reasons = {name: not_here(recipe, name) for name in recipe.evaluators}
    possible = [name for name, reason in reasons.items() if reason is None]
    with tempfile.TemporaryDirectory(prefix="resep-verify-") as folder:
        work = Path(folder)
        arms = arm_files(run, recipe, work)
        again = dict(rescored(recipe, arms, possible, work, emit))
        files = compare_files(run, origin, recipe, {arm: Path(each["samples"]) for arm, each in arms.items()}, work)
    checks: list[MetricCheck] = []
    for name, reason in reasons.items():
        found = again[name] if reason is None else reason
        checks += check_rows(run, found) if isinstance(found, Scored) else _unchecked(run, name, found)
    scored = {name: found for name, found in again.items() if isinstance(found, Scored)}
    differences, numbers = differing_results(run, origin, recipe, scored)
    differences = [*recipes_apart(run, origin), *differences]
    unknown, digested = _unknown(run, origin)
    return Verification(
        files.changed, tuple(checks), tuple(differences), numbers, (*unknown, *files.unchecked), digested
    )


def _unknown(run: RunFolder, origin: Origin) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What nobody can compute again: with nothing to hold it against, and with a digest."""
    parts = (unknown_parts(run.results),)
    further = tuple(name for name in origin.files if name in ("ledger.jsonl", "axolotl.yaml", "job.json"))
    return ((), (*parts, *further)) if "results.json" in origin.files else (parts, further)


def _unchecked(run: RunFolder, evaluator: str, reason: str) -> Iterator[MetricCheck]:
    metrics = run.results["metrics"].items()
    return (unchecked(name, reason) for name, metric in metrics if metric["evaluator"] == evaluator)

"""Does a run's folder still say what its samples say? Everything is computed again, and each number compared.

files       samples.jsonl and scores.jsonl are, byte for byte, those that results.json was made from
scores      every evaluator scores the stored samples again, with the run's own options and text steps: equal to the
            last digit, or within 1e-4 where a sentence encoder takes part, whose sums depend on the machine
results     means, intervals, comparisons, the verdict, expectations and slices follow again from the stored scores

An evaluator that needs what a run's folder does not hold (models, servers, training rows) is named, never passed over.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resep.digests import digest_tree
from resep.errors import ResepError
from resep.recipe.lock import LOCK
from resep.repeatable import RECIPE
from resep.run_folder import RunFolder
from resep.stages.report.metrics import Scored
from resep.store import Emit
from resep.verification.conclusions import Difference, differing_results
from resep.verification.rescoring import not_here, rescored
from resep.verification.rows import MetricCheck, check_rows, unchecked

if TYPE_CHECKING:
    from resep.recipe import Recipe

__all__ = ["Difference", "MetricCheck", "Verification", "recipe_of", "verify"]


@dataclass(frozen=True)
class Verification:
    """What was found. `changed`: files that are not what results.json was made from."""

    changed: tuple[str, ...]
    metrics: tuple[MetricCheck, ...]
    results: tuple[Difference, ...]
    numbers: int

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
    """Compute everything again that the folder allows. `recipe`: that of `recipe_of`, its plug-ins trusted."""
    reasons = {name: not_here(recipe, name) for name in recipe.evaluators}
    possible = [name for name, reason in reasons.items() if reason is None]
    with tempfile.TemporaryDirectory(prefix="resep-verify-") as work:
        again = dict(rescored(run, recipe, possible, Path(work), emit))
    checks: list[MetricCheck] = []
    for name, reason in reasons.items():
        found = again[name] if reason is None else reason
        checks += check_rows(run, found) if isinstance(found, Scored) else _unchecked(run, name, found)
    scored = {name: found for name, found in again.items() if isinstance(found, Scored)}
    differences, numbers = differing_results(run, recipe, scored)
    changed = tuple(name for name, digest in run.results["files"].items() if _digest(run.path / name) != digest)
    return Verification(changed, tuple(checks), tuple(differences), numbers)


def _unchecked(run: RunFolder, evaluator: str, reason: str) -> Iterator[MetricCheck]:
    metrics = run.results["metrics"].items()
    return (unchecked(name, reason) for name, metric in metrics if metric["evaluator"] == evaluator)


def _digest(file: Path) -> str | None:
    return digest_tree(file) if file.is_file() else None

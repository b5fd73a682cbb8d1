"""What a run folder holds that a rating needs: the arms' answers, their scores, what the recipe said of people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resep.errors import ResepError
from resep.records import Sample, Score
from resep.run_folder import RunFolder
from resep.suggest import did_you_mean, listed


@dataclass(frozen=True)
class RatedRun:
    """A run that people rate. `wishes`: the options of the recipe's evaluator `human`, if it has one."""

    run: RunFolder

    @property
    def folder(self) -> Path:
        return self.run.path

    @property
    def results(self) -> Mapping[str, Any]:
        return self.run.results

    @property
    def run_id(self) -> str:
        return str(self.results["run_id"])

    @property
    def name(self) -> str:
        return str(self.results["recipe"]["name"])

    @property
    def wishes(self) -> Mapping[str, Any]:
        return dict(self.results["controls"].get("human", {}).get("human", {}))

    @property
    def slices(self) -> list[str]:
        return list(self.results["settings"].get("evaluation.slices") or [])

    def samples(self, arms: tuple[str, str]) -> dict[str, dict[str, Sample]]:
        """Arm -> row id -> what it answered."""
        found: dict[str, dict[str, Sample]] = {arm: {} for arm in arms}
        for sample in self.run.samples():
            if sample.arm in found:
                found[sample.arm][sample.id] = sample
        return found

    def scores(self) -> list[Score]:
        return self.run.scores()

    def sides(self, against: str | None) -> tuple[str, str]:
        """(baseline, candidate): those of the verdict, or another baseline. Raises ResepError for none of its arms."""
        verdict, arms = self.results["verdict"], list(self.results["arms"])
        candidate = verdict["candidate"]
        if candidate is None or len(arms) < 2:
            raise ResepError(f"{self.folder}: people compare two answers, and this run has one arm: {listed(arms)}")
        others = [arm for arm in arms if arm != candidate]
        if against is not None and against not in others:
            hint = did_you_mean(against, others) or f"; there are {listed(others)}"
            raise ResepError(f"--against {against}: the run has no such arm beside {candidate}{hint}")
        return against or verdict["baseline"] or others[0], candidate

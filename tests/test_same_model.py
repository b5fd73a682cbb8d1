"""A run whose base and tuned are the same model: the report says that no difference was shown."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resep.records import Sample
from tests.finished_run import Change, finished_run, same_answers


def report(folder: Path, change: Change, rows: int = 45) -> tuple[dict[str, Any], str]:
    run = finished_run(folder, change=change, rows=rows)
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    return results, (run / "report.html").read_text(encoding="utf-8")


def noisy_answers(sample: Sample) -> Sample:
    """The same model, sampled: every arm loses steps by lot, all with the same chances."""
    lot = random.Random(f"3:{sample.arm}:{sample.id}")
    steps = [step for step in sample.target if lot.random() < 0.7]
    return replace(sample, output="\n".join(f"{i}. {step}" for i, step in enumerate(steps, 1)), finish_reason="stop")


@pytest.mark.slow
def test_equal_answers_on_every_row_show_no_difference(tmp_path: Path) -> None:
    results, page = report(tmp_path, same_answers)
    assert results["verdict"]["outcome"] == "no_difference"
    assert results["verdict"]["headline"] == "No difference was shown, none larger than 0.065."
    assert "Every row has the same difference; at most 6.4% of all such rows have another" in results["verdict"]["text"]
    assert "No difference was shown" in page
    assert not results["expectations"][0]["holds"]
    said = [m for name, m in results["metrics"].items() if name != "output_tokens"]  # these the fake run made up
    assert {c["delta"] for m in said for c in m["comparisons"]} == {0.0}


@pytest.mark.slow
@pytest.mark.parametrize("rows", [45, 300])
def test_answers_that_differ_by_chance_only_show_no_difference(tmp_path: Path, rows: int) -> None:
    results, page = report(tmp_path, noisy_answers, rows)
    assert results["verdict"]["outcome"] == "cannot_tell"
    assert results["verdict"]["headline"] == "No difference was shown, but this test could have missed one."
    assert "No difference was shown" in page
    assert "Tuning helped" not in page
    assert not results["expectations"][0]["holds"]
    shown = [(m["direction"], c) for m in results["metrics"].values() for c in m["comparisons"]]
    assert not [c for way, c in shown if way != "none" and c["p_adjusted"] is not None and c["p_adjusted"] < 0.05]

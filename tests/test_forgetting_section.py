"""The report's section on forgetting: it always stands there, and says what was found, good or bad."""

from __future__ import annotations

from typing import Any

import pytest

from resep.stages.report.forgetting_section import forgetting_section
from resep.stages.report.page import _environment

PROSE = {"direction": "lower", "low": 0, "high": None}


def compared(
    baseline: float, candidate: float, low: float, high: float, before: str = "base", p: float = 0.01
) -> dict[str, Any]:
    return {
        "baseline": before,
        "candidate": "tuned",
        "baseline_mean": baseline,
        "candidate_mean": candidate,
        "delta": candidate - baseline,
        "ci_low": low,
        "ci_high": high,
        "p_adjusted": p,
        "n": 30,
    }


def results(controls: dict[str, Any] | None = None, **metrics: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "metrics": {name: {**PROSE, "comparisons": given} for name, given in metrics.items()},
        "controls": controls or {},
        "verdict": {"baseline": "base@native-template"},
    }


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (compared(1.0, 1.05, 0.01, 0.09), "costs 5.0% more bits per byte than before: the model has forgotten"),
        (compared(1.0, 1.05, -0.01, 0.11), "costs 5.0% more bits per byte than before, though"),
        (
            compared(1.0, 1.01, -0.01, 0.03),
            "costs 1.0% more bits per byte than before: no forgetting was shown, but up to 3.0% more is possible",
        ),
        (compared(1.0, 0.95, -0.09, -0.01), "costs 5.0% fewer bits per byte than before: no forgetting was shown."),
    ],
)
def test_prose_is_read_by_its_interval(pair: dict[str, Any], said: str) -> None:
    assert said in forgetting_section(results(general_bits_per_byte=[pair]))["reading"][0]


def test_the_untuned_model_is_what_was_before_whoever_is_the_verdicts_baseline() -> None:
    both = [compared(1.0, 1.1, 0.0, 0.2, "base@native-template"), compared(2.0, 1.1, -1.0, -0.8)]
    section = forgetting_section(results(general_bits_per_byte=both))
    assert (section["before"], section["rows"][0]["before"]) == ("base", "2.00")
    assert forgetting_section(results(general_bits_per_byte=both[:1]))["before"] == "base@native-template"


def test_a_loss_of_general_answers_and_a_leak_are_told() -> None:
    section = forgetting_section(
        results(
            {"forgetting": {"form": "numbered", "off_task": [], "left_out": ["hosted"]}},
            general_accuracy=[compared(0.6, 0.4, -0.3, -0.1)],
            off_task_leak=[compared(0.0, 0.5, 0.3, 0.7)],
        )
    )
    questions, leak = section["reading"]
    assert questions.startswith("General questions: 60% before, 40% after (30 questions, one answer of four); fewer")
    assert leak.endswith("answered in its form: 50% of them after tuning, 0% before.")
    assert any("numbered steps" in note for note in section["notes"])
    assert "hosted could not be asked: its weights are not here." in section["notes"]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.163, 0.03, "no loss was shown, but one of up to 17 percentage points is possible (95% interval)."),
        (0.0, 0.1, "no loss was shown."),
    ],
)
def test_the_largest_loss_that_is_possible_is_told(low: float, high: float, said: str) -> None:
    section = forgetting_section(results(general_accuracy=[compared(0.6, 0.55, low, high)]))
    assert section["reading"][0].endswith(said)


def test_what_has_no_interval_says_nothing_of_a_loss() -> None:
    pair = compared(0.6, 0.55, 0, 0) | {"ci_low": None, "ci_high": None}
    found = forgetting_section(results(general_accuracy=[pair], general_bits_per_byte=[pair]))["reading"]
    assert all("too few to tell" in line for line in found)


def test_what_was_not_measured_is_said_with_what_to_add() -> None:
    section = forgetting_section(results(exact_match=[]))
    assert not section["measured"]
    assert any("add forgetting: {}" in note for note in section["notes"])


def test_the_page_shows_off_task_answers_and_escapes_them() -> None:
    said = {
        "prompt": "Hello <b>",
        "replies": {"base": "Good day.", "tuned": "1. <script>alert(1)</script>", "other": "x"},
    }
    found = results(
        {"forgetting": {"form": "numbered", "off_task": [said], "left_out": []}},
        general_bits_per_byte=[compared(1.0, 1.1, 0.05, 0.15)],
    )
    section = forgetting_section(found)
    assert section["off_task"][0]["replies"] == [("base", "Good day."), ("tuned", "1. <script>alert(1)</script>")]
    page = _environment(escaping=True).get_template("forgetting.html.jinja").render(forgetting=section)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "What it has forgotten" in page
    written = _environment(escaping=False).get_template("forgetting.md.jinja").render(forgetting=section)
    assert "| bits per byte of general prose (`general_bits_per_byte`) | 1.000 | 1.100 | +0.100 |" in written

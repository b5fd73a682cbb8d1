"""`resep verify`: a run is recomputed from its samples; whatever was changed by hand is found."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resep import cli
from resep.errors import ResepError
from resep.plugins.trust import trust
from resep.recipe import load
from resep.run_folder import open_run
from resep.stages.report.metrics import Scored
from resep.verification import MetricCheck, recipe_of
from resep.verification.conclusions import differing_results
from resep.verification.rescoring import rescored
from resep.verification.rows import _check, check_rows
from tests.finished_run import edit_json, edit_lines, finished_run

METRICS = {"order_accuracy", "sequence_f1", "exact_match", "output_words", "word_recall"}
Again = dict[str, Scored]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:  # the fixture that guards a person's settings is that of each test
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))
        yield finished_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def again(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Again:
    """Every evaluator's scores of the untouched run, computed again once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))
        trust(plugin_of(made))
        recipe = load(made / "recipe" / "recipe.yaml")
        work = tmp_path_factory.mktemp("work")
        found = dict(rescored(open_run(str(made)), recipe, list(recipe.evaluators), work, lambda event: None))  # noqa: ARG005
    assert all(isinstance(scored, Scored) for scored in found.values())
    return {name: scored for name, scored in found.items() if isinstance(scored, Scored)}


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of the run that a test may spoil; its plug-in is trusted for its content."""
    copy = tmp_path / "runs" / "fake" / made.name
    shutil.copytree(made, copy)
    trust(plugin_of(copy))
    return copy


def plugin_of(run: Path) -> Path:
    return run / "recipe" / "evaluators" / "word_recall.py"


def verified(run: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = cli.main(["verify", str(run), "--json"])
    return code, json.loads(capsys.readouterr().out)


def concluded(run: Path, again: Again) -> list[str]:
    """What differs in results.json, without scoring anything once more."""
    found, compared = differing_results(open_run(str(run)), load(run / "recipe" / "recipe.yaml"), again)
    assert compared > 500
    return [difference.path for difference in found]


def checked(run: Path, again: Again) -> dict[str, MetricCheck]:
    """Stored scores against those of the untouched samples, by metric."""
    return {check.metric: check for scored in again.values() for check in check_rows(open_run(str(run)), scored)}


def differing(checks: dict[str, MetricCheck]) -> set[str]:
    return {name for name, check in checks.items() if check.differing}


def test_an_untouched_run_is_the_same_to_the_last_digit(run: Path, again: Again) -> None:
    checks = checked(run, again)
    assert checks.keys() >= METRICS
    assert all(check.largest == 0 == check.differing and check.rows >= 3 * 45 for check in checks.values())
    assert concluded(run, again) == []


def test_a_changed_sample_is_found(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit_lines(run / "samples.jsonl", lambda lines: lines[50].update(output="1. something\x1b[2J else"))
    assert cli.main(["verify", str(run)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("fake/0123456789ab\nCHANGED  samples.jsonl is not the file")
    assert "DIFFERS  row-005 of tuned: stored" in out
    assert out.endswith("This run does NOT say what its samples say.\n")
    assert "\x1b" not in out


@pytest.mark.slow
def test_the_whole_command_on_an_untouched_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = verified(run, capsys)
    assert (code, found["agrees"], found["changed"], found["results"]) == (0, True, [], [])
    assert cli.main(["verify", str(run)]) == 0
    assert capsys.readouterr().out.endswith("Everything that was computed again is the same.\n")


@pytest.mark.slow
def test_a_change_that_no_metric_sees_is_found_too(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit_lines(run / "samples.jsonl", lambda lines: lines[0]["prompt"][0].update(content="another question"))
    code, found = verified(run, capsys)
    assert (code, found["changed"]) == (1, ["samples.jsonl"])
    assert not any(check["differing"] for check in found["metrics"])


def test_a_changed_score_is_found(run: Path, again: Again) -> None:
    edit_lines(run / "scores.jsonl", lambda lines: lines[3]["values"].update(order_accuracy=0.123))
    checks = checked(run, again)
    assert differing(checks) == {"order_accuracy"}
    assert [example[:3] for example in checks["order_accuracy"].examples] == [("base", "row-003", 0.123)]
    assert "metrics.order_accuracy.arms.base.mean" in concluded(run, again)


def test_a_changed_statistic_of_a_corpus_metric_is_found(run: Path, again: Again) -> None:
    edit_lines(run / "scores.jsonl", lambda lines: lines[-1]["stats"].update(word_recall=[99, 99]))
    assert differing(checked(run, again)) == {"word_recall"}


def test_rows_that_were_taken_out_are_found(run: Path, again: Again) -> None:
    edit_lines(run / "scores.jsonl", lambda lines: [line for line in lines if line["id"] != "row-001"])
    assert differing(checked(run, again)) == set(checked(run, again))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metrics.order_accuracy.arms.tuned.mean", 0.99),
        ("metrics.order_accuracy.arms.tuned.ci_low", 0.01),
        ("metrics.word_recall.arms.base.mean", 0.5),
        ("metrics.word_recall.comparisons.0.delta", 0.5),
        ("metrics.word_recall.comparisons.0.p", 0.5),
        ("verdict.text", "Tuning helped enormously."),
        ("expectations.0.holds", False),
        ("slices.1.metrics.sequence_f1.p", 0.5),
    ],
)
def test_a_changed_aggregate_is_found(run: Path, again: Again, path: str, value: Any) -> None:
    def change(results: Any) -> None:
        *parents, last = path.split(".")
        for part in parents:
            results = results[int(part)] if isinstance(results, list) else results[part]
        results[last] = value

    edit_json(run / "results.json", change)
    assert concluded(run, again) == [path]


def test_a_metric_that_nobody_computes_is_found(run: Path, again: Again) -> None:
    edit_json(run / "results.json", lambda r: r["metrics"].update(invented=r["metrics"]["exact_match"]))
    assert "metrics.invented.arms.tuned.mean" in concluded(run, again)


def test_a_raw_mean_is_compared_only_where_it_was_computed_again(run: Path, again: Again) -> None:
    edit_json(run / "results.json", lambda r: r["metrics"]["exact_match"]["arms"]["base"].update(raw_mean=0.5))
    assert concluded(run, again) == ["metrics.exact_match.arms.base.raw_mean"]
    assert concluded(run, {name: scored for name, scored in again.items() if name != "exact_match"}) == []


@pytest.mark.slow
def test_an_evaluator_that_reads_what_is_not_there_is_named_and_the_others_go_on(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reading = plugin_of(run).read_text().replace("in samples:", "in context.prepared['train']:")
    plugin_of(run).write_text(reading)
    trust(plugin_of(run))
    code, found = verified(run, capsys)
    skipped = {check["metric"]: check["skipped"] for check in found["metrics"] if check["skipped"]}
    assert set(skipped) == {"word_recall"}
    assert "reads the prepared train rows" in skipped["word_recall"]
    assert code == 0


def test_a_changed_plug_in_is_not_run_before_it_is_trusted(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (run / "recipe" / "evaluators" / "word_recall.py").open("a") as file:
        file.write("\n# changed\n")
    assert cli.main(["verify", str(run)]) == 2
    assert "--trust" in capsys.readouterr().err


def test_a_sentence_encoder_has_a_tolerance_and_nothing_else_has() -> None:
    pairs = [("tuned", "a", 0.5, 0.50001), ("tuned", "b", None, None), ("tuned", "c", (1.0, 2.0), (1.0, 2.0))]
    assert _check("m", pairs, 1e-4).differing == 0
    assert _check("m", pairs, 0.0).examples == (pairs[0],)
    assert _check("m", [("tuned", "a", None, 0.0)], 1.0).differing == 1
    assert isinstance(_check("m", [], 0.0), MetricCheck)


def test_a_run_is_found_by_folder_name_and_part_of_its_id(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (run.parent / "latest").symlink_to(run.name)
    for named in (str(run), "fake", "fake/0123456789ab", "fake/0123", "runs/fake/latest"):
        assert open_run(named).path == run
    with pytest.raises(ResepError, match="did you mean 'fake'"):
        open_run("fakke")


def test_an_old_or_damaged_run_is_explained(run: Path) -> None:
    edit_json(run / "results.json", lambda results: results.pop("files"))
    with pytest.raises(ResepError, match="before runs could be verified"):
        recipe_of(open_run(str(run)))
    (run / "results.json").write_text("{", encoding="utf-8")
    with pytest.raises(ResepError, match="damaged"):
        open_run(str(run))

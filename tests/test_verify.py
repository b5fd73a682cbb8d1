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
from resep.recipe.lock import LOCK
from resep.run_folder import open_run
from resep.stages.report import render
from resep.stages.report.metrics import Scored
from resep.verification import MetricCheck, recipe_of
from resep.verification.conclusions import differing_results
from resep.verification.files import FilesFound, compare_files
from resep.verification.origin import read_origin, recipes_apart
from resep.verification.rescoring import arm_files, rescored
from resep.verification.rows import _check, check_rows
from tests.finished_run import edit_json, edit_lines, finished_run, write_lock

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
        arms = arm_files(open_run(str(made)), recipe, work)
        found = dict(rescored(recipe, arms, list(recipe.evaluators), work, lambda event: None))  # noqa: ARG005
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
    opened = open_run(str(run))
    found, compared = differing_results(opened, read_origin(opened), load(run / "recipe" / "recipe.yaml"), again)
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
    assert out.endswith("This run does NOT say what its samples and its recipe say.\n")
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
    assert code == 1
    assert "samples.jsonl" in [each["name"] for each in found["changed"]]
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
    assert "metrics.invented" in concluded(run, again)


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


def test_settings_come_from_the_recipe_and_not_from_the_results_under_test(run: Path, again: Again) -> None:
    def softened(results: Any) -> None:
        results["settings"]["expect.order_accuracy.delta"] = "> -9"
        for each in results["expectations"]:
            each |= {"condition": "> -9", "text": each["text"].replace("> 0", "> -9")}

    edit_json(run / "results.json", softened)
    found = concluded(run, again)
    assert {"settings.expect.order_accuracy.delta", "expectations.0.condition", "expectations.0.text"} == set(found)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda r: r["controls"]["order_accuracy"]["chance"].update(tuned=0.9), "controls.order_accuracy.chance.tuned"),
        (lambda r: r["controls"].update(invented={"a": 1}), "controls.invented"),
        (lambda r: r["arms"]["base"].update(truncated=0), "arms.base.truncated"),
        (lambda r: r["arms"].pop("base@native-template"), "arms.base@native-template"),
        (lambda r: r["prompts"].update(distinct=1), "prompts.distinct"),
        (lambda r: r["warnings"].append("a warning that nobody gave"), "warnings"),
        (lambda r: r["warnings"].clear(), "warnings"),
        (lambda r: r["recipe"].update(sha256="0" * 32), "recipe.sha256"),
        (lambda r: r.update(run_id="ffffffffffff"), "run_id"),
        (
            lambda r: r["metrics"]["exact_match"].update(signature="exact_match|version:9"),
            "metrics.exact_match.signature",
        ),
        (lambda r: r["metrics"]["exact_match"].update(direction="lower"), "metrics.exact_match.direction"),
    ],
)
def test_what_is_no_metric_is_computed_again_too(run: Path, again: Again, change: Any, path: str) -> None:
    edit_json(run / "results.json", change)
    assert any(found.startswith(path) for found in concluded(run, again))


def test_a_metric_that_was_taken_out_is_found(run: Path, again: Again) -> None:
    edit_json(run / "results.json", lambda results: results["metrics"].pop("exact_match"))
    assert "metrics.exact_match" in concluded(run, again)


def compared_files(run: Path, tmp_path: Path) -> FilesFound:
    opened, recipe = open_run(str(run)), load(run / "recipe" / "recipe.yaml")
    (tmp_path / "work").mkdir(exist_ok=True)
    arms = {arm: Path(each["samples"]) for arm, each in arm_files(opened, recipe, tmp_path / "work").items()}
    return compare_files(opened, read_origin(opened), recipe, arms, tmp_path / "work")


def test_the_files_of_an_untouched_run_are_those_that_follow(run: Path, tmp_path: Path) -> None:
    assert compared_files(run, tmp_path) == FilesFound((), ())


@pytest.mark.parametrize("name", ["report.html", "report.md", "predictions.csv"])
def test_a_page_or_table_that_was_edited_is_found(run: Path, tmp_path: Path, name: str) -> None:
    text = (run / name).read_text(encoding="utf-8")
    (run / name).write_text(text.replace("row-", "Row-").replace("tuned", "Tuned"), encoding="utf-8")
    assert [each.name for each in compared_files(run, tmp_path).changed] == [name]


def test_what_nobody_can_compute_again_is_known_by_its_digest(run: Path, tmp_path: Path) -> None:
    edit_json(run / "results.json", lambda results: results["training"].update(final_loss=0.001))
    render(run)
    changed = compared_files(run, tmp_path).changed
    assert [each.name for each in changed] == ["results.json"]
    assert changed[0].why == "is not what the run left, by its digest in recipe.lock.yaml"


@pytest.mark.slow
def test_a_run_of_an_earlier_lock_names_what_was_not_checked(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = load(run / "recipe" / "recipe.yaml")
    write_lock(run, {"recipe": recipe.data})
    edit_json(run / "results.json", lambda results: results["training"].update(final_loss=0.001))
    render(run)
    assert cli.main(["verify", str(run)]) == 0
    out = capsys.readouterr().out
    assert "not checked: in results.json data, training, environment" in out
    assert "whether the models wrote these samples" in out


def test_pages_that_cannot_be_made_are_said_to_be_so(run: Path, tmp_path: Path) -> None:
    edit_json(run / "results.json", lambda results: results.pop("seconds"))
    changed = {each.name: each.why for each in compared_files(run, tmp_path).changed}
    assert "KeyError: 'seconds'" in changed["report.html"]


def test_a_page_that_another_version_made_is_named_and_not_called_false(run: Path, tmp_path: Path) -> None:
    edit_json(run / "results.json", lambda results: results["environment"]["versions"].update(resep="0.0.9"))
    write_lock(run, {"recipe": load(run / "recipe" / "recipe.yaml").data})
    (run / "report.md").write_text("in other words", encoding="utf-8")
    found = compared_files(run, tmp_path)
    assert found.changed == ()
    assert "report.md (made with Resep 0.0.9)" in found.unchecked


def test_a_recipe_beside_the_lock_that_says_something_else_is_found(run: Path) -> None:
    file = run / "recipe" / "recipe.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("lexical", "all-minilm-l6-v2"), encoding="utf-8")
    opened = open_run(str(run))
    found = recipes_apart(opened, read_origin(opened))
    assert [each.path for each in found] == ["recipe/recipe.yaml.evaluation.evaluators.order_accuracy.encoder"]


def test_a_run_without_its_lock_cannot_be_verified(run: Path) -> None:
    (run / LOCK).unlink()
    with pytest.raises(ResepError, match=r"recipe\.lock\.yaml is missing"):
        read_origin(open_run(str(run)))

"""What a rehearsal lays over recipes, and how it comes to its rows; whole rehearsals: test_rehearsal_run.py."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from resep.endpoints.consent import destinations
from resep.errors import ResepError, StageError
from resep.models import EMBEDDED
from resep.paths import data_folder
from resep.pipeline import model_names
from resep.preflight.model import model_here
from resep.recipe import Recipe, load
from resep.records import Score, write_jsonl
from resep.rehearsal import (
    Change,
    Means,
    Note,
    Rehearsal,
    Rehearsed,
    StandIns,
    few_rows,
    rehearsal_of,
    rehearse,
    require_rows,
    stand_ins_of,
)
from resep.rehearsal.running import _refuse_crashes
from resep.store import Store
from tests import tiny_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SERVER = "https://api.example.com/v1"
RECIPES = sorted(data_folder("recipes").glob("*.yaml"))


def written(folder: Path, data: Mapping[str, Any]) -> Recipe:
    """A recipe of one source, exact_match and whatever `data` says."""
    whole = {
        "resep": 1,
        "name": "test",
        "model": {"base": "mistralai/Mistral-7B-Instruct-v0.3", "revision": COMMIT},
        "data": {"sources": [{"path": "rows.jsonl", "fields": {"prompt": "prompt", "kind": "kind"}}]},
        "split": {"fractions": {"train": 0.6, "validation": 0.2, "test": 0.2}},
        "evaluation": {"primary": "exact_match", "evaluators": {"exact_match": {}}},
        **data,
    }
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(whole), encoding="utf-8")
    return load(path)


def rehearsed(recipe: Recipe, stand_ins: StandIns | None = None) -> tuple[Recipe, Rehearsal]:
    """The recipe as it would be rehearsed at first, loaded and judged like any other."""
    again = partial(_again, recipe)
    rehearsal = few_rows(recipe, rehearsal_of(recipe, stand_ins or stand_ins_of(recipe), again))
    return again(rehearsal.overrides), rehearsal


def _again(recipe: Recipe, overrides: Sequence[str]) -> Recipe:
    return load(recipe.path, rehearsal=overrides)


def texts(rehearsal: Rehearsal, kind: str) -> str:
    return "\n".join(note.text for note in rehearsal.notes if note.kind == kind)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_shipped_recipe_can_be_rehearsed_without_asking_or_fetching_anybody(path: Path) -> None:
    assert len(RECIPES) >= 2
    changed, _ = rehearsed(load(path))
    assert destinations(changed) == []
    assert changed["compute.profile"] == "cpu"
    for name, revision in model_names(changed):
        assert name in EMBEDDED or Path(name).is_absolute() or model_here(name, revision)


@pytest.mark.parametrize("base", [f"base/{path.stem}" for path in sorted(data_folder("recipes").glob("base/*.yaml"))])
def test_every_recipe_to_extend_can_be_rehearsed_once_it_is_completed(base: str, tmp_path: Path) -> None:
    parents = list(dict.fromkeys(["base/small-model-on-cpu", "base/evaluation-steps", base]))
    (tmp_path / "recipe.yaml").write_text(
        f"resep: 1\nname: child\nextends: {json.dumps(parents)}\ndata: {{sources: [{{path: rows.jsonl}}]}}\n"
        "split: {fractions: {train: 0.8, validation: 0.05, test: 0.15}}\n",
        encoding="utf-8",
    )
    changed, _ = rehearsed(load(tmp_path / "recipe.yaml"))
    assert changed["training.max_steps"] == 2
    assert destinations(changed) == []


TRAININGS: Mapping[str, dict[str, Any]] = {
    "on a GPU": {"precision": "bf16", "packing": True, "axolotl": {"tf32": True, "lora_qkv_kernel": True}},
    "in micro batches": {"batch_size": 64, "micro_batch_size": 4, "gradient_accumulation_steps": 16},
    "with early stopping": {"early_stopping": 2, "eval_per_epoch": 8, "num_epochs": 10},
    "of every weight": {"method": "full", "precision": "bf16", "learning_rate": 1e-6},
    "of some modules": {"lora": {"target_modules": ["q_proj", "v_proj"]}, "max_steps": 500},
    "of long rows": {"sequence_len": 32_768, "overflow": "truncate_prompt"},
}


@pytest.mark.parametrize("training", TRAININGS.values(), ids=TRAININGS)
def test_any_training_becomes_two_small_steps_on_a_cpu(tmp_path: Path, training: dict[str, Any]) -> None:
    changed, _ = rehearsed(written(tmp_path, {"training": training}))
    assert changed["training.max_steps"] == 2
    assert changed["training.num_epochs"] is None
    assert changed["training.batch_size"] == 4
    assert changed["training.precision"] == "auto"
    assert changed["training.packing"] == "auto"
    assert not changed["training.axolotl"]
    for key in ("method", "overflow", "early_stopping"):
        assert changed[f"training.{key}"] == training.get(key, changed[f"training.{key}"])


def test_what_needs_a_gpu_is_named(tmp_path: Path) -> None:
    _, rehearsal = rehearsed(written(tmp_path, {"training": TRAININGS["on a GPU"]}))
    assert "training.axolotl.tf32 and training.axolotl.lora_qkv_kernel" in texts(rehearsal, "left out")


def test_every_value_that_is_not_the_recipes_own_comes_from_the_rehearsal(tmp_path: Path) -> None:
    changed, rehearsal = rehearsed(written(tmp_path, {"training": TRAININGS["in micro batches"]}))
    assert [str(changed.origin(change.key)) for change in rehearsal.changes if change.value is not None] == [
        "rehearsal"
    ] * sum(change.value is not None for change in rehearsal.changes)
    assert str(changed.origin("name")).startswith(str(tmp_path))


def test_servers_and_adapters_are_left_out_and_other_models_stood_in_for(tmp_path: Path) -> None:
    arms = [
        "base",
        "tuned",
        {"hosted": {"endpoint": SERVER, "model": "m", "api_key_env": "NO_KEY"}},
        {"older": {"adapter": "./adapter"}},
        {"other": {"model": "Qwen/Qwen3-0.6B", "revision": COMMIT}},
        {"shown": {"examples": 5, "choose": "nearest"}},
    ]
    recipe = written(tmp_path, {"generation": {"arms": arms}})
    changed, rehearsal = rehearsed(recipe)
    assert list(changed.arms) == ["base", "tuned", "other", "shown"]
    assert "qwen3" in changed.arms["other"]["model"]
    assert changed.arms["shown"]["examples"] == 1
    assert changed["generation.max_new_tokens"] == 8
    assert f"arm hosted: {SERVER} is not asked" in texts(rehearsal, "left out")
    assert "arm older: its adapter ./adapter does not fit a tiny model" in texts(rehearsal, "left out")
    assert "a tiny random qwen3 for Qwen/Qwen3-0.6B" in texts(rehearsal, "stands in")


def test_a_template_beside_the_recipe_is_still_found(tmp_path: Path) -> None:
    (tmp_path / "own.jinja").write_text("{{ messages }}", encoding="utf-8")
    arms = ["base", "tuned", {"else": {"chat_template": "own.jinja"}}, {"old": {"adapter": "./a"}}]
    changed, _ = rehearsed(written(tmp_path, {"generation": {"arms": arms}}))
    assert changed.locate("generation.arms[2].else.chat_template") == tmp_path / "own.jinja"


def test_a_base_takes_the_place_of_a_baseline_that_is_left_out(tmp_path: Path) -> None:
    arms = ["tuned", {"hosted": {"endpoint": SERVER, "model": "m"}}]
    evaluation = {"primary": "exact_match", "evaluators": {"exact_match": {}}, "baseline": "hosted"}
    changed, rehearsal = rehearsed(written(tmp_path, {"generation": {"arms": arms}, "evaluation": evaluation}))
    assert list(changed.arms) == ["base", "tuned"]
    assert changed["evaluation.baseline"] is None
    assert "evaluation.baseline: there is no hosted" in texts(rehearsal, "left out")


def test_a_judge_is_not_asked_and_the_verdict_speaks_of_another_metric(tmp_path: Path) -> None:
    judge = {"endpoint": SERVER, "model": "m", "api_key_env": "NO_KEY", "mode": "both"}
    evaluation = {"primary": "judge_preference", "evaluators": {"judge": judge}}
    expect = {"judge_preference.delta": "> 0.1"}
    changed, rehearsal = rehearsed(written(tmp_path, {"evaluation": evaluation, "expect": expect}))
    assert changed.evaluators["judge"]["model"] is None
    assert changed["evaluation.primary"] == "exact_match"
    assert changed["expect"] == {}
    assert "the verdict speaks of exact_match" in texts(rehearsal, "left out")


def test_documents_that_would_be_fetched_are_left_out(tmp_path: Path) -> None:
    harness = {"lm_eval": {"tasks": ["arc_easy"], "offline": False}}
    evaluation = {"primary": "lm_eval_score", "evaluators": {**harness, "exact_match": {}}}
    changed, rehearsal = rehearsed(written(tmp_path, {"evaluation": evaluation}))
    assert list(changed.evaluators) == ["exact_match"]
    assert "evaluator lm_eval: with offline: false it fetches rows" in texts(rehearsal, "left out")
    kept = {"primary": "lm_eval_score", "evaluators": {"lm_eval": {"tasks": ["arc_easy"]}}}
    changed, _ = rehearsed(written(tmp_path, {"evaluation": kept}))
    assert changed.evaluators["lm_eval"]["limit"] == 2


def test_an_encoder_that_is_not_embedded_is_stood_in_for_with_a_layer_that_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESEP_CACHE", str(tmp_path))  # nothing is here: not the embedded encoder either
    given = {"encoder": f"FacebookAI/roberta-large@{COMMIT}", "layer": 17, "rescale": "en"}
    evaluation = {"primary": "bertscore_f1", "evaluators": {"bertscore": given, "order_accuracy": {}}}
    changed, rehearsal = rehearsed(written(tmp_path, {"evaluation": evaluation}))
    options = changed.evaluators["bertscore"]
    assert options["encoder"].startswith(str(tmp_path))
    assert (options["layer"], options["rescale"]) == (2, None)
    assert "a tiny random encoder for FacebookAI/roberta-large" in texts(rehearsal, "stands in")
    assert "a tiny random encoder for all-minilm-l6-v2" in texts(rehearsal, "stands in")


def test_a_step_that_asks_a_model_does_nothing_and_the_others_keep_their_places(tmp_path: Path) -> None:
    steps = ["lowercase", {"augment": {"model": "m", "endpoint": SERVER}}, "deduplicate"]
    changed, rehearsal = rehearsed(written(tmp_path, {"preprocessing": steps}))
    assert [step.name for step in changed.steps] == ["lowercase", "filter_length", "deduplicate"]
    assert changed.steps[1].options["minimum"] == 0
    assert f"preprocessing step augment: {SERVER} is not asked" in texts(rehearsal, "left out")


def test_a_recipe_of_a_service_is_trained_here(tmp_path: Path) -> None:
    hosted = {"model": {"base": "gpt-4.1-mini-2025-04-14"}, "training": {"trainer": "openai", "openai": {}}}
    changed, rehearsal = rehearsed(written(tmp_path, hosted))
    assert changed["training.trainer"] == "axolotl"
    assert destinations(changed) == []
    assert "training.trainer: openai is not asked" in texts(rehearsal, "left out")
    assert "a tiny random llama for gpt-4.1-mini-2025-04-14, whose architecture is not known" in texts(
        rehearsal, "stands in"
    )


def test_with_a_stand_in_tokenizer_no_row_is_too_long_for_that(tmp_path: Path) -> None:
    assert rehearsed(written(tmp_path, {}))[0]["training.sequence_len"] == 1024
    qwen = {"model": {"base": "Qwen/Qwen2.5-7B-Instruct", "revision": COMMIT}}
    assert rehearsed(written(tmp_path, qwen))[0]["training.sequence_len"] == 4096


def test_modules_are_the_recipes_own_unless_another_architecture_stands_in(tmp_path: Path) -> None:
    training = {"training": {"lora": {"target_modules": ["Wqkv"]}}}
    assert rehearsed(written(tmp_path, training))[0]["training.lora.target_modules"] == ["Wqkv"]
    unknown = {"model": {"base": "someone/something", "revision": COMMIT}, **training}
    changed, rehearsal = rehearsed(written(tmp_path, unknown))
    assert changed["training.lora.target_modules"] == "all-linear"
    assert "training.lora.target_modules" in texts(rehearsal, "left out")


def test_a_folder_that_is_not_there_is_refused_as_in_a_run(tmp_path: Path) -> None:
    with pytest.raises(ResepError, match="there is no such folder"):
        stand_ins_of(written(tmp_path, {"model": {"base": "./modle"}}))


def test_rows_that_are_not_here_are_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEP_CACHE", str(tmp_path / "cache"))
    source = {"hub": "owner/rows", "revision": COMMIT}
    with pytest.raises(
        ResepError, match=r"hub:owner/rows@0123456789ab/train from the hub: these rows are not on this machine"
    ):
        require_rows(written(tmp_path, {"data": {"sources": [source]}}))


# Rows: the recipe's own preparation and tokenisation, with the tokenizer of the tests' tiny model.


def prepared(
    folder: Path, recipe: Recipe, further: Sequence[Change] = (), said: list[str] | None = None
) -> tuple[Rehearsed, list[str]]:
    """The recipe rehearsed up to `tokenise`, and what was said on the way, which is added to `said`."""
    said = [] if said is None else said
    changes = (Change("model.base", str(tiny_model.model_folder())), Change("model.revision", None), *further)
    means = Means(Store(folder / "store", "test"), _noting(said), sys.executable, "tokenise")
    return rehearse(recipe, Rehearsal(changes, ()), partial(_again, recipe), means), said


def _noting(said: list[str]) -> Any:
    return lambda event: said.append(event["message"]) if event["event"] == "note" else None


def splits(rehearsal: Rehearsed) -> dict[str, int]:
    statistics = json.loads((rehearsal.folders["tokenise"] / "statistics.json").read_text(encoding="utf-8"))
    return {split: statistics["splits"][split]["rows"] for split in ("train", "validation", "test")}


def write_rows(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def row(number: int, **further: Any) -> dict[str, Any]:
    return {"prompt": f"question {number}", "response": f"answer {number}", "kind": "a", **further}


def test_eight_rows_are_enough_of_ordinary_data(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(number) for number in range(1200)])
    found, said = prepared(tmp_path, written(tmp_path, {}))
    assert splits(found) == {"train": 4, "validation": 2, "test": 2}
    assert said == []


def test_more_is_read_where_the_beginning_of_the_data_is_all_for_training(tmp_path: Path) -> None:
    rows = [row(number, split="train") for number in range(1500)]
    rows += [row(2000 + number, split=split) for number, split in enumerate(["val", "test", "test"])]
    write_rows(tmp_path, rows)
    sources = [{"path": "rows.jsonl", "fields": {"prompt": "prompt", "split": "split", "kind": "kind"}}]
    recipe = written(tmp_path, {"split": {"by": "split"}, "data": {"sources": sources}})
    found, said = prepared(tmp_path, recipe)
    assert splits(found) == {"train": 64, "validation": 1, "test": 2}
    assert [line for line in said if "reading 30,000 rows of each source" in line]


def test_more_is_kept_where_too_many_rows_are_too_long(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(number, response="word " * (1 if number % 17 == 0 else 300)) for number in range(900)])
    recipe = written(tmp_path, {"training": {"sequence_len": 64, "overflow": "drop"}, "data": _dropping(1.0)})
    found, said = prepared(tmp_path, recipe)
    assert min(splits(found).values()) > 0
    assert said


def test_why_few_rows_did_not_do_is_told_in_one_sentence(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(number, response="word " * 300) for number in range(12)])
    said: list[str] = []
    with pytest.raises(StageError, match=r"set training\.sequence_len to at least"):
        prepared(tmp_path, written(tmp_path, {"training": {"sequence_len": 64}}), said=said)
    assert "have more tokens than training.sequence_len (64)): reading" in said[0]


def test_a_step_that_drops_the_whole_beginning_is_given_more(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(number, kind="b" if number < 1400 else "a") for number in range(3000)])
    steps = [{"filter_expression": {"keep": "kind == 'a'"}}, {"sample": {"rows": 400, "strategy": "random"}}]
    found, _ = prepared(tmp_path, written(tmp_path, {"preprocessing": steps, "data": _dropping(0.9)}))
    assert splits(found)["test"] == 2


def test_what_fails_on_all_rows_fails_in_the_rehearsal(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(number, split="train") for number in range(1200)])
    sources = [{"path": "rows.jsonl", "fields": {"prompt": "prompt", "split": "split", "kind": "kind"}}]
    recipe = written(tmp_path, {"split": {"by": "split"}, "data": {"sources": sources}})
    with pytest.raises(StageError, match=r"no test rows: `split` goes by what the data says"):
        prepared(tmp_path, recipe)


def test_the_recipes_own_limits_still_hold(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(number) for number in range(300)])
    limited = {"data": {"sources": [{"path": "rows.jsonl", "limit": 40}]}}
    recipe = written(tmp_path, {**limited, "split": {"by": "prompt", **FRACTIONS, "max_rows": {"train": 3}}})
    found, _ = prepared(tmp_path, recipe)
    assert found.recipe["data.sources[0].limit"] == 40
    assert splits(found)["train"] == 3


FRACTIONS = {"fractions": {"train": 0.6, "validation": 0.2, "test": 0.2}}


def _dropping(share: float) -> dict[str, Any]:
    fields = {"prompt": "prompt", "response": "response", "kind": "kind"}
    return {"sources": [{"path": "rows.jsonl", "fields": fields}], "max_dropped": share}


def test_an_evaluator_that_crashes_in_every_row_fails_and_one_that_knows_no_answer_does_not(tmp_path: Path) -> None:
    def scored(*errors: str | None) -> dict[str, Path]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        values: dict[str, float | None] = {"m": None}
        write_jsonl(folder / "scores.jsonl", [Score(str(at), "base", values, error=e) for at, e in enumerate(errors)])
        return {"evaluate:mine": folder}

    with pytest.raises(StageError, match=r"it crashed in every one of 2 rows: KeyError: 'steps'"):
        _refuse_crashes(scored("KeyError: 'steps'", "OddError: no"))
    _refuse_crashes(scored("KeyError: 'steps'", None))
    _refuse_crashes(scored("the reference is empty", "the reference is empty"))
    _refuse_crashes(scored())


def test_the_report_of_a_rehearsal_says_so_first(tmp_path: Path) -> None:
    from resep.stages.report import write_report
    from tests.fake_run import CONFIG, fake_run

    out = tmp_path / "report"
    out.mkdir()
    notes = [vars(Note("left out", "arm hosted: <b>a server</b> is not asked"))]
    write_report(fake_run(tmp_path / "stages"), {**CONFIG, "rehearsal": notes}, "abc", out)
    markdown = (out / "report.md").read_text(encoding="utf-8")
    assert markdown.startswith("# fake: Rehearsal: the numbers mean nothing\n")
    assert "* left out: arm hosted: &lt;b&gt;a server" in markdown[:400]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Rehearsal: the numbers mean nothing</h1>" in page
    assert "Tuning helped" not in page
    assert json.loads((out / "results.json").read_text(encoding="utf-8"))["rehearsal"] == notes


def test_plan_and_explain_show_what_a_rehearsal_changes(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(number) for number in range(30)])
    written(tmp_path, {"training": TRAININGS["in micro batches"]})
    runner = str(Path(__file__).parent.parent / "runner.py")

    def screen(*arguments: str) -> str:
        command = [sys.executable, runner, *arguments, "recipe.yaml", "--rehearse"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    plan = screen("plan")
    assert "stands in   a tiny random mistral for mistralai/Mistral-7B-Instruct-v0.3\n" in plan
    assert re.search(r"training\.batch_size +4    \(in place of recipe.yaml:1\)", plan)
    assert not (tmp_path / "runs").exists()
    assert "  batch_size: 4" in screen("explain")


def test_a_rehearsal_brings_nothing_heavy_into_the_runners_process() -> None:
    code = "import sys, resep.rehearsal, resep.commands.rehearsing; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"torch", "transformers", "datasets", "axolotl", "sklearn", "pandas"}

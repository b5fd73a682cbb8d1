"""Checks with data and model in view: what `plan` says, and `run` before it trains."""

from __future__ import annotations

import json
import math
import shutil
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from resep import cli, statistics
from resep.errors import Problem
from resep.paths import data_folder
from resep.preflight import after_prepare, before_run, foresee
from resep.preflight.power import visible
from resep.problems import format_problems
from resep.recipe import Recipe, load
from resep.records import Metric
from tests.conftest import Golden
from tests.recipe_texts import SMALLEST, write_recipe

LLAMA: dict[str, Any] = {"architectures": ["LlamaForCausalLM"], "max_position_embeddings": 2048}


def recipe(folder: Path, rows: Sequence[object], *overrides: str, text: str = SMALLEST) -> Recipe:
    """A recipe whose one source holds these rows."""
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load(write_recipe(folder, text), overrides)


def model(folder: Path, config: dict[str, Any], tokenizer: dict[str, Any] | None = None) -> str:
    """A folder with a model's small files, as --set names it."""
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "config.json").write_text(json.dumps(config))
    (folder / "model" / "tokenizer_config.json").write_text(json.dumps(tokenizer or {"chat_template": "{{ 1 }}"}))
    return f"model.base={folder / 'model'}"


def weights(folder: Path, *names: str) -> None:
    header = json.dumps({name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for name in names}).encode()
    (folder / "model" / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 4)


def said(problems: Sequence[Problem]) -> list[tuple[str, str]]:
    return [(problem.where, problem.severity) for problem in problems]


TOOL_USE = [
    {"from": "human", "value": "Find tea."},
    {"from": "function_call", "value": '{"name": "find", "arguments": {}}'},
    {"from": "observation", "value": "3"},
    {"from": "gpt", "value": "Three."},
]
ROWS = [{"prompt": f"how {n}", "response": "first\nthen"} for n in range(30)]


# --- data


def test_rows_as_the_recipe_describes_them_are_fine(tmp_path: Path) -> None:
    assert before_run(recipe(tmp_path, ROWS)) == []


@pytest.mark.parametrize(
    ("row", "overrides", "words"),
    [
        ({"question": "a", "answer": "b"}, [], "write fields: {prompt: question, response: answer}"),
        ({"instruction": "a", "input": "", "output": "b"}, [], "write format: alpaca"),
        ({"messages": []}, [], "write format: messages"),
        ({"conversations": []}, ["data.sources[0].format=messages"], "write format: sharegpt"),
        ({"prompt": "a", "completion": "b"}, ["data.sources[0].format=messages"],
         "write format: prompt_response, fields: {prompt: prompt, response: completion}"),
        ({"promt": "a", "response": "b"}, [], "did you mean 'promt'?"),
        ({"prompt": "a", "response": "b", "kind": 1}, ["data.sources[0].fields={category: kin}"],
         "did you mean 'kind'?"),
    ],
)  # fmt: skip
def test_a_field_that_the_data_lacks_is_named_with_what_may_have_been_meant(
    row: dict[str, Any], overrides: list[str], words: str, tmp_path: Path
) -> None:
    problems = before_run(recipe(tmp_path, [row] * 3, *overrides))
    assert any(words in problem.message for problem in problems)
    assert {(problem.severity, bool(problem.line)) for problem in problems} == {("error", True)}


@pytest.mark.parametrize(
    ("row", "overrides", "where", "words"),
    [
        ({"prompt": "a", "response": "b", "lang": 1}, ["data.sources[0].where=langs == 1"],
         "data.sources[0].where", "did you mean 'lang'?"),
        ({"text": "a", "label": "b"}, ["data.sources[0].format=auto"], "data.sources[0].format", "fit no format"),
        ({"conversations": TOOL_USE}, ["data.sources[0].format=auto", "prompt.chat_template=chatml"],
         "prompt.chat_template", "chat template 'chatml' has no place for that; take mistral"),
    ],
)  # fmt: skip
def test_what_the_rows_say_against_a_format_is_told_at_its_key(
    row: dict[str, Any], overrides: list[str], where: str, words: str, tmp_path: Path
) -> None:
    (problem,) = before_run(recipe(tmp_path, [row] * 3, *overrides))
    assert problem.where == where
    assert words in problem.message


def test_conversations_that_are_recognised_and_have_a_place_are_fine(tmp_path: Path) -> None:
    rows = [{"conversations": TOOL_USE}] * 3
    assert before_run(recipe(tmp_path, rows, "data.sources[0].format=auto", "prompt.chat_template=mistral")) == []


def test_a_missing_field_is_told_at_its_line(tmp_path: Path) -> None:
    text = SMALLEST.replace("rows.jsonl", "rows.jsonl\n      fields: {prompt: question}")
    (problem,) = before_run(recipe(tmp_path, ROWS, text=text))
    assert (problem.line, problem.where) == (8, "data.sources[0].fields.prompt")
    assert problem.source.strip() == "fields: {prompt: question}"


def test_a_field_that_only_some_rows_lack_is_left_to_preparation(tmp_path: Path) -> None:
    assert before_run(recipe(tmp_path, [*ROWS, {"prompt": "x"}])) == []


def test_a_source_that_is_not_there_is_told_at_its_line(tmp_path: Path) -> None:
    wanted = recipe(tmp_path, ROWS)
    (tmp_path / "rows.jsonl").rename(tmp_path / "row.jsonl")
    (problem,) = before_run(wanted)
    assert (problem.where, problem.line) == ("data.sources[0].path", 7)
    assert "did you mean 'row.jsonl'?" in problem.message


def test_a_field_that_never_repeats_sorts_nothing(tmp_path: Path) -> None:
    rows = [{**row, "ticket": n, "team": n % 2} for n, row in enumerate(ROWS)]
    mapped = "data.sources[0].fields={ticket: ticket, team: team}"
    assert said(before_run(recipe(tmp_path, rows, mapped, "split.stratify_by=ticket"))) == [
        ("split.stratify_by", "warning")
    ]
    assert before_run(recipe(tmp_path, rows, mapped, "split.stratify_by=team", "evaluation.slices=[team]")) == []


def test_single_steps_have_no_order(tmp_path: Path) -> None:
    order = "evaluation.evaluators.order_accuracy={encoder: lexical}"
    short = [{"prompt": f"how {n}", "response": "yes"} for n in range(5)]
    assert said(before_run(recipe(tmp_path, short, order))) == [("evaluation.evaluators.order_accuracy", "warning")]
    assert before_run(recipe(tmp_path, ROWS, order)) == []
    assert before_run(recipe(tmp_path, [*short, {"prompt": "x", "response": ["open", "close"]}], order)) == []


def test_the_last_answer_of_a_conversation_is_looked_at(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "how"}, {"role": "assistant", "content": "yes"}]
    order = ["evaluation.evaluators.order_accuracy={encoder: lexical}", "data.sources[0].format=messages"]
    found = before_run(recipe(tmp_path, [{"messages": turns}, {"messages": []}, {"messages": 3}], *order))
    assert said(found) == [("evaluation.evaluators.order_accuracy", "warning")]


def test_json_answers_lose_their_form_to_strip_punctuation(tmp_path: Path) -> None:
    rows = [{"prompt": f"how {n}", "response": '{"a": 1}'} for n in range(5)]
    stripped = before_run(recipe(tmp_path, rows, "preprocessing=[lowercase, strip_punctuation]"))
    assert said(stripped) == [("preprocessing[1]", "warning")]
    assert before_run(recipe(tmp_path, rows, "preprocessing=[strip_punctuation: {fields: [prompt]}]")) == []


@pytest.mark.parametrize(
    "content", ["", "not json\n", '["a"]\n', "{}\n", "\ufeff{}\n", '{"prompt": 1, "response": null}\n']
)
def test_rows_that_cannot_be_read_are_no_crash(content: str, tmp_path: Path) -> None:
    wanted = recipe(tmp_path, ROWS)
    (tmp_path / "rows.jsonl").write_text(content)
    assert all(problem.message for problem in before_run(wanted))


# --- model


def test_a_plain_causal_model_is_fine(tmp_path: Path) -> None:
    assert before_run(recipe(tmp_path, ROWS, model(tmp_path, LLAMA))) == []


@pytest.mark.parametrize("method", ["qlora", "lora", "full"])
def test_a_model_that_is_quantised_already_cannot_be_tuned(method: str, tmp_path: Path) -> None:
    config = {**LLAMA, "quantization_config": {"quant_method": "gptq", "bits": 4}}
    (problem,) = before_run(recipe(tmp_path, ROWS, model(tmp_path, config), f"training.method={method}"))
    assert (problem.where, problem.severity) == ("model.base", "error")
    assert "quantised already (gptq)" in problem.message


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"architectures": ["T5ForConditionalGeneration"], "is_encoder_decoder": True}, "encoder-decoder"),
        ({"architectures": ["BertForMaskedLM"]}, "does not write text"),
        ({"architectures": ["LlamaForSequenceClassification"]}, "does not write text"),
    ],
)
def test_a_model_that_does_not_continue_a_text_is_refused(config: dict[str, Any], words: str, tmp_path: Path) -> None:
    (problem,) = before_run(recipe(tmp_path, ROWS, model(tmp_path, config)))
    assert words in problem.message


@pytest.mark.parametrize("config", [{}, {"architectures": []}, {"architectures": None, "max_position_embeddings": None},
                                    {"architectures": ["Mistral3ForConditionalGeneration"]}])  # fmt: skip
def test_what_a_config_does_not_say_is_not_held_against_it(config: dict[str, Any], tmp_path: Path) -> None:
    assert before_run(recipe(tmp_path, ROWS, model(tmp_path, config))) == []


@pytest.mark.parametrize(
    "config",
    [
        {"max_position_embeddings": 512},
        {"n_positions": 512},
        {"text_config": {"max_position_embeddings": 512}},
    ],
)
def test_a_sequence_is_no_longer_than_the_model_reads(config: dict[str, Any], tmp_path: Path) -> None:
    base = model(tmp_path, config)
    assert before_run(recipe(tmp_path, ROWS, base, "training.sequence_len=512")) == []
    found = before_run(recipe(tmp_path, ROWS, base, "training.sequence_len=513", "generation.max_new_tokens=512"))
    assert said(found) == [("training.sequence_len", "error"), ("generation.max_new_tokens", "error")]


def test_a_model_without_a_template_is_not_asked_in_its_own_format(tmp_path: Path) -> None:
    base = model(tmp_path, LLAMA, {"model_max_length": 1})
    (problem,) = before_run(recipe(tmp_path, ROWS, base))
    assert problem.where == "generation.arms[2]"
    assert "write arms: [base, tuned]" in problem.message
    (problem,) = before_run(
        recipe(tmp_path, ROWS, base, "prompt.chat_template=native", "generation.arms=[base, tuned]")
    )
    assert problem.where == "prompt.chat_template"
    (tmp_path / "model" / "chat_template.jinja").write_text("{{ messages }}")
    assert before_run(recipe(tmp_path, ROWS, base)) == []


def test_target_modules_are_looked_up_in_the_weights(tmp_path: Path) -> None:
    base = model(tmp_path, LLAMA)
    targets = "training.lora.target_modules=[q_proj, query, lm_head]"
    assert before_run(recipe(tmp_path, ROWS, base, targets)) == []  # no weights: not known
    weights(tmp_path, "model.layers.0.attn.q_proj.weight", "model.layers.0.attn.k_proj.weight", "model.norm.weight")
    (problem,) = before_run(recipe(tmp_path, ROWS, base, targets))
    assert (problem.where, problem.severity) == ("training.lora.target_modules[1]", "warning")
    assert "k_proj and q_proj" in problem.message


def test_a_hub_model_is_judged_where_its_files_are_here_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    wanted = recipe(tmp_path, ROWS, "model.base=own/er", "model.revision=v1.0")
    assert before_run(wanted) == []
    snapshot = tmp_path / "hub" / "models--own--er" / "snapshots" / "abc"
    model(snapshot.parent, {"is_encoder_decoder": True})
    (snapshot.parent / "model").rename(snapshot)
    (tmp_path / "hub" / "models--own--er" / "refs").mkdir()
    (tmp_path / "hub" / "models--own--er" / "refs" / "v1.0").write_text("abc")
    assert said(before_run(wanted)) == [("model.base", "error")]


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b"\xff\xfe", struct.pack("<Q", 2**60) + b"{}"])
def test_model_files_that_cannot_be_read_are_no_crash(raw: bytes, tmp_path: Path) -> None:
    base = model(tmp_path, LLAMA)
    for name in ("tokenizer_config.json", "model.safetensors", "model.safetensors.index.json"):
        (tmp_path / "model" / name).write_bytes(raw)
    targets = ["training.lora.target_modules=[q_proj]", "generation.arms=[base, tuned]"]
    assert before_run(recipe(tmp_path, ROWS, base, *targets)) == []
    (tmp_path / "model" / "config.json").write_bytes(raw)
    assert before_run(recipe(tmp_path, ROWS, base, *targets)) == []


# --- power


def prepared(folder: Path, rows: int) -> Path:
    (folder / "prepared").mkdir(exist_ok=True)
    (folder / "prepared" / "statistics.json").write_text(json.dumps({"splits": {"train": 100, "test": rows}}))
    return folder / "prepared"


def last_run(folder: Path, smallest: float | None, rows: int, metric: str = "exact_match") -> Path:
    latest = folder / "runs" / "smallest" / "latest"
    latest.mkdir(parents=True, exist_ok=True)
    arms = {"baseline": "base", "candidate": "tuned"}
    comparisons = [{"baseline": "x", "candidate": "tuned", "mde": 9, "n": 9}, {**arms, "mde": smallest, "n": rows}]
    results = {"verdict": arms, "metrics": {metric: {"comparisons": comparisons}}}
    (latest / "results.json").write_text(json.dumps(results))
    return folder / "runs"


@pytest.mark.parametrize("rows", [5, 6, 9, 49, 50, 400])
def test_what_a_plan_calls_visible_is_what_the_report_does(rows: int) -> None:
    after = {str(i): math.sin(i) for i in range(rows)}
    pair = statistics.pair(Metric("m", "higher"), dict.fromkeys(after, 0.0), after)
    seen = statistics.compare([pair], "base", "tuned", resamples=100)["m"].mde
    assert seen == pytest.approx(visible(rows, float(pair.differences.std(ddof=1))))


def test_too_few_test_rows_are_told_with_what_they_show(tmp_path: Path) -> None:
    (problem,) = after_prepare(recipe(tmp_path, ROWS), prepared(tmp_path, 9), tmp_path)
    assert (problem.where, problem.severity) == ("split.fractions.test", "warning")
    assert problem.message == (
        "9 test rows show only differences above 1.1 standard deviations; 50 show 0.40: "
        "raise split.fractions.test, or add rows"
    )
    assert after_prepare(recipe(tmp_path, ROWS), prepared(tmp_path, 50), tmp_path) == []


def test_an_earlier_run_tells_in_the_metric_itself(tmp_path: Path) -> None:
    wanted, runs = recipe(tmp_path, ROWS), last_run(tmp_path, smallest=0.1, rows=100)
    (problem,) = after_prepare(wanted, prepared(tmp_path, 25), runs)
    assert "25 test rows show only differences above 0.21 in exact_match" in problem.message
    assert "as in the last run, over 100 rows" in problem.message


def test_an_expectation_beyond_what_the_rows_show_is_doubted(tmp_path: Path) -> None:
    runs, folder = last_run(tmp_path, smallest=0.1, rows=100), prepared(tmp_path, 100)
    (problem,) = after_prepare(recipe(tmp_path, ROWS, "expect={exact_match.delta: '> 0.05'}"), folder, runs)
    assert problem.where == "expect.exact_match.delta"
    assert "only by a true 0.15" in problem.message
    assert after_prepare(recipe(tmp_path, ROWS, "expect={exact_match.delta: '> 0.2'}"), folder, runs) == []
    assert after_prepare(recipe(tmp_path, ROWS, "expect={exact_match.delta: '> 0'}"), folder, runs) == []


@pytest.mark.parametrize("results", ["", "{", "[]", '{"verdict": {}, "metrics": {}}'])
def test_an_earlier_run_that_says_nothing_is_no_obstacle(results: str, tmp_path: Path) -> None:
    runs = last_run(tmp_path, None, 5)
    assert len(after_prepare(recipe(tmp_path, ROWS), prepared(tmp_path, 9), runs)) == 1
    (runs / "smallest" / "latest" / "results.json").write_text(results)
    assert "standard deviations" in after_prepare(recipe(tmp_path, ROWS), prepared(tmp_path, 9), runs)[0].message


def test_more_rows_show_smaller_differences() -> None:
    assert visible(400) == pytest.approx((visible(100) or 0) / 2)


def test_before_preparation_the_rows_are_estimated(tmp_path: Path) -> None:
    shown, (problem,) = foresee(recipe(tmp_path, ROWS), None, tmp_path)
    assert shown == "about 3 test rows, which show no difference: 6 are the fewest that can"
    assert problem.message.startswith("about 3 test rows show no difference, however large; 50 show 0.40 standard dev")
    shown, problems = foresee(recipe(tmp_path, ROWS * 30, "split.max_rows.test=70"), None, tmp_path)
    assert shown.startswith("about 70 test rows")
    assert problems == []


@pytest.mark.parametrize(("kept", "rows"), [("rows: 500", 50), ("share: 0.5", 45), ("rows: 5000", 90)])
def test_the_estimate_knows_how_many_rows_are_sampled(tmp_path: Path, kept: str, rows: int) -> None:
    shown, _ = foresee(recipe(tmp_path, ROWS * 30, f"preprocessing=[{{sample: {{{kept}}}}}]"), None, tmp_path)
    assert shown.startswith(f"about {rows} test rows")


def test_a_source_that_is_too_large_to_count_is_not_guessed_at(tmp_path: Path) -> None:
    rows = [{"prompt": "x" * 1000, "response": "y" * 1000}] * 2500
    assert foresee(recipe(tmp_path, rows), None, tmp_path) == ("not known before the data is prepared", [])


# --- the commands


@pytest.fixture
def quickstart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "data").mkdir()
    shutil.copy(data_folder("recipes") / "data" / "quickstart.jsonl", tmp_path / "data")
    shutil.copy(data_folder("recipes") / "quickstart.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return "quickstart.yaml"


def test_a_plan_and_a_run_refuse_what_the_data_contradicts(quickstart: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["plan", quickstart], [quickstart]):
        assert cli.main([*command, "--set", "data.sources[0].fields.prompt=question"]) == 2
        assert "has a field 'question'" in capsys.readouterr().err
    assert not Path("runs").exists()


def test_a_plan_and_a_run_say_what_few_rows_cannot_show(quickstart: str, capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--set", "split.max_rows.test=9"]
    assert cli.main(["plan", quickstart, *few]) == 0
    out, err = capsys.readouterr()
    assert "tests      about 9 test rows" in out
    assert "9 test rows show only differences above 1.1 standard deviations" in err
    assert cli.main([quickstart, *few, "--until", "prepare"]) == 0
    assert "9 test rows show only differences above 1.1" in " ".join(capsys.readouterr().err.split())
    assert cli.main(["plan", quickstart, *few]) == 0
    assert "tests      9 test rows" in capsys.readouterr().out


def test_looking_ahead_imports_nothing_heavy(quickstart: str) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from resep.cli import main; code = main(['plan', sys.argv[1]]);"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, quickstart], capture_output=True, text=True, check=False,
                          env={"PYTHONPATH": str(data_folder("recipes").parent), "PATH": ""})  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not {"torch", "transformers", "datasets", "axolotl", "pandas", "sklearn"} & {*done.stderr.split()}


def test_the_screens_of_what_data_and_model_say(tmp_path: Path, golden: Golden) -> None:
    text = SMALLEST.replace("smollm2-135m-instruct", "./model") + "training:\n  sequence_len: 4096\n"
    config = {**LLAMA, "quantization_config": {"quant_method": "awq"}}
    model(tmp_path, config, {"model_max_length": 1})
    asked = recipe(tmp_path, [{"question": "how", "answer": "so"}] * 9, text=text)
    found = [*before_run(asked), *after_prepare(asked, prepared(tmp_path, 9), last_run(tmp_path, 0.11, 51))]
    screen = format_problems(found).replace(str(tmp_path / "recipe.yaml"), "recipe.yaml")
    golden("preflight/everything_at_once.txt", screen + "\n")


def test_a_package_that_is_missing_is_said_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = recipe(tmp_path, ROWS, "evaluation.evaluators.lm_eval={tasks: [arc_easy]}")
    monkeypatch.setattr("resep.preflight.packages.find_spec", lambda name: None)  # noqa: ARG005
    (problem,) = before_run(asked)
    assert "pip install 'resep[lm_eval]'" in problem.message
    assert problem.where == "evaluation.evaluators.lm_eval"

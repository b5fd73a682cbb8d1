"""The evaluate stage: what evaluators owe, normalised beside raw scores, one child for all, and resuming."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep import plugins
from resep.context import Context
from resep.errors import ResepError
from resep.hardware import Profile
from resep.models import Model
from resep.records import Metric, Sample, Score, read_jsonl, write_jsonl
from resep.stages.evaluate import stages
from resep.stages.evaluate.contract import Evaluator, score, told
from resep.stages.evaluate.names import split_revision
from resep.stages.evaluate.normalise import clean_steps, normalise
from resep.steps import parse_steps, render_steps
from resep.store import Task

ROWS = [Sample(str(number), "base", "t", "x" * number) for number in range(5)]


def nothing(name: str) -> Any:
    raise AssertionError(name)


CPU, MODEL = Profile("cpu", 0, 8.0, "a processor", 2), Model("model#1", Path)
CONTEXT = Context(encoder=nothing, model_folder=nothing)


def evaluator(evaluate: Callable[[Iterable[Sample], Context], Iterator[Any]]) -> Evaluator:
    module = ModuleType("made_up")
    module.METRICS = (Metric("points", direction="higher"),)  # type: ignore[attr-defined]
    module.evaluate = evaluate  # type: ignore[attr-defined]
    return Evaluator("made_up", module, {})


def points(sample: Sample, value: float | None) -> Score:
    return Score(sample.id, sample.arm, {"points": value})


def test_a_crash_behind_a_batch_stays_in_its_row() -> None:
    def evaluate(samples: Iterable[Sample], context: Context) -> Iterator[Score]:  # noqa: ARG001
        batch = [(sample, 6 / (len(sample.output) - 2)) for sample in samples]
        yield from (points(sample, value) for sample, value in batch)

    found = list(score(evaluator(evaluate), ROWS, CONTEXT))
    assert [given.values["points"] for given in found] == [-3, -6, None, 6, 3]
    assert [given.error for given in found] == [None, None, "ZeroDivisionError: division by zero", None, None]


def test_scores_before_a_crash_are_kept_and_not_asked_for_again() -> None:
    asked: list[str] = []

    def evaluate(samples: Iterable[Sample], context: Context) -> Iterator[Score]:  # noqa: ARG001
        for sample in samples:
            asked.append(sample.id)
            yield points(sample, 1 / (3 - len(sample.output)))

    found = list(score(evaluator(evaluate), ROWS, CONTEXT))
    assert [given.id for given in found if given.error] == ["3"]
    assert asked == ["0", "1", "2", "3", "3", "4"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda rows: [points(row, 1.0) for row in rows[:3]], "gave 3 scores for 5 samples.*'3' of arm 'base'"),
        (lambda rows: [points(row, 1.0) for row in [*rows, rows[0]]], "more than one score per sample"),
        (lambda rows: [points(row, 1.0) for row in reversed(rows)], "'4' of arm 'base' where '0'"),
        (lambda rows: [Score(row.id, row.arm, {"other": 1.0}) for row in rows], r"\['other'\], but METRICS .*'points'"),
        (lambda rows: [1.0 for _ in rows], "gave float instead of a Score"),
    ],
)
def test_a_broken_contract_is_explained(given: Callable[[list[Sample]], list[Any]], message: str) -> None:
    broken = evaluator(lambda samples, context: iter(given(list(samples))))  # noqa: ARG005
    with pytest.raises(ResepError, match=message):
        list(score(broken, ROWS, CONTEXT))


def test_a_value_that_is_not_a_number_is_no_value() -> None:
    odd = evaluator(lambda samples, context: (points(row, float("nan")) for row in samples))  # noqa: ARG005
    (given,) = score(odd, ROWS[:1], CONTEXT)
    assert given.values == {"points": None}
    assert given.error == "not a number: points is nan"


def test_a_missing_package_ends_the_run_and_is_not_stored_as_the_rows_fault() -> None:
    def evaluate(samples: Iterable[Sample], context: Context) -> Iterator[Score]:  # noqa: ARG001
        raise ModuleNotFoundError("No module named 'bert_score'")

    with pytest.raises(ModuleNotFoundError):
        list(score(evaluator(evaluate), ROWS, CONTEXT))


def around(summarise: Any = None, signature: Any = None) -> Evaluator:
    module = evaluator(lambda samples, context: (points(sample, 1.0) for sample in samples)).module  # noqa: ARG005
    for name, function in (("summarise", summarise), ("signature", signature)):
        if function:
            setattr(module, name, function)
    return Evaluator("mine", module, {})


def broken(*given: Any) -> Any:
    raise ZeroDivisionError(f"{len(given)} things, none of them right")


def test_a_summary_that_crashes_is_a_warning_and_costs_no_score() -> None:
    said = told(around(summarise=broken), [], [], CONTEXT)
    assert said.extra == {}
    assert said.warnings == (
        "evaluator mine: its summary could not be made: ZeroDivisionError: 3 things, none of them right",
    )
    assert said.signature == "mine"


def test_a_signature_that_crashes_is_a_warning_and_the_summary_stays() -> None:
    said = told(around(summarise=lambda *_: {"warnings": ["w"], "n": 1}, signature=broken), [], [], CONTEXT)
    assert (dict(said.extra), said.warnings[-1]) == ({"n": 1}, "w")
    assert said.warnings[0].startswith("evaluator mine: its signature could not be made: ZeroDivisionError")
    assert said.signature.startswith("mine|not known")


@pytest.mark.parametrize("summary", [None, {"n": object()}, 3])
def test_a_summary_that_no_file_can_hold_is_a_warning(summary: Any) -> None:
    said = told(around(summarise=lambda *_: summary), [], [], CONTEXT)
    assert "its summary could not be made: TypeError" in said.warnings[0]


def test_a_summary_that_lacks_a_package_ends_the_run() -> None:
    def missing(*_: Any) -> Any:
        raise ImportError("no module")

    with pytest.raises(ImportError):
        told(around(summarise=missing), [], [], CONTEXT)


def bare(text: str) -> str:
    """Lowercase without punctuation, as a recipe's text steps."""
    return " ".join("".join(c for c in text.lower() if c.isalnum() or c == " ").split())


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Sure!\n\n1. Open it.\n2) Close, it!", "sure\n\n1. open it\n2) close it"),
        ("- Open it.\n  - !!!\n- Close it.", "- open it\n- close it"),
        ("1. Open it. 2. Close it.", "1. open it\n2. close it"),
        ('```json\n["Open it.", "Close it."]\n```', '["open it", "close it"]'),
        ("**Step 1:** Open it.", "**Step 1:** open it"),
        ("Open it.\nClose it.", "open it\nclose it"),
    ],
)
def test_numbering_survives_normalisation(text: str, cleaned: str) -> None:
    assert clean_steps(text, bare) == cleaned


def test_a_text_is_cleaned_as_a_whole_and_a_list_step_by_step() -> None:
    text = normalise(Sample("1", "base", "1. Yes.", "1. Yes!"), bare)
    steps = normalise(Sample("1", "base", ("Yes.", "..."), "1. Yes!"), bare)
    assert (text.output, text.target) == ("1 yes", "1 yes")
    assert (steps.output, steps.target) == ("1. yes", ("yes",))


words = st.lists(st.text("abc DEF.,!", min_size=1, max_size=12).filter(bare), min_size=1, max_size=5)


@given(words, st.sampled_from(["numbered_steps", "bulleted_steps", "json", "text"]))
def test_the_steps_of_a_cleaned_text_are_the_cleaned_steps(steps: list[str], response_format: str) -> None:
    cleaned = clean_steps(render_steps(steps, response_format), bare)
    assert parse_steps(cleaned).steps == tuple(bare(step) for step in steps)


def test_an_encoders_revision_stands_behind_an_at() -> None:
    assert split_revision("owner/name@abc") == ("owner/name", "abc")
    assert split_revision("all-minilm-l6-v2") == ("all-minilm-l6-v2", None)
    assert split_revision("./odd@name") == ("./odd@name", None)


class Settings(dict[str, Any]):
    """As much of a Recipe as the stage reads."""

    def __init__(self, folder: Path, normalise: str) -> None:
        super().__init__(
            {
                "generation.arms": ["base", "tuned"],
                "evaluation.normalise": normalise,
                "seed": 42,
                "prompt.response_format": "numbered_steps",
            }
        )
        self.folder = folder
        self.evaluators = {"exact_match": {"ignore_case": False}, "length": {}, "order_accuracy": lexical()}
        self.steps = ()
        self.arms = {"base": {"weights": "base"}, "tuned": {"weights": "tuned"}}

    def plugin(self, kind: str, name: str) -> Path:
        return plugins.find(kind, name)


def lexical() -> dict[str, Any]:
    return {"threshold": 0.3, "encoder": "lexical"}


def run(folder: Path, recipe: Any) -> dict[str, Path]:
    inputs = {"prepare": folder / "prepare"}
    inputs["prepare"].mkdir(exist_ok=True)
    for arm, said in (("base", "1. Open!\n2. Shut."), ("tuned", "1. open\n2. close")):
        inputs[f"generate:{arm}"] = folder / arm
        (folder / arm).mkdir(exist_ok=True)
        write_jsonl(folder / arm / "samples.jsonl", [Sample(str(i), arm, ("open", "close"), said) for i in range(3)])
        (folder / arm / "arm.json").write_text(json.dumps({"arm": arm}))
    planned = stages(recipe, CPU, MODEL, dict)
    tasks = [
        Task(s.name, s.config, {n: inputs[n] for n in s.needs}, folder / s.name.replace(":", "-")) for s in planned
    ]
    for task in tasks:
        task.out.mkdir(exist_ok=True)
    return {task.name.partition(":")[2]: task.out for task in planned[0].run(tasks, print)}


def test_all_evaluators_score_all_arms_in_one_child(tmp_path: Path) -> None:
    done = run(tmp_path, Settings(tmp_path, "recipe"))
    assert list(done) == ["exact_match", "length", "order_accuracy"]
    scores = list(read_jsonl(done["exact_match"] / "scores.jsonl", Score))
    assert [(given.arm, given.values["exact_match"]) for given in scores] == [("base", 0.0)] * 3 + [("tuned", 1.0)] * 3
    summary = json.loads((done["order_accuracy"] / "metrics.json").read_text())
    assert summary["metrics"][0]["name"] == "order_accuracy"
    assert summary["extra"]["forms"] == {"base": {"numbered": 3}, "tuned": {"numbered": 3}}
    assert "lexical" in summary["signature"]
    logs = [name for name in done if (done[name] / "log.txt").exists()]
    assert logs == ["order_accuracy"]


def test_scores_on_disk_are_kept_after_an_interruption(tmp_path: Path) -> None:
    out = tmp_path / "evaluate-length"
    out.mkdir()
    kept = Score("0", "base", dict.fromkeys(["output_words", "output_tokens", "truncated", "empty"], 7.0))
    write_jsonl(out / "scores.jsonl", [kept])
    done = run(tmp_path, Settings(tmp_path, "none"))
    scores = list(read_jsonl(done["length"] / "scores.jsonl", Score))
    assert scores[0] == kept
    assert len(scores) == 6


def test_an_evaluator_sees_all_samples_also_when_it_is_asked_for_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from resep.stages.evaluate import worker

    monkeypatch.setattr(worker, "emit", lambda event, **told: None)  # noqa: ARG005

    def evaluate(samples: Iterable[Sample], context: Context) -> Iterator[Score]:
        return (points(sample, len(context.samples)) for sample in samples)

    path = tmp_path / "scores.jsonl"
    write_jsonl(path, [points(ROWS[0], 7)])
    found = worker._scored(evaluator(evaluate), ROWS, CONTEXT, path)
    assert [given.values["points"] for given in found] == [7, 5, 5, 5, 5]


def test_capitals_and_dots_do_not_decide_after_normalisation(tmp_path: Path) -> None:
    from resep.recipe import StepSpec

    recipe: Any = Settings(tmp_path, "recipe")
    recipe.steps = (StepSpec("lowercase", {}, ("prompt", "response")), StepSpec("strip_punctuation", {}, ("response",)))
    recipe.evaluators = {"order_accuracy": lexical()}
    done = run(tmp_path, recipe)["order_accuracy"]
    cleaned = next(iter(read_jsonl(done / "scores.jsonl", Score)))
    raw = next(iter(read_jsonl(done / "raw_scores.jsonl", Score)))
    assert cleaned.detail["output_steps"] == ["open", "shut"]
    assert raw.detail["output_steps"] == ["Open!", "Shut."]
    assert set(stages(recipe, CPU, MODEL, dict)[0].reads) == {
        "evaluators/order_accuracy.py",
        "preprocessing/lowercase.py",
        "preprocessing/strip_punctuation.py",
    }


def test_an_evaluator_may_ask_the_arms_rows_of_its_own_and_leave_out_what_does_not_apply() -> None:
    module = ModuleType("own")
    module.METRICS = (Metric("points", direction="higher"), Metric("other", direction="higher"))  # type: ignore[attr-defined]
    module.make_samples = lambda context: (Sample(str(n), "base", "", "") for n in range(3))  # type: ignore[attr-defined] # noqa: ARG005
    module.evaluate = lambda samples, context: (points(sample, 1.0) for sample in samples)  # type: ignore[attr-defined] # noqa: ARG005
    own = Evaluator("own", module, {})
    samples = own.own_samples(CONTEXT)
    assert samples is not None
    assert [dict(given.values) for given in score(own, samples, CONTEXT)] == [{"points": 1.0}] * 3
    module.evaluate = lambda samples, context: (Score(s.id, s.arm, {"ponts": 1.0}) for s in samples)  # type: ignore[attr-defined] # noqa: ARG005
    with pytest.raises(ResepError, match="'ponts'"):
        list(score(own, samples, CONTEXT))


def test_what_an_evaluator_needs_is_part_of_its_stage_and_of_no_other(tmp_path: Path) -> None:
    from resep.stages.generate.arms import Arm

    recipe: Any = Settings(tmp_path, "none")
    recipe.evaluators = {"length": {}, "perplexity": {}, "forgetting": {"max_new_tokens": 32}, "pii_leak": {}}
    recipe["training.trainer"], recipe["training.method"] = "axolotl", "lora"
    recipe["training.precision"] = "auto"
    arms = {"base": Arm("base", "base", "mistral"), "tuned": Arm("tuned", "tuned", "mistral")}
    length, perplexity, forgetting, leak = stages(recipe, CPU, MODEL, lambda: arms)
    assert "train" not in length.needs
    assert "model" not in length.config
    assert perplexity.needs["train"] == ("adapter",)
    assert perplexity.config["model"] == MODEL.identity
    assert "template of base" in perplexity.reads
    assert "evaluation/general_text.jsonl" in forgetting.reads
    assert leak.config["private"] == []


def test_no_model_is_looked_for_where_no_evaluator_needs_one(tmp_path: Path) -> None:
    def arms() -> Any:
        raise AssertionError("read")

    assert stages(Settings(tmp_path, "none"), CPU, MODEL, arms)  # type: ignore[arg-type]


@pytest.mark.slow
def test_models_training_rows_and_general_texts_reach_their_evaluators(tmp_path: Path) -> None:
    from resep.records import Example, Message
    from resep.stages.generate.arms import Arm
    from tests.test_language_models import adapter_of
    from tests.tiny_model import model_folder

    recipe: Any = Settings(tmp_path, "none")
    recipe.evaluators = {
        "length": {},
        "perplexity": {},
        "forgetting": {"max_new_tokens": 4},
        "memorisation": {"length": 50},
    }
    recipe |= {"training.trainer": "axolotl", "training.method": "lora", "training.precision": "auto"}
    arms = {"base": Arm("base", "base", "mistral"), "tuned": Arm("tuned", "tuned", "mistral")}
    planned = stages(recipe, CPU, Model("tiny#1", model_folder), lambda: arms)
    answer = "1. open the app\n2. tap it"
    rows = [Example(str(n), (Message("user", f"how {n}"), Message("assistant", answer)), answer) for n in range(3)]
    inputs = {"prepare": tmp_path / "prepare", "train": adapter_of(model_folder(), tmp_path / "train")}
    inputs["prepare"].mkdir()
    for split in ("train", "test"):
        write_jsonl(inputs["prepare"] / f"{split}.jsonl", rows)
    for arm in arms:
        inputs[f"generate:{arm}"] = tmp_path / arm
        inputs[f"generate:{arm}"].mkdir()
        write_jsonl(
            tmp_path / arm / "samples.jsonl", [Sample(row.id, arm, row.target, answer, row.prompt) for row in rows]
        )
        card = {"arm": arm, "model": "tiny#1", "precision": "float32"}
        (tmp_path / arm / "arm.json").write_text(json.dumps(card))
    tasks = [
        Task(s.name, s.config, {n: inputs[n] for n in s.needs}, tmp_path / s.name.replace(":", "-")) for s in planned
    ]
    for task in tasks:
        task.out.mkdir()
    events: list[Any] = []
    done = {task.name.partition(":")[2]: task.out for task in planned[0].run(tasks, events.append)}
    scores = {name: list(read_jsonl(folder / "scores.jsonl", Score)) for name, folder in done.items()}
    summaries = {name: json.loads((folder / "metrics.json").read_text()) for name, folder in done.items()}
    assert {given.error for found in scores.values() for given in found} == {None}
    bits = {given.arm: given.values["bits_per_byte"] for given in scores["perplexity"]}
    assert bits["base"] != bits["tuned"]
    assert len(scores["forgetting"]) == 2 * 100
    assert summaries["forgetting"]["extra"]["form"] == "numbered"
    assert summaries["perplexity"]["totals"]["bits_per_byte"]["arms"].keys() == bits.keys()
    assert {given.values["copied"] for given in scores["memorisation"]} == {1.0}

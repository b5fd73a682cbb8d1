"""Tasks of the harness: those in files are data, and what it says of each document becomes a row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from resep import plugins
from resep.context import Context, LanguageModel
from resep.errors import RecipeError, ResepError
from resep.harness_tasks import read_tasks
from resep.records import Sample
from resep.stages.evaluate.contract import Evaluator, score

CHOICE = """\
task: capitals
dataset_path: json
dataset_kwargs:
  data_files: {test: capitals.jsonl}
test_split: test
output_type: multiple_choice
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_choice: "{{choices}}"
doc_to_target: answer
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
"""
ROLLING = """\
task: prose
dataset_path: json
dataset_kwargs:
  data_files: {test: prose.jsonl}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list:
  - {metric: bits_per_byte}
"""
CAPITALS = [
    {"question": "What is the capital of France?", "choices": ["Paris", "Rome"], "answer": 0},
    {"question": "What is the capital of Italy?", "choices": ["Paris", "Rome"], "answer": 1},
    {"question": "What is the capital of Spain?", "choices": ["Madrid", "Lisbon"], "answer": 0},
]
PROSE = [{"text": "The tide does not hurry."}, {"text": "Kereta malam berangkat terlambat."}]


def written(folder: Path, choice: str = CHOICE, rolling: str = ROLLING) -> list[Path]:
    files = {
        "capitals.yaml": choice,
        "capitals.jsonl": "".join(json.dumps(row) + "\n" for row in CAPITALS),
        "prose.yml": rolling,
        "prose.jsonl": "".join(json.dumps(row) + "\n" for row in PROSE),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def test_a_tasks_rows_lie_beside_it(tmp_path: Path) -> None:
    capitals, prose = read_tasks(written(tmp_path))
    assert capitals["dataset_kwargs"] == {"data_files": {"test": [str(tmp_path / "capitals.jsonl")]}}
    assert prose["task"] == "prose"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("doc_to_target: answer", "doc_to_target: !function steal.py"), "function"),
        (("test_split: test", "process_docs: steal"), "has no 'process_docs'"),
        (("test_split: test", "include: other.yaml"), "has no 'include'"),
        (("doc_to_text:", "doc_to_tex:"), "did you mean 'doc_to_text'"),
        (("dataset_path: json", "dataset_path: someone/data"), "name a task of the harness in `tasks`"),
        (("{test: capitals.jsonl}", "{test: elsewhere.jsonl}"), "'elsewhere.jsonl' is to stand in `files`"),
        (("{test: capitals.jsonl}", "{test: ../capitals.jsonl}"), "'capitals.jsonl' is to stand in `files`"),
        (("  data_files: {test: capitals.jsonl}", "  trust_remote_code: true"), "data_files alone"),
        (("{metric: acc,", "{metric: acc, hf_evaluate: true,"), "would fetch code"),
        (("task: capitals\n", ""), "'task' is missing"),
        (("task: capitals", "task: [a"), "capitals.yaml:"),
    ],
)
def test_a_task_that_is_more_than_data_is_refused_at_its_line(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        read_tasks(written(tmp_path, CHOICE.replace(*change)))
    assert message in str(caught.value)
    assert str(caught.value).startswith("capitals.yaml:")


def evaluator(**options: Any) -> Evaluator:
    path = plugins.find("evaluators", "lm_eval")
    described = plugins.describe(path)
    return Evaluator("lm_eval", plugins.open_plugin(path), plugins.option_values(described, options))


def nothing(name: str) -> Any:
    raise AssertionError(name)


def around(**arms: LanguageModel) -> Context:
    return Context(nothing, nothing, arms={arm: {} for arm in arms}, language_model=lambda arm: arms[arm])


def test_asking_for_no_task_is_told() -> None:
    with pytest.raises(ResepError, match="name a task of the harness"):
        evaluator().own_samples(around())


def test_a_document_has_the_values_of_its_own_task() -> None:
    rows = [
        Sample("a/0", "base", "", "", metadata={"task": "a", "metrics": {"acc_norm": 0.0, "acc": 1.0}}),
        Sample("b/0", "base", "", "", metadata={"task": "b", "metrics": {}, "bits": [12.0, 4.0]}),
        Sample("c/0", "base", "", "", metadata={"task": "c", "metrics": {"bleu": 31.0}}),
    ]
    found = list(score(evaluator(), rows, around()))
    assert [dict(given.values) for given in found] == [
        {"lm_eval_score": 1.0},
        {"lm_eval_bits_per_byte": 3.0},
        {"lm_eval_score": None},
    ]
    assert "no score per document" in str(found[2].error)


@pytest.fixture(scope="module")
def arms(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, LanguageModel]:
    pytest.importorskip("lm_eval", reason="the harness is not installed: pip install 'resep[lm_eval]'")
    from resep.stages.language_models.arm_model import language_models
    from tests.test_language_models import BASE, TUNED, adapter_of, arm_models
    from tests.tiny_model import model_folder

    trained = adapter_of(model_folder(), tmp_path_factory.mktemp("train"))
    opened = language_models(arm_models(BASE, TUNED, model=model_folder()).request({"train": trained}))
    return {"base": opened("base"), "tuned": opened("tuned")}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_own_tasks_run_on_base_and_tuned_and_agree_with_our_own_likelihoods(
    tmp_path: Path, arms: Mapping[str, LanguageModel]
) -> None:
    asked, context = evaluator(files=[str(file) for file in written(tmp_path)]), around(**arms)
    samples = asked.own_samples(context) or []
    assert [(row.arm, row.id) for row in samples[:5]] == [
        *(("base", f"capitals/{number}") for number in range(3)),
        *(("base", f"prose/{number}") for number in range(2)),
    ]
    scores = list(score(asked, samples, context))
    assert {given.values["lm_eval_score"] for given in scores if "lm_eval_score" in given.values} <= {0.0, 1.0}
    ours = {arm: arms[arm].texts([row["text"] for row in PROSE]) for arm in arms}
    theirs = {arm: [s.stats["lm_eval_bits_per_byte"] for s in scores if s.arm == arm and s.stats] for arm in arms}
    for arm in arms:
        assert [bits for bits, _ in theirs[arm]] == pytest.approx([found.bits for found in ours[arm]], rel=1e-4)
        assert [size for _, size in theirs[arm]] == [found.bytes for found in ours[arm]]
    assert theirs["base"] != theirs["tuned"]
    assert set(asked.summarise(samples, scores, context)["capitals: acc"]) == {"base", "tuned"}
    assert "capitals.yaml" in asked.signature(context)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_template_cannot_reach_the_interpreter(tmp_path: Path, arms: Mapping[str, LanguageModel]) -> None:
    breaking = CHOICE.replace("Question: ", "{{ ''.__class__.__mro__[1].__subclasses__() }} ")
    files = [str(file) for file in written(tmp_path, breaking)]
    with pytest.raises(Exception, match="unsafe"):
        evaluator(files=files).own_samples(around(**arms))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_an_unknown_task_of_the_harness_is_told_with_the_nearest_name(arms: Mapping[str, LanguageModel]) -> None:
    with pytest.raises(ResepError, match="no task 'arc_eazy'; did you mean 'arc_easy'"):
        evaluator(tasks=["arc_eazy"]).own_samples(around(**arms))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_rows_that_are_not_here_are_not_fetched_unasked(arms: Mapping[str, LanguageModel]) -> None:
    with pytest.raises(ResepError, match="offline: false"):
        evaluator(tasks=["arc_easy"], limit=1).own_samples(around(**arms))

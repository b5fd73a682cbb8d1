"""Every evaluator, over texts that no model should write and some do: a score for each, a summary, files of both."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from resep import plugins
from resep.context import Context, Encoder, Likelihood
from resep.digests import write_json
from resep.records import Example, Message, Sample, Score, to_line, write_jsonl
from resep.stages.evaluate.aggregates import totals
from resep.stages.evaluate.contract import Evaluator, score, told
from resep.stages.evaluate.encoders import LexicalEncoder, open_encoder
from tests.scoring import ENORMOUS, HOSTILE
from tests.tiny_encoder import encoder_folder

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "bertscore": {"encoder": "tiny", "layer": 2},
    "contains": {"phrases": ["a"]},
    "order_accuracy": {"encoder": "lexical"},
    "regex": {"pattern": "a+"},
    "semantic_similarity": {"encoder": "lexical"},
}
_OF_A_MODEL = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
NAMES = [pytest.param(name, marks=_OF_A_MODEL if name == "bertscore" else ()) for name in plugins.names("evaluators")]


@dataclass(frozen=True)
class Echo:
    """A model that says of itself what it was asked, so that hostile texts come back from it, too."""

    def answers(self, examples: Sequence[Example]) -> list[Likelihood]:
        return self.texts([example.messages[-1].content for example in examples])

    def texts(self, texts: Sequence[str]) -> list[Likelihood]:
        return [Likelihood(float(len(text)), len(text), len(text)) for text in texts]

    def replies(self, prompts: Sequence[Sequence[Message]], max_new_tokens: int) -> list[str]:  # noqa: ARG002
        return [HOSTILE[number % len(HOSTILE)] for number in range(len(prompts))]

    def opened(self) -> AbstractContextManager[tuple[Any, Any]]:
        raise AssertionError("not asked for")


class Private:
    def leaked(self, text: str) -> Counter[str]:
        return Counter("x" * min(2, len(text)))

    def new(self, text: str) -> Counter[str]:
        return Counter("y" * min(2, len(text)))


def tiny(name: str) -> Path:
    assert name == "tiny"
    return encoder_folder("bert")


def opened(name: str) -> Encoder:
    return LexicalEncoder() if name == "lexical" else open_encoder(name, lambda: tiny(name))


def around(folder: Path, samples: Sequence[Sample]) -> Context:
    rows = [Example(s.id, (*s.prompt, Message("assistant", str(s.target))), s.target, {}) for s in samples]
    prepared = {split: folder / f"{split}.jsonl" for split in ("train", "test")}
    for file in prepared.values():
        write_jsonl(file, rows)
    arms = {weights: {"weights": weights, "model": "m", "precision": "float32"} for weights in ("base", "tuned")}
    return Context(
        encoder=opened,
        model_folder=tiny,
        prepared=prepared,
        arms=arms,
        answer_files=dict.fromkeys(arms, folder),
        language_model=lambda arm: Echo(),  # noqa: ARG005
        private_data=Private,
        samples=samples,
    )


def rows_of(texts: Sequence[str]) -> Iterator[Sample]:
    """Each text as an answer, by two arms; a hostile one also as a reference, and as a step of one."""
    for arm in ("base", "tuned"):
        for number, text in enumerate(texts):
            hostile: list[str | tuple[str, ...]] = [text, (text, "open it")] if text in HOSTILE else []
            for form, target in enumerate([*hostile, ("open it", "tap it")]):
                told = {"task": "t", "metrics": {"acc": 1.0}}
                yield Sample(f"{number}-{form}", arm, target, text, (Message("user", text),), "stop", 1, 2, told)


def scored(name: str, texts: Sequence[str], folder: Path, **more: Any) -> tuple[list[Sample], list[Score]]:
    """All that the worker does with an evaluator, files included."""
    path = plugins.find("evaluators", name)
    options = plugins.option_values(plugins.describe(path), {**OPTIONS.get(name, {}), **more})
    evaluator = Evaluator(name, plugins.open_plugin(path), options)
    samples = list(rows_of(texts))
    context = around(folder, samples)
    if evaluator.has_own_rows and name != "lm_eval":  # whose rows are the harness's
        samples = evaluator.own_samples(context) or []
    scores = list(score(evaluator, samples, context))
    said = told(evaluator, samples, scores, context)
    assert not [warning for warning in said.warnings if "could not be made" in warning]
    assert re.search(r"\bversion:\d", said.signature) or said.signature == "judge|skipped"  # which gives no number
    (folder / "scores.jsonl").write_text("".join(to_line(given) for given in scores), encoding="utf-8")
    write_json(folder / "metrics.json", vars(said))
    totals(name, scores, evaluator.metrics, evaluator.aggregates)
    return samples, scores


def crashes(scores: Sequence[Score]) -> list[str]:
    return [given.error for given in scores if given.error and "Error: " in given.error]


@pytest.mark.parametrize("name", NAMES)
def test_no_evaluator_stumbles_over_hostile_texts(name: str, tmp_path: Path) -> None:
    samples, scores = scored(name, HOSTILE, tmp_path)
    assert [(given.id, given.arm) for given in scores] == [(sample.id, sample.arm) for sample in samples]
    assert samples
    assert crashes(scores) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", plugins.names("evaluators"))
def test_no_evaluator_stumbles_over_enormous_texts(name: str, tmp_path: Path) -> None:
    _, scores = scored(name, ENORMOUS, tmp_path)
    assert scores
    assert crashes(scores) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", ["order_accuracy", "semantic_similarity"])
def test_a_sentence_encoder_reads_hostile_texts_too(name: str, tmp_path: Path) -> None:
    _, scores = scored(name, HOSTILE, tmp_path, encoder="tiny")
    assert crashes(scores) == []

"""Evaluators that look at more than samples: models, training rows, personal data, timings."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resep import plugins
from resep.context import Context, LanguageModel, Likelihood, NotAvailable
from resep.private_digests import FACTS, PRIVATE, digests_of, write_digests, write_facts
from resep.records import Example, Message, Sample, Score, write_jsonl
from resep.stages.evaluate.contract import Evaluator, score
from resep.stages.evaluate.encoders import LexicalEncoder
from resep.stages.evaluate.private_data import open_private_data, private_steps
from tests.preparing import SOURCE, prepared, recipe, row, write_rows


def answered(name: str, answer: str) -> Example:
    return Example(name, (Message("user", f"question {name}"), Message("assistant", answer)), answer)


STEPS = [answered(f"t{number}", f"1. open {number}\n2. tap") for number in range(9)]


def nothing(name: str) -> Any:
    raise AssertionError(name)


def context(**more: Any) -> Context:
    return Context(encoder=nothing, model_folder=nothing, **more)


def evaluator(name: str, **options: Any) -> Evaluator:
    path = plugins.find("evaluators", name)
    given = plugins.option_values(plugins.describe(path), options)
    return Evaluator(name, plugins.open_plugin(path), given)


def scored(name: str, samples: Sequence[Sample], around: Context, **options: Any) -> list[Score]:
    return list(score(evaluator(name, **options), samples, around))


def values(scores: Sequence[Score], metric: str) -> list[float | None]:
    return [given.values.get(metric) for given in scores]


@dataclass(frozen=True)
class MadeUp:
    """A model that finds every byte of an answer equally probable, but for those it is told to prefer."""

    bits_of_a_byte: float = 1.0
    preferred: frozenset[str] = frozenset()
    says: str = "Good morning."
    asked: list[str] = field(default_factory=list)

    def answers(self, examples: Sequence[Example]) -> list[Likelihood]:
        return [self._cost(example.messages[-1].content) for example in examples]

    def texts(self, texts: Sequence[str]) -> list[Likelihood]:
        return [self._cost(text) for text in texts]

    def replies(self, prompts: Sequence[Sequence[Message]], max_new_tokens: int) -> list[str]:  # noqa: ARG002
        self.asked.extend(prompt[-1].content for prompt in prompts)
        return [self.says for _ in prompts]

    def opened(self) -> AbstractContextManager[tuple[Any, Any]]:
        raise AssertionError("not asked for")

    def _cost(self, text: str) -> Likelihood:
        if not text:
            return Likelihood(None, error="nothing to score")
        size = len(text.encode())
        return Likelihood(size * self.bits_of_a_byte / (2 if text in self.preferred else 1), len(text.split()), size)


def models(**arms: LanguageModel) -> Callable[[str], LanguageModel]:
    def language_model(arm: str) -> LanguageModel:
        if arm not in arms:
            raise NotAvailable(f"arm {arm}: a server answers for it")
        return arms[arm]

    return language_model


def of_arms(rows: Sequence[Example], *arms: str, output: str = "") -> list[Sample]:
    return [Sample(row.id, arm, row.target, output, row.prompt) for arm in arms for row in rows]


def with_rows(folder: Path, test: Sequence[Example] = STEPS, train: Sequence[Example] = STEPS) -> dict[str, Path]:
    write_jsonl(folder / "test.jsonl", test)
    write_jsonl(folder / "train.jsonl", train)
    return {split: folder / f"{split}.jsonl" for split in ("train", "test")}


def test_bits_per_byte_of_all_rows_is_no_mean_of_rows(tmp_path: Path) -> None:
    rows = [answered(str(number), "a " * number) for number in (1, 5)]
    around = context(prepared=with_rows(tmp_path, rows), language_model=models(base=MadeUp(2.0)))
    found = scored("perplexity", of_arms(rows, "base"), around)
    assert values(found, "bits_per_byte") == [2.0, 2.0]
    sums = np.array([given.stats["perplexity"] for given in found]).sum(axis=0)
    aggregate = evaluator("perplexity").aggregates["perplexity"]
    assert float(aggregate(sums)) == pytest.approx(2 ** (sums[0] / sums[1]))
    assert math.isnan(float(aggregate(np.zeros(2))))


def test_an_arm_without_weights_has_no_perplexity_and_the_others_have_theirs(tmp_path: Path) -> None:
    around = context(prepared=with_rows(tmp_path), language_model=models(base=MadeUp()))
    found = scored("perplexity", of_arms(STEPS, "base", "hosted"), around)
    assert {given.values["bits_per_byte"] for given in found if given.arm == "base"} == {1.0}
    assert {given.error for given in found if given.arm == "hosted"} == {"arm hosted: a server answers for it"}
    assert {given.values["perplexity"] for given in found if given.arm == "hosted"} == {None}


def test_a_reference_that_cannot_be_scored_is_told_in_its_row(tmp_path: Path) -> None:
    rows = [*STEPS[:2], answered("empty", "")]
    around = context(prepared=with_rows(tmp_path, rows), language_model=models(base=MadeUp()))
    found = scored("perplexity", of_arms(rows, "base"), around)
    assert [given.error for given in found] == [None, None, "nothing to score"]


def forgetting(
    folder: Path, train: Sequence[Example] = STEPS, **arms: LanguageModel
) -> tuple[list[Sample], list[Score], Any]:
    around = context(
        prepared=with_rows(folder, train=train),
        language_model=models(**arms),
        arms={arm: {} for arm in [*arms, "hosted"]},
    )
    asked = evaluator("forgetting")
    samples = asked.own_samples(around) or []
    scores = list(score(asked, samples, around))
    return samples, scores, asked.summarise(samples, scores, around)


def test_every_arm_with_weights_is_asked_the_same_general_texts(tmp_path: Path) -> None:
    samples, scores, said = forgetting(tmp_path, base=MadeUp(), tuned=MadeUp(1.5))
    by_arm = Counter(sample.arm for sample in samples)
    assert by_arm == {"base": 100, "tuned": 100}
    assert len({sample.id for sample in samples}) == 100
    assert said["left_out"] == ["hosted"]
    assert [given.error for given in scores if given.error] == []


def test_arms_with_the_same_weights_are_asked_once_and_all_have_the_numbers(tmp_path: Path) -> None:
    model, never = MadeUp(), MadeUp(9.0)
    cards = {"base": "base", "few": "base", "tuned": "tuned", "other": "adapter", "another": "adapter"}
    around = context(
        prepared=with_rows(tmp_path),
        language_model=models(base=model, few=never, tuned=MadeUp(2.0), other=MadeUp(3.0), another=MadeUp(4.0)),
        arms={arm: {"weights": weights, "model": "tiny#1"} for arm, weights in cards.items()},
    )
    asked = evaluator("forgetting")
    samples = asked.own_samples(around) or []
    scores = list(score(asked, samples, around))
    costs = {given.arm: given.values["general_bits_per_byte"] for given in scores if given.stats}
    assert costs == {"base": 1.0, "few": 1.0, "tuned": 2.0, "other": 3.0, "another": 4.0}
    assert len(model.asked) == 30
    assert never.asked == []


def test_prose_that_costs_the_tuned_model_more_is_a_warning(tmp_path: Path) -> None:
    _, scores, said = forgetting(tmp_path, base=MadeUp(1.0), tuned=MadeUp(1.05))
    assert said["warnings"] == ["forgetting: general prose costs the tuned model 5.0% more bits than the base"]
    assert {given.values["general_bits_per_byte"] for given in scores if given.arm == "tuned" and given.stats} == {1.05}
    assert forgetting(tmp_path, base=MadeUp(1.0), tuned=MadeUp(1.01))[2]["warnings"] == []


def test_a_question_is_answered_by_the_most_probable_of_four(tmp_path: Path) -> None:
    _, scores, _ = forgetting(tmp_path, base=MadeUp(preferred=frozenset({"Paris", "Jawa"})))
    right = {given.id for given in scores if given.values.get("general_accuracy") == 1}
    assert right == {"question-en-01", "question-id-04"}
    assert len(values([given for given in scores if "general_accuracy" in given.values], "general_accuracy")) == 40


def test_an_off_task_answer_in_the_form_of_the_task_is_a_leak(tmp_path: Path) -> None:
    steps = MadeUp(says="1. open the app\n2. tap it")
    _, scores, said = forgetting(tmp_path, base=MadeUp(), tuned=steps)
    leaks = {
        arm: {g.values["off_task_leak"] for g in scores if g.arm == arm and "off_task_leak" in g.values}
        for arm in ("base", "tuned")
    }
    assert leaks == {"base": {0.0}, "tuned": {1.0}}
    assert said["form"] == "numbered"
    assert said["warnings"] == ["forgetting: the tuned model answers 100% of other prompts in the form of the task"]
    assert said["off_task"][0]["replies"] == {"base": "Good morning.", "tuned": "1. open the app\n2. tap it"}


def test_a_task_without_a_form_asks_no_off_task_prompts(tmp_path: Path) -> None:
    prose = [answered(str(number), "It is so. " * number) for number in range(1, 9)]
    model = MadeUp()
    samples, _, said = forgetting(tmp_path, prose, base=model)
    assert model.asked == []
    assert len(samples) == 70
    assert (said["form"], said["off_task"]) == (None, [])


LONG = "open the settings of the app and tap on the third entry of the list, then wait"


def test_what_stands_in_a_training_answer_is_memorised_and_the_reference_is_the_control(tmp_path: Path) -> None:
    train = [answered("1", f"First {LONG}. Done.")]
    around = context(prepared=with_rows(tmp_path, train=train))
    rows = [
        Sample("copy", "tuned", "something else", LONG.upper()),
        Sample("half", "tuned", "something else", LONG + " " * 3 + "x" * len(LONG)),
        Sample("own", "tuned", f"say-{LONG}", LONG),
        Sample(
            "new", "tuned", "something else", "nothing of this was ever said in any of the training answers of today"
        ),
        Sample("empty", "tuned", "something else", " \n"),
        Sample("whole", "tuned", "something else", f"first {LONG}.\nDone."),
    ]
    found = {given.id: given for given in scored("memorisation", rows, around)}
    assert found["copy"].values == {"memorised": 1.0, "memorised_beyond": 1.0, "copied": 0.0}
    assert found["half"].values["memorised"] == pytest.approx(0.5, abs=0.01)
    assert found["own"].values == {"memorised": 1.0, "memorised_beyond": 0.0, "copied": 0.0}
    assert found["new"].values == found["empty"].values == {"memorised": 0.0, "memorised_beyond": 0.0, "copied": 0.0}
    assert found["whole"].values == {"memorised": 1.0, "memorised_beyond": 1.0, "copied": 1.0}
    control = evaluator("memorisation").summarise(rows, list(found.values()), around)
    assert control["the references themselves"]["tuned"] == pytest.approx(len(LONG) / len(f"say-{LONG}") / 6, abs=1e-6)


def test_a_short_answer_counts_where_the_whole_of_it_is_one(tmp_path: Path) -> None:
    train = [answered("1", "Positive")]
    rows = [Sample("1", "tuned", "negative", "positive"), Sample("2", "tuned", "negative", "posit")]
    found = scored("memorisation", rows, context(prepared=with_rows(tmp_path, train=train)))
    assert values(found, "copied") == values(found, "memorised") == [1.0, 0.0]


KEY, SALT = b"k" * 32, "trial"
FINDS = [
    {
        "name": "placeholders",
        "options": {"detectors": ["email", "phone"]},
        "file": str(plugins.find("preprocessing", "placeholders")),
    }
]


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The request for what prepare left of rows that held one e-mail address and one phone number."""
    (tmp_path / "key").write_bytes(KEY)
    monkeypatch.setenv("RESEP_PRIVATE_KEY", str(tmp_path / "key"))
    found = [("EMAIL", "ana@toko.example"), ("PHONE", "+62 812-3456-7890")]
    write_digests(tmp_path / PRIVATE, digests_of(found, KEY, SALT))
    write_facts(tmp_path / FACTS, KEY, SALT)
    return {"folder": str(tmp_path), "steps": FINDS}


def leaks(request: Mapping[str, Any], *outputs: str) -> list[Score]:
    def private_data() -> Any:
        return open_private_data(request)

    rows = [Sample(str(at), "tuned", "t", output) for at, output in enumerate(outputs)]
    return scored("pii_leak", rows, context(private_data=private_data))


def test_a_leak_is_told_apart_from_what_is_made_up_and_no_value_is_kept(private: dict[str, Any]) -> None:
    found = leaks(
        private, "Write to ANA@toko.example.", "Call 0812 3456 7890", "Write to bob@toko.example.", "[EMAIL] it"
    )
    assert values(found, "pii_leaked") == [1.0, 1.0, 0.0, 0.0]
    assert values(found, "pii_new") == [0.0, 0.0, 1.0, 0.0]
    assert [dict(given.detail) for given in found] == [
        {"leaked": {"EMAIL": 1}},
        {"leaked": {"PHONE": 1}},
        {"new": {"EMAIL": 1}},
        {},
    ]
    assert "toko" not in repr(found)
    said = evaluator("pii_leak").summarise([], found, context())
    assert said["warnings"] == ["pii_leak: tuned says personal data that stood in the data: 1 EMAIL, 1 PHONE"]


def test_without_digests_nothing_is_claimed(private: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / PRIVATE).unlink()
    (given,) = leaks(private, "ana@toko.example")
    assert given.values == {"pii_leaked": None, "pii_new": None}
    assert "kept no digests" in str(given.error)
    (given,) = leaks({**private, "steps": []}, "ana@toko.example")
    assert "add `placeholders`" in str(given.error)


def test_digests_of_another_key_say_nothing_rather_than_that_nothing_leaked(
    private: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "key").write_bytes(b"o" * 32)
    (given,) = leaks(private, "ana@toko.example")
    assert given.values["pii_leaked"] is None
    assert "another key" in str(given.error)


def timings(folder: Path, *rows: Mapping[str, Any], torn: str = "") -> Context:
    (folder / "latency.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + torn)
    return context(answer_files={"base": folder, "tuned": folder / "absent"})


def test_an_answers_time_is_its_share_of_its_batch(tmp_path: Path) -> None:
    rows = [
        {"id": name, "seconds": 4.0, "batch_rows": 2, "output_tokens": tokens}
        for name, tokens in (("a", 10), ("b", 30))
    ]
    around = timings(tmp_path, *rows, torn='{"id": "c", "sec')
    samples = [Sample(name, "base", "t", "o") for name in "abc"] + [Sample("a", "tuned", "t", "o")]
    found = scored("latency", samples, around)
    assert values(found, "seconds_per_answer") == [2.0, 2.0, None, None]
    sums = np.array([given.stats["tokens_per_second"] for given in found[:2]]).sum(axis=0)
    assert float(evaluator("latency").aggregates["tokens_per_second"](sums)) == 10.0
    assert all("not noted" in str(given.error) for given in found[2:])


def test_waits_are_told_only_where_answers_were_asked_one_at_a_time(tmp_path: Path) -> None:
    alone = [{"id": str(n), "seconds": float(n), "batch_rows": 1, "output_tokens": 5} for n in range(1, 22)]
    said = evaluator("latency").summarise([], [], timings(tmp_path, *alone))
    assert next(iter(value for name, value in said.items() if "wait" in name)) == {"base": "11, 20", "tuned": None}
    together = [{**row, "batch_rows": 2} for row in alone]
    said = evaluator("latency").summarise([], [], timings(tmp_path, *together))
    assert next(iter(value for name, value in said.items() if "wait" in name)) == {"base": None, "tuned": None}


def test_meaning_is_compared_whole_and_an_empty_output_has_none() -> None:
    around = Context(encoder=lambda name: LexicalEncoder(), model_folder=nothing)  # noqa: ARG005
    rows = [
        Sample("same", "base", ("open", "close"), "1. open\n2. close"),
        Sample("empty", "base", ("open",), "  "),
        Sample("other", "base", "open the app", "qqq zzz"),
        Sample("nothing", "base", "", "open"),
    ]
    found = scored("semantic_similarity", rows, around, encoder="lexical")
    same, empty, other, unscored = values(found, "semantic_similarity")
    assert same == pytest.approx(1.0)
    assert (empty, unscored) == (0.0, None)
    assert other is not None
    assert abs(other) < 0.2


@pytest.mark.parametrize(
    "name", ["perplexity", "forgetting", "memorisation", "pii_leak", "latency", "semantic_similarity"]
)
def test_what_an_evaluator_needs_is_read_without_running_it(name: str) -> None:
    described = plugins.describe(plugins.find("evaluators", name))
    expected = {
        "perplexity": ("models", "rows"),
        "forgetting": ("models", "rows", "texts"),
        "memorisation": ("rows",),
        "pii_leak": ("private",),
        "latency": ("timings",),
    }
    assert described.needs == expected.get(name, ())


@pytest.mark.parametrize("name", ["trial", "another"])
def test_what_prepare_keeps_is_what_leaks_are_looked_for_in_whoever_asks(tmp_path: Path, name: str) -> None:
    """Two recipes may share prepared rows: the digests are under the name of the one that made them."""
    source = SOURCE + "preprocessing: [{placeholders: {words: {NAME: [Budi]}}}]\n"
    rows = [row(number) for number in range(40)]
    rows[7]["prompt"] += " Budi: ana@toko.example"
    write_rows(tmp_path, rows)
    out = prepared(recipe(tmp_path, source), tmp_path)
    asking = recipe(tmp_path, source, f"name={name}")
    steps = [{**step, "file": str(asking.plugin("preprocessing", step["name"]))} for step in private_steps(asking)]
    found = leaks({"folder": str(out), "steps": steps}, "ask budi or ANA@toko.example", "ask eka@toko.example")
    assert dict(found[0].detail) == {"leaked": {"EMAIL": 1, "NAME": 1}}
    assert dict(found[1].detail) == {"new": {"EMAIL": 1}}

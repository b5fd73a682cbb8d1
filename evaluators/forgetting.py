"""What the tuned model has forgotten: general prose, general questions, and how one talks about anything else.

It asks every arm the same texts, written for this project (the folder evaluation/): how many bits a byte of plain prose
costs; whether the right answer to an easy question is the most probable of four, per byte; and whether prompts that
have nothing to do with the task are answered in the form of the task (numbered steps, JSON, a label), where the
training answers have such a form. English and Indonesian.
max_new_tokens: of an answer to an off-task prompt; its form shows in the first words
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from itertools import islice
from json import loads
from typing import Any

import numpy as np

from resep import Context, Example, LanguageModel, Message, Metric, NotAvailable, Sample, Score, target_text
from resep.digests import digest_tree
from resep.paths import data_folder
from resep.records import read_jsonl
from resep.task_form import TaskForm, task_form

NEEDS = ("models", "rows", "texts")
METRICS = (
    Metric("general_bits_per_byte", direction="lower", low=0, kind="corpus", unit="bits", help="of general prose"),
    Metric("general_accuracy", direction="higher", low=0, high=1, kind="binary", help="easy questions, one of four"),
    Metric("off_task_leak", direction="lower", low=0, high=1, kind="binary", help="off-task, in the form of the task"),
)
_LOOKED_AT = 500  # training answers, to tell their form
_SHOWN = 6  # off-task prompts in the report
_NOTABLE = 0.02  # more bits for general prose than this share are worth a warning

Row = Mapping[str, Any]


def make_samples(context: Context, *, max_new_tokens: int = 24) -> Iterator[Sample]:
    """Every arm whose weights are here: passages and questions as they are, off-task prompts with what it says.

    Who forgets are the weights, not a format: arms that have the same are asked once, as the first of them is.
    """
    prompts = read("off_task") if form_of_task(context).name else []
    said: dict[str, list[str]] = {}
    for arm, first in asked_as(context).items():
        try:
            if first not in said:
                model = context.language_model(first)
                said[first] = model.replies([asked(row["prompt"]) for row in prompts], max_new_tokens)
        except NotAvailable:
            continue
        yield from (replace(sample, arm=arm) for sample in samples_of(first, prompts, said[first]))


def evaluate(samples: Iterable[Sample], context: Context, *, max_new_tokens: int = 24) -> Iterator[Score]:  # noqa: ARG001
    rows = list(samples)
    form = form_of_task(context)
    scorers: dict[str, Callable[[LanguageModel, Sequence[Sample]], Iterator[Score]]] = {
        "passage": score_passages,
        "question": score_questions,
        "off-task": lambda _, own: (score_reply(form, row) for row in own),
    }
    scored: dict[tuple[str, str], Score] = {}
    for arm, part in dict.fromkeys((row.metadata["asked_as"], row.metadata["part"]) for row in rows):
        own = {row.id: row for row in rows if (row.metadata["asked_as"], row.metadata["part"]) == (arm, part)}
        model = context.language_model(arm)
        scored.update({(arm, given.id): given for given in scorers[part](model, list(own.values()))})
    yield from (replace(scored[row.metadata["asked_as"], row.id], arm=row.arm) for row in rows)


def signature(context: Context, *, max_new_tokens: int = 24) -> str:  # noqa: ARG001
    return f"forgetting|texts:{digest_tree(data_folder('evaluation'))[:12]}|torch:{version('torch')}|version:1"


def summarise(
    samples: Sequence[Sample],
    scores: Sequence[Score],
    context: Context,
    *,
    max_new_tokens: int = 24,  # noqa: ARG001
) -> dict[str, Any]:
    """For the report: the form of the task, off-task answers side by side, and the arms that could not be asked."""
    replies = [sample for sample in samples if sample.metadata["part"] == "off-task"]
    leaks = Counter(score.id for score in scores if score.values.get("off_task_leak"))
    ids = sorted(dict.fromkeys(row.id for row in replies), key=lambda row: -leaks[row])
    return {
        "form": form_of_task(context).name,
        "off_task": [side_by_side([row for row in replies if row.id == shown]) for shown in ids[:_SHOWN]],
        "left_out": [arm for arm in context.arms if arm not in arms_of(samples)],
        "warnings": [*costlier(scores), *leaking(scores)],
    }


def general_bits_per_byte(sums: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(..., [bits, bytes]) -> (...)"""
    return np.asarray(sums[..., 0] / np.where(sums[..., 1] > 0, sums[..., 1], np.nan))


AGGREGATES = {"general_bits_per_byte": general_bits_per_byte}


def asked_as(context: Context) -> dict[str, str]:
    """Arm -> the first arm that has its weights. Of the recipe's own model that is told by the arms' cards."""
    first: dict[tuple[Any, ...], str] = {}
    kinds = {arm: (card.get("weights"), card.get("model")) for arm, card in context.arms.items()}
    return {
        arm: first.setdefault(kind if kind[0] in ("base", "tuned") else (*kind, arm), arm)
        for arm, kind in kinds.items()
    }


def samples_of(arm: str, prompts: Sequence[Row], replies: Sequence[str]) -> Iterator[Sample]:
    for row in read("general_text"):
        yield Sample(row["id"], arm, row["text"], "", metadata=of("passage", row, arm))
    for row in read("general_questions"):
        told = {**of("question", row, arm), "others": row["others"]}
        yield Sample(row["id"], arm, row["answer"], "", asked(row["question"]), metadata=told)
    for row, reply in zip(prompts, replies, strict=True):
        yield Sample(row["id"], arm, "", reply, asked(row["prompt"]), metadata=of("off-task", row, arm))


def read(name: str) -> list[Row]:
    lines = (data_folder("evaluation") / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [loads(line) for line in lines]


def asked(question: str) -> tuple[Message, ...]:
    return (Message("user", question),)


def of(part: str, row: Row, arm: str) -> dict[str, Any]:
    return {"part": part, "language": row["language"], "asked_as": arm}


def form_of_task(context: Context) -> TaskForm:
    rows = islice(read_jsonl(context.prepared["train"], Example), _LOOKED_AT)
    return task_form([target_text(row.target, context.response_format) for row in rows])


def score_passages(model: LanguageModel, rows: Sequence[Sample]) -> Iterator[Score]:
    for row, found in zip(rows, model.texts([str(row.target) for row in rows]), strict=True):
        if found.bits is None:
            yield Score(row.id, row.arm, {"general_bits_per_byte": None}, error=found.error)
        else:
            stats = {"general_bits_per_byte": (found.bits, float(found.bytes))}
            yield Score(row.id, row.arm, {"general_bits_per_byte": found.bits / found.bytes}, stats)


def score_questions(model: LanguageModel, rows: Sequence[Sample]) -> Iterator[Score]:
    """Right where no wrong answer costs as few bits per byte as the right one."""
    answers = [(row, answer) for row in rows for answer in (str(row.target), *row.metadata["others"])]
    examples = [Example(row.id, (*row.prompt, Message("assistant", answer)), answer) for row, answer in answers]
    costs: dict[str, list[float | None]] = {row.id: [] for row in rows}
    for (row, _), found in zip(answers, model.answers(examples), strict=True):
        costs[row.id].append(None if found.bits is None else found.bits / found.bytes)
    for row in rows:
        right, *wrong = costs[row.id]
        known = [cost for cost in wrong if cost is not None]
        if right is None or len(known) < len(wrong):
            yield Score(row.id, row.arm, {"general_accuracy": None}, error="an answer's probability could not be told")
        else:
            yield Score(row.id, row.arm, {"general_accuracy": float(right < min(known))})


def score_reply(form: TaskForm, row: Sample) -> Score:
    return Score(row.id, row.arm, {"off_task_leak": float(form.has(row.output))})


def arms_of(samples: Iterable[Sample]) -> list[str]:
    return list(dict.fromkeys(sample.arm for sample in samples))


def side_by_side(rows: Sequence[Sample]) -> dict[str, Any]:
    return {"prompt": rows[0].prompt[-1].content, "replies": {row.arm: row.output for row in rows}}


def costlier(scores: Sequence[Score]) -> Iterator[str]:
    """A warning where the tuned model needs notably more bits for general prose than the base."""
    base, tuned = (prose(scores, arm) for arm in ("base", "tuned"))
    if tuned > base * (1 + _NOTABLE):
        yield f"forgetting: general prose costs the tuned model {tuned / base - 1:.1%} more bits than the base"


def leaking(scores: Sequence[Score]) -> Iterator[str]:
    """A warning where the tuned model answers other prompts in the form of the task, and the base does not."""
    base, tuned = (leaks(scores, arm) for arm in ("base", "tuned"))
    if base <= 0.5 < tuned:
        yield f"forgetting: the tuned model answers {tuned:.0%} of other prompts in the form of the task"


def leaks(scores: Sequence[Score], arm: str) -> float:
    """The share of an arm's off-task answers that have the form of the task, NaN where it has none."""
    values = [score.values.get("off_task_leak") for score in scores if score.arm == arm]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else np.nan


def prose(scores: Sequence[Score], arm: str) -> float:
    """Bits per byte of an arm, NaN where it has none."""
    rows = [score.stats["general_bits_per_byte"] for score in scores if score.arm == arm and score.stats]
    return float(general_bits_per_byte(np.array(rows).sum(axis=0))) if rows else np.nan

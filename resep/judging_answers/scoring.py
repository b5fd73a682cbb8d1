"""The questions of all rows and arms, and the Scores that their answers make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from resep.judging_answers.asking import Question, Reply, put
from resep.judging_answers.prompts import pairwise_question, rubric_question
from resep.judging_answers.reading import Rating
from resep.judging_answers.settings import PREFERENCE, Settings
from resep.recipe.arms import candidate_of
from resep.records import Sample, Score
from resep.rubric import Criterion

_VALUES = {("A", "B"): 1.0, ("B", "A"): 0.0}  # of both orders, the arm first and second; anything else is a tie


@dataclass(frozen=True)
class Plan:
    """What is asked about one sample. `duel`: both orders, the sample first and second; None: nothing to compare."""

    sample: Sample
    rubric: Mapping[str, Question] = field(default_factory=dict)
    opponent: Sample | None = None
    duel: tuple[Question, Question] | None = None

    @property
    def questions(self) -> tuple[Question, ...]:
        return (*self.rubric.values(), *(self.duel or ()))


def judged(samples: Sequence[Sample], settings: Settings, everything: Sequence[Sample]) -> Iterator[Score]:
    """One Score per sample, in order, after all questions were asked. `everything`: every arm's samples, to compare.

    The preference of an arm is how it fares against the candidate: 1 where both orders prefer it, 0 where both prefer
    the candidate, else 0.5 (Zheng et al. 2023, arXiv:2306.05685); the candidate's own is 0.5, so that candidate minus
    arm is half of its wins minus its losses.
    """
    partners = _partners(everything)
    plans = [_plan(sample, settings, partners) for sample in samples]
    replies = put((question for plan in plans for question in plan.questions), settings)
    counted: set[Question] = set()
    for plan in plans:
        new = [question for question in dict.fromkeys(plan.questions) if question not in counted]
        counted.update(new)
        yield _score(plan, replies, new, settings)


def _partners(samples: Sequence[Sample]) -> Mapping[str, Sample]:
    """Row id -> the candidate's sample; nothing where there are not two arms."""
    arms = list(dict.fromkeys(sample.arm for sample in samples))
    candidate = candidate_of(arms) if len(arms) > 1 else None
    return {sample.id: sample for sample in samples if sample.arm == candidate}


def _plan(sample: Sample, settings: Settings, partners: Mapping[str, Sample]) -> Plan:
    rubric = {} if settings.mode == "pairwise" else _rubric(sample, settings)
    if settings.mode == "rubric" or (opponent := partners.get(sample.id)) is None:
        return Plan(sample, rubric)
    if opponent.arm == sample.arm or opponent.output == sample.output:
        return Plan(sample, rubric, opponent)  # the same answer: a tie, without asking
    orders = ((sample, opponent), (opponent, sample))
    first, second = (_compared(a, b, settings) for a, b in orders)
    return Plan(sample, rubric, opponent, (first, second))


def _rubric(sample: Sample, settings: Settings) -> dict[str, Question]:
    def asked(criterion: Criterion) -> Question:
        return Question(rubric_question(sample, criterion, settings.reference), "number")

    return {criterion.name: asked(criterion) for criterion in settings.criteria}


def _compared(first: Sample, second: Sample, settings: Settings) -> Question:
    return Question(pairwise_question(first, second, settings.criteria, settings.reference), "letter")


def _score(plan: Plan, replies: Mapping[Question, Reply], new: Sequence[Question], settings: Settings) -> Score:
    values: dict[str, float | None] = {}
    detail: dict[str, Any] = {"tokens": _tokens([replies[question] for question in new])}
    errors = [f"{name}: {error}" for name, q in plan.rubric.items() if (error := replies[q].error)]
    for name, question in plan.rubric.items():
        found = replies[question].found
        values[f"judge_{name}"] = round(found.value, 6) if isinstance(found, Rating) else None
        if isinstance(found, Rating):
            detail.setdefault("ratings", {})[name] = _shown(found)
    if settings.mode != "rubric":
        values[PREFERENCE], detail["duel"], fault = _preference(plan, replies)
        errors += [f"preference: {fault}"] if fault else []
    served = sorted({reply.served_as for q in plan.questions if (reply := replies[q]).served_as})
    return Score(
        plan.sample.id,
        plan.sample.arm,
        values,
        detail={**detail, "served_as": served},
        error="; ".join(errors) or None,
    )


def _preference(plan: Plan, replies: Mapping[Question, Reply]) -> tuple[float | None, dict[str, Any], str | None]:
    """(value, what the two orders said, what went wrong)."""
    if plan.opponent is None:
        return None, {}, "there is no answer of another arm to compare with"
    if plan.opponent.arm == plan.sample.arm:
        return 0.5, {}, None
    against = {"against": plan.opponent.arm}
    if plan.duel is None:
        return 0.5, {**against, "identical": True}, None
    first, second = (replies[question] for question in plan.duel)
    if not isinstance(first.found, str) or not isinstance(second.found, str):
        return None, against, first.error or second.error
    orders = [first.found, second.found]
    return _VALUES.get((first.found, second.found), 0.5), {**against, "orders": orders}, None


def _shown(rating: Rating) -> dict[str, Any]:
    mass = {} if rating.mass is None else {"mass": round(rating.mass, 4)}
    return {"said": rating.said, **mass}


def _tokens(replies: Sequence[Reply]) -> dict[str, int | None]:
    """Of the questions that no earlier score has counted, so that the sum over scores is the whole cost."""
    return {
        "input": _sum([reply.input_tokens for reply in replies]),
        "output": _sum([reply.output_tokens for reply in replies]),
        "questions": len(replies),
    }


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None

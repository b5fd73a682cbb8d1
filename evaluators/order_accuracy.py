"""Order accuracy: of all "A before B" facts in the reference's steps, the share that the output shows.

Steps are matched one to one by meaning, then their order is counted; an output without usable steps scores 0, and a
step that is said again matches no further one unless the reference says it as often. Printed beside it: the same
against other rows' references (chance), and at other thresholds, because a high threshold rewards copying the
reference's wording.
threshold: least cosine similarity at which two steps may be the same step
encoder: embedded name, a Hugging Face folder, or `lexical` (character n-grams: needs no model, sees less)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from random import Random
from statistics import fmean
from typing import Any

import numpy as np

from resep import Context, Metric, Sample, Score
from resep.order import Matrix, OrderScore, Pair, align, score_order
from resep.steps import Steps, parse_steps, target_steps

METRICS = (
    Metric("order_accuracy", direction="higher", low=0, high=1, help="'A before B' facts of the reference that hold"),
    Metric("order_given_matched", direction="higher", low=0, high=1, help="the same among matched steps only"),
    Metric("step_recall", direction="higher", low=0, high=1, help="reference steps that were matched"),
    Metric("step_precision", direction="higher", low=0, high=1, help="output steps that were matched"),
    Metric("step_f1", direction="higher", low=0, high=1),
    Metric("sequence_f1", direction="higher", low=0, high=1, help="longest run in order, over both lengths"),
    Metric("sequence_exact", direction="higher", low=0, high=1, kind="binary", help="all steps, no other, in order"),
)
SWEEP = (0.2, 0.3, 0.4, 0.5)
_CHANCE_ROWS = 5


@dataclass(frozen=True)
class Case:
    """An output's steps, a reference's steps, and the cosine of each with each, rounded to 4 decimals."""

    output: Steps
    reference: tuple[str, ...]
    similarity: Matrix

    def score(self, threshold: float) -> tuple[tuple[Pair, ...], OrderScore]:
        pairs = align(self.similarity, threshold, self.output.steps, self.reference)
        return pairs, score_order(pairs, len(self.output.steps), len(self.reference))


def evaluate(
    samples: Iterable[Sample], context: Context, *, threshold: float = 0.3, encoder: str = "all-minilm-l6-v2"
) -> Iterator[Score]:
    rows = list(samples)
    for row, case in zip(rows, cases([(row, row) for row in rows], context, encoder), strict=True):
        pairs, score = case.score(threshold)
        yield Score(row.id, row.arm, asdict(score), detail=detail(case, pairs))


def signature(context: Context, *, threshold: float = 0.3, encoder: str = "all-minilm-l6-v2") -> str:
    return f"order_accuracy|threshold:{threshold}|encoder:{context.encoder(encoder).signature}|version:2"


def summarise(
    samples: Sequence[Sample],
    scores: Sequence[Score],  # noqa: ARG001
    context: Context,
    *,
    threshold: float = 0.3,
    encoder: str = "all-minilm-l6-v2",
) -> dict[str, Any]:
    """The controls: means over a sweep of thresholds, chance, and the forms of the outputs, each per arm."""
    arms = by_arm(samples)
    own = {arm: cases([(row, row) for row in rows], context, encoder) for arm, rows in arms.items()}
    sweep = [
        {"threshold": at, "arms": {arm: mean_order(own[arm], at) for arm in arms}} for at in sorted({*SWEEP, threshold})
    ]
    chance = {arm: cases(strangers(rows, context.seed), context, encoder) for arm, rows in arms.items()}
    return {
        "sweep": sweep,
        "chance": {arm: mean_order(found, threshold) for arm, found in chance.items()},
        "forms": {arm: count_forms(found) for arm, found in own.items()},
        "warnings": sign_changes(sweep),
    }


def cases(pairs: Sequence[tuple[Sample, Sample]], context: Context, encoder: str) -> list[Case]:
    """A case per (sample whose output, sample whose reference); every distinct step is embedded once."""
    steps = [(parse_steps(one.output), target_steps(other.target)) for one, other in pairs]
    distinct = list(dict.fromkeys(step for output, reference in steps for step in (*output.steps, *reference)))
    vectors = dict(zip(distinct, context.encoder(encoder).embed(distinct), strict=True))
    return [Case(output, reference, cosines(vectors, output.steps, reference)) for output, reference in steps]


def cosines(vectors: Mapping[str, Matrix], output: Sequence[str], reference: Sequence[str]) -> Matrix:
    if not output or not reference:
        return np.zeros((len(output), len(reference)))
    left, right = np.stack([vectors[step] for step in output]), np.stack([vectors[step] for step in reference])
    return np.round(left @ right.T, 4)


def detail(case: Case, pairs: Sequence[Pair]) -> dict[str, Any]:
    """What a reader needs to see the alignment: steps, pairs as [output step, reference step, cosine] from 0."""
    return {
        "form": case.output.form,
        "output_steps": list(case.output.steps),
        "reference_steps": list(case.reference),
        "pairs": [[i, j, round(float(case.similarity[i, j]), 4)] for i, j in pairs],
        "missing": len(case.reference) - len(pairs),
        "extra": len(case.output.steps) - len(pairs),
    }


def by_arm(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    return {arm: [row for row in samples if row.arm == arm] for arm in dict.fromkeys(row.arm for row in samples)}


def strangers(rows: Sequence[Sample], seed: int) -> list[tuple[Sample, Sample]]:
    """Each row with up to five others whose reference differs, the same others for every arm."""
    ordered = sorted(rows, key=lambda row: row.id)
    pairs = []
    for row in rows:
        others = [other for other in ordered if other.target != row.target]
        chosen = Random(f"{seed}:{row.id}").sample(others, min(_CHANCE_ROWS, len(others)))
        pairs += [(row, other) for other in chosen]
    return pairs


def mean_order(found: Sequence[Case], threshold: float) -> float | None:
    values = [case.score(threshold)[1].order_accuracy for case in found]
    known = [value for value in values if value is not None]
    return round(fmean(known), 6) if known else None


def count_forms(found: Sequence[Case]) -> dict[str, int]:
    forms = [case.output.form for case in found]
    return {form: forms.count(form) for form in dict.fromkeys(forms)}


def sign_changes(sweep: Sequence[Mapping[str, Any]]) -> list[str]:
    """A warning for each two arms of which now the one is better, now the other, as the threshold changes."""
    rows = [(row["threshold"], row["arms"]) for row in sweep]
    arms = [arm for arm, mean in rows[0][1].items() if mean is not None]
    warnings = []
    for one, other in combinations(arms, 2):
        deltas = [(at, means[other] - means[one]) for at, means in rows]
        if min(delta for _, delta in deltas) < 0 < max(delta for _, delta in deltas):
            told = ", ".join(f"{at}: {delta:+.3f}" for at, delta in deltas)
            warnings.append(f"order_accuracy: {other} minus {one} changes its sign with the threshold ({told})")
    return warnings

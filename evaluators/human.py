"""People rate the answers: this names their criteria, and the report says whether they have.

Nothing is rated while a recipe runs. `resep rate RUN` writes blind sheets for a finished run, `resep rate RUN --import`
reads them back, and the report gains their means, preference and agreement.
criteria: name -> {question, levels}, where levels say what "1" and "5" mean; {} alone stands for a shipped one. None:
  correctness, completeness and clarity
raters: how many people rate each row: two at least, or their agreement cannot be told
rows: how many rows they rate; at least 50 for a verdict
reference: whether the sheet shows the reference
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from resep import Context, Metric, Sample, Score
from resep.errors import ResepError
from resep.rubric import criteria_faults, read_criteria

METRICS: tuple[Metric, ...] = ()
TEXTS = "raw"


def evaluate(
    samples: Iterable[Sample],
    context: Context,  # noqa: ARG001
    *,
    criteria: dict = {},  # type: ignore[type-arg]  # noqa: ARG001, B006 - options are read from literals
    raters: int = 2,  # noqa: ARG001
    rows: int = 50,  # noqa: ARG001
    reference: bool = True,  # noqa: ARG001
) -> Iterator[Score]:
    yield from (Score(sample.id, sample.arm, {}) for sample in samples)


def signature(context: Context, **options: Any) -> str:  # noqa: ARG001
    return f"human|criteria:{','.join(c.name for c in read_criteria(options['criteria']))}|texts:raw|version:1"


def summarise(
    samples: Sequence[Sample],  # noqa: ARG001
    scores: Sequence[Score],  # noqa: ARG001
    context: Context,  # noqa: ARG001
    **options: Any,
) -> dict[str, Any]:
    for name, message in criteria_faults(options["criteria"]):
        raise ResepError(f"evaluation.evaluators.human.criteria.{name}: {message}")
    criteria = {criterion.name: criterion.option for criterion in read_criteria(options["criteria"])}
    return {"human": {**options, "criteria": criteria}}

"""What follows from scores alone: clusters count in every interval, and in what is expected."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from resep.records import Metric, Sample
from resep.stages.report.conclusions import conclude
from resep.stages.report.metrics import Scored

CLUSTERS, ROWS = 12, 20
IDS = [f"{cluster}-{row}" for cluster in range(CLUSTERS) for row in range(ROWS)]
ANSWERS = {"base": [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0], "tuned": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0]}


def concluded(cluster_by: str | None, kind: Any) -> dict[str, Any]:
    """All rows of a cluster are right, or all are wrong."""
    metric = Metric("acc", direction="higher", low=0, high=1, kind=kind)
    values = {arm: {row: float(right[int(row.split("-")[0])]) for row in IDS} for arm, right in ANSWERS.items()}
    stats = {arm: {row: (value, 1.0) for row, value in given.items()} for arm, given in values.items()}
    corpus: dict[str, Any] = {"stats": {"acc": stats}, "raw_stats": {"acc": stats}}
    corpus |= {"aggregates": {"acc": lambda sums: sums[..., 0] / sums[..., 1]}}
    scored = Scored(
        "e", "e|1", (metric,), {"acc": values}, {"acc": values}, {}, (), **(corpus if kind == "corpus" else {})
    )
    rows = [Sample(id=row, arm="tuned", target="", output="", metadata={"question": row.split("-")[0]}) for row in IDS]
    config = {"evaluation.primary": "acc", "evaluation.cluster_by": cluster_by, "expect.acc.mean": "> 0.6"}
    return conclude([scored], {arm: {"rows": len(IDS)} for arm in values}, rows, config)


@pytest.mark.parametrize("kind", ["binary", "continuous", "corpus"])
def test_an_arms_interval_is_over_clusters(kind: str) -> None:
    alone, clustered = (concluded(by, kind) for by in (None, "question"))
    narrow, wide = (found["metrics"]["acc"]["arms"]["tuned"] for found in (alone, clustered))
    assert narrow["mean"] == wide["mean"] == 0.75
    assert narrow["ci_high"] - narrow["ci_low"] < 0.12
    half = 2.201 * np.std(ANSWERS["tuned"], ddof=1) / CLUSTERS**0.5  # t, 11 degrees of freedom
    assert wide["ci_low"] == pytest.approx(0.75 - half, abs=1e-3)
    assert wide["ci_high"] == pytest.approx(1)
    assert alone["expectations"][0]["holds"]
    assert not clustered["expectations"][0]["holds"]


def test_clusters_of_one_row_change_nothing() -> None:
    metric = Metric("acc", direction="higher", low=0, high=1, kind="binary")
    values = {"base": dict.fromkeys(IDS, 0.0), "tuned": {row: float(at % 3 > 0) for at, row in enumerate(IDS)}}
    scored = Scored("e", "e|1", (metric,), {"acc": values}, {"acc": values}, {}, ())
    rows = [Sample(id=row, arm="tuned", target="", output="", metadata={"question": row}) for row in IDS]
    found = [
        conclude(
            [scored],
            {arm: {"rows": len(IDS)} for arm in values},
            rows,
            {"evaluation.primary": "acc", "evaluation.cluster_by": by},
        )["metrics"]["acc"]["arms"]
        for by in (None, "question")
    ]
    assert found[0] == found[1]

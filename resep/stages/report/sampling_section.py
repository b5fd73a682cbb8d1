"""What the steps `sample` and `balance` found, as strings for the templates. Texts of rows are escaped by these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from resep.stages.report.data_charts import cluster_map, elbow_curve

_NAMES = {
    "random": "by lot",
    "stratified": "by lot within each label",
    "cluster": "by lot within each cluster",
    "kcentre": "k-centre (far from each other)",
    "facility": "facility location (near to all others)",
}
_CLEAR = 0.02  # a difference of distances that is worth a word: a fiftieth
_MOST_LABELS = 12


def samplings(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One value for each step `sample` that ran."""
    found = [step.get("findings") or {} for step in steps if step["name"] == "sample"]
    return [_sampling(findings) for findings in found if "strategy" in findings]


def balancing(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One value for each step `balance` that ran."""
    found = [step.get("findings") or {} for step in steps if step["name"] == "balance"]
    return [
        {
            "by": findings["by"],
            "strategy": findings["strategy"],
            "ratio_before": findings["ratio_before"],
            "ratio_after": findings["ratio_after"],
            "rows": [
                (value[:60], f"{count:,}", f"{findings['after'][value]:,}")
                for value, count in findings["before"].items()
            ],
        }
        for findings in found
        if findings.get("before")
    ]


def _sampling(findings: Mapping[str, Any]) -> dict[str, Any]:
    elbow = findings.get("elbow") or {"count": None, "tried": []}
    coverage = findings.get("coverage")
    labels = [
        (label["label"][:60], f"{label['size']:,}", f"{label['chosen']:,}") for label in findings.get("labels") or ()
    ]
    return {
        "title": f"{findings['rows_out']:,} of {findings['rows_in']:,} rows, {_NAMES[findings['strategy']]}",
        "by": ", ".join(findings.get("by") or ()),
        "labels": labels[:_MOST_LABELS],
        "more_labels": labels[_MOST_LABELS:],
        "clusters": [_cluster(cluster, findings) for cluster in findings.get("clusters") or ()],
        "map": cluster_map(findings.get("points") or ()),
        "elbow": elbow_curve(elbow["tried"], elbow["count"]),
        "count": elbow["count"],
        "coverage": _coverage(coverage) if coverage else None,
        "coverage_text": _in_words(coverage) if coverage else None,
        "fitted": f"{findings['fitted_rows']:,}" if "fitted_rows" in findings else None,
        "silent": f"{findings['silent_rows']:,}" if findings.get("silent_rows") else None,
    }


def _cluster(cluster: Mapping[str, Any], findings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": cluster["id"] + 1,
        "hue": cluster["id"] % 8,
        "size": f"{cluster['size']:,}",
        "size_share": f"{cluster['size'] / max(1, findings['rows_in']):.1%}",
        "chosen": f"{cluster['chosen']:,}",
        "chosen_share": f"{cluster['chosen'] / max(1, findings['rows_out']):.1%}",
        "terms": ", ".join(cluster["terms"]),
        "examples": cluster["examples"],
    }


def _coverage(coverage: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(what, of the kept rows, of as many drawn by lot)."""
    return [
        (name, f"{coverage['chosen'][key]:.3f}", f"{coverage['random'][key]:.3f}")
        for name, key in (("on average", "mean"), ("95% of rows within", "p95"))
    ]


def _in_words(coverage: Mapping[str, Any]) -> str:
    """Whether the choice is better than drawing lots, said as it is."""
    mean, far = (_compared(coverage["chosen"][key], coverage["random"][key]) for key in ("mean", "p95"))
    if mean == far:
        said = {"nearer": "are nearer", "farther": "are farther away", "as near": "are no nearer"}[mean]
        return f"Rows {said} than with a draw by lot, on average and at the edge alike" + (
            ": here sampling was not worth its time." if mean != "nearer" else "."
        )
    edge = {"nearer": "is nearer", "farther": "is farther away", "as near": "is as near as with a draw by lot"}[far]
    middle = {"nearer": "nearer than with a draw by lot", "farther": "farther away", "as near": "no nearer"}[mean]
    return f"The average row is {middle}; the edge, where rare rows are, {edge}."


def _compared(chosen: float, by_lot: float) -> str:
    if abs(chosen - by_lot) <= _CLEAR * max(by_lot, 1e-9):
        return "as near"
    return "nearer" if chosen < by_lot else "farther"

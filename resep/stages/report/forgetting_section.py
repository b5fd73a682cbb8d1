"""What the page says of catastrophic forgetting: the arms on texts that have nothing to do with the task, paired."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from resep.rounding import p_text, places, plain, signed
from resep.stages.report.tables import range_text, tone_of

_UNTUNED = "base"  # what was there before, in the same format; the verdict's baseline may be another arm
_NOTABLE = 0.02  # of the bits per byte before: more is worth a word even where chance cannot be ruled out
_PROSE, _QUESTIONS, _OFF_TASK = "general_bits_per_byte", "general_accuracy", "off_task_leak"
_LABELS: Mapping[str, str] = {
    _PROSE: "bits per byte of general prose",
    _QUESTIONS: "general questions answered rightly",
    _OFF_TASK: "off-task prompts answered in the form of the task",
    "lm_eval_score": "tasks of the harness, score per document",
    "lm_eval_bits_per_byte": "tasks of the harness, bits per byte",
}
_FORMS = {
    "json": "JSON",
    "numbered": "numbered steps",
    "inline": "numbers within a line",
    "bulleted": "bullets",
    "label": "one of a few labels",
}


def forgetting_section(results: Mapping[str, Any]) -> dict[str, Any]:
    """The section's strings. It always stands there; `rows` is empty where nothing was measured."""
    found = results["controls"].get("forgetting", {})
    pairs = {name: pair for name in _LABELS if (pair := _pair(results, name))}
    before, after = next(((c["baseline"], c["candidate"]) for c in pairs.values()), (None, None))
    return {
        "before": before,
        "after": after,
        "rows": [_row(name, results["metrics"][name], pair) for name, pair in pairs.items()],
        "reading": list(_reading(pairs)) if pairs else ["Nothing was compared, so nothing can be said of it."],
        "notes": list(_notes(found, results)),
        "off_task": [_off_task(each, before, after) for each in found.get("off_task", [])],
        "measured": "forgetting" in results["controls"] or bool(pairs),
    }


def _pair(results: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """The comparison with the untuned model, else with the verdict's baseline; None where there is none."""
    compared: Sequence[Mapping[str, Any]] = results["metrics"].get(name, {}).get("comparisons", [])
    for baseline in (_UNTUNED, results["verdict"]["baseline"]):
        for comparison in compared:
            if comparison["baseline"] == baseline and comparison["delta"] is not None:
                return comparison
    return None


def _row(name: str, metric: Mapping[str, Any], c: Mapping[str, Any]) -> dict[str, Any]:
    d = places(c["ci_low"], c["ci_high"])
    return {
        "name": name,
        "label": _LABELS[name],
        "before": plain(c["baseline_mean"], d),
        "after": plain(c["candidate_mean"], d),
        "delta": signed(c["delta"], d),
        "interval": range_text(c, d),
        "p": p_text(c["p_adjusted"]),
        "n": c["n"],
        "tone": tone_of(metric, c),
    }


def _reading(pairs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each of the three questions that was asked, good or bad."""
    if prose := pairs.get(_PROSE):
        yield _of_prose(prose)
    if questions := pairs.get(_QUESTIONS):
        share = f"{questions['baseline_mean']:.0%} before, {questions['candidate_mean']:.0%} after"
        yield f"General questions: {share} ({questions['n']} questions, one answer of four); {_loss(questions)}."
    if leak := pairs.get(_OFF_TASK):
        share = f"{leak['candidate_mean']:.0%} of them after tuning, {leak['baseline_mean']:.0%} before"
        yield f"Prompts that have nothing to do with the task are answered in its form: {share}."


def _of_prose(c: Mapping[str, Any]) -> str:
    share = c["delta"] / c["baseline_mean"] if c["baseline_mean"] else 0.0
    told = f"General prose costs {abs(share):.1%} {'more' if share > 0 else 'fewer'} bits per byte than before"
    if c["ci_low"] is not None and c["ci_low"] > 0:
        return f"{told}: the model has forgotten some of it."
    if share > _NOTABLE:
        return f"{told}, though these passages cannot rule out chance."
    if c["ci_high"] is None:
        return f"{told}; these passages are too few to tell."
    most = math.ceil(1000 * c["ci_high"] / c["baseline_mean"] - 1e-9) / 10 if c["baseline_mean"] else 0.0
    possible = f", but up to {most:.1f}% more is possible (95% interval)" if most > 0 else ""
    return f"{told}: no forgetting was shown{possible}."


def _loss(c: Mapping[str, Any]) -> str:
    """Whether a loss was shown; where none was, the largest that the interval leaves room for."""
    if c["ci_low"] is None or c["ci_high"] is None:
        return "these are too few to tell"
    if c["ci_high"] < 0:
        return "fewer are answered rightly than before"
    most = math.ceil(-100 * c["ci_low"] - 1e-9)
    possible = f", but one of up to {most} percentage points is possible (95% interval)" if c["ci_low"] < 0 else ""
    return f"no loss was shown{possible}"


def _notes(found: Mapping[str, Any], results: Mapping[str, Any]) -> Iterator[str]:
    if found:
        form = _FORMS.get(found.get("form") or "")
        yield (
            f"Most training answers have a form of their own, {form}: it is looked for in the answers to other prompts."
            if form
            else "The training answers have no form of their own, so none could show in the answers to other prompts."
        )
    elif (arms := results.get("arms")) and all(facts.get("served_as") for facts in arms.values()):
        yield "Servers answered for every arm: weights that are not here cannot be asked what they have forgotten."
    elif results["metrics"]:
        yield "The general texts that come with Resep were not asked: add forgetting: {} to evaluation.evaluators."
    for arm in found.get("left_out", []):
        yield f"{arm} could not be asked: its weights are not here."
    if found and "lm_eval" not in results["controls"]:
        yield "A few dozen texts show a loss, not a model's worth: lm_eval adds any task of EleutherAI's harness."


def _off_task(each: Mapping[str, Any], before: str | None, after: str | None) -> dict[str, Any]:
    replies: Mapping[str, str] = each["replies"]
    arms = [arm for arm in (before, after) if arm in replies] or list(replies)
    return {"prompt": each["prompt"], "replies": [(arm, replies[arm]) for arm in arms if arm]}

"""What the page says of a judge beside its scores: who it was, how far its place and length bias went, what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from resep.rounding import NOTHING, signed

_MODES = {
    "rubric": "rated every answer from 1 to 5, one criterion at a time",
    "pairwise": "said which of two answers is better, in both orders",
    "both": "rated every answer from 1 to 5, one criterion at a time, and said which of two is better, in both orders",
}


def judge_section(results: Mapping[str, Any], summary: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The section's strings; `skipped` alone where nobody was asked; None where the recipe has no judge.

    `summary`: that of the people's ratings, against which a judge is held; None where there is none.
    """
    found = results["controls"].get("judge", {}).get("judge")
    if found is None:
        return None
    if "skipped" in found:
        return {"skipped": found["skipped"]}
    arms = list(results["arms"])
    return {
        "skipped": None,
        "who": _who(found),
        "facts": list(_facts(found, summary)),
        "criteria": [(name, said["question"]) for name, said in found["criteria"].items()],
        "arms": arms,
        "length": [(name, *_length(rho, arms)) for name, rho in found["length"].items()],
    }


def _length(rho: Mapping[str, Any], arms: Sequence[str]) -> tuple[str, list[str], str]:
    """A metric's correlation with length: within arms, in each of them, pooled."""
    return signed(rho.get("within"), 2), [signed(rho["arms"].get(arm), 2) for arm in arms], signed(rho["all"], 2)


def _who(found: Mapping[str, Any]) -> str:
    served = [name for name in found["served_as"] if name != found["model"]]
    by_name = f" (served as {', '.join(served)})" if served else ""
    shown = "with the reference before it" if found["reference"] else "without the reference"
    return f"{found['model']}{by_name} {_MODES[found['mode']]}, {shown}."


def _facts(found: Mapping[str, Any], summary: Mapping[str, Any] | None) -> Iterator[str]:
    expected = found["expected_scores"]
    if expected["ratings"]:
        yield _expected(expected)
    if position := found["position"]:
        yield _position(position)
    yield _validated(summary)
    yield _cost(found["cost"])


def _expected(expected: Mapping[str, Any]) -> str:
    ratings, graded = expected["ratings"], expected["with_logprobs"]
    if not graded:
        return f"All {ratings:,} ratings are whole numbers: the judge gave no log-probabilities."
    least = f"the least probability on the numbers was {expected['least_mass']:.2f}"
    return f"{graded:,} of {ratings:,} ratings are expected scores over log-probabilities; {least}."


def _position(position: Mapping[str, Any]) -> str:
    same = f"; {position['identical']:,} more pairs had the same words on both sides and count as ties"
    unread = f"; {position['unread']:,} could not be read" if position["unread"] else ""
    rest = (same if position["identical"] else "") + unread
    if not position["pairs"]:
        return f"No pair was asked in both orders{rest}."
    return (
        f"Position consistency {position['consistency']:.0%}: of {position['pairs']:,} pairs asked in both orders, "
        f"{position['consistent']:,} got the same answer twice. Of the others, {position['first']:,} went to the first "
        f"answer both times, {position['second']:,} to the second, and {position['half']:,} were a tie in one order"
        f"{rest}. A pair is won only in both orders."
    )


def _validated(summary: Mapping[str, Any] | None) -> str:
    known = [e for e in (summary or {}).get("agreement", ()) if e["metric"].startswith("judge_") and e["answers"]]
    if not known:
        return "No person has rated these answers: how far this judge agrees with people is not known."
    told = "; ".join(f"{entry['metric']} {_held(entry)}" for entry in known)
    return f"Held against people who rated the same answers: {told}."


def _held(entry: Mapping[str, Any]) -> str:
    """How one of the judge's metrics agrees with people."""
    rho = [] if entry["spearman"] is None else [f"rho {signed(entry['spearman'], 2)} within arms"]
    share = [] if entry["share"] is None else [f"the same side in {entry['share']:.0%} of rows"]
    bias = [] if entry["bias"] is None else [f"{signed(entry['bias'], 2)} points on average"]
    return ", ".join([*rho, *share, *bias]) or "could not be told"


def _cost(cost: Mapping[str, Any]) -> str:
    read, wrote = (NOTHING if cost[side] is None else f"{cost[side]:,}" for side in ("input", "output"))
    price = "" if cost["price"] is None else f", {cost['price']:,.4f} at the recipe's price"
    return (
        f"{cost['questions']:,} questions, {read} tokens read and {wrote} written{price}. Answers are kept: the same "
        "questions cost nothing the next time."
    )

"""What a reader must know of a judge before believing it: position, length, its own family, and what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from resep.correlation import mean_within, spearman
from resep.judging_answers.settings import PREFERENCE, Settings
from resep.records import Sample, Score

_CONSISTENT = 0.8  # of the pairs: below, a preference says as much about places as about answers
_LONG = 0.5  # a correlation with length within arms from which on it is warned of
_FEW = 10  # answers below which no correlation is given


def findings(
    samples: Sequence[Sample], scores: Sequence[Score], settings: Settings, arms: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """`judge`: the facts of the report's section; `warnings`: what must not be overlooked."""
    facts: dict[str, Any] = {
        "model": settings.model,
        "served_as": sorted({name for score in scores for name in score.detail.get("served_as", ())}),
        "mode": settings.mode,
        "criteria": {criterion.name: criterion.option for criterion in settings.criteria},
        "reference": settings.reference,
        "expected_scores": _expected(scores),
        "position": _position(scores),
        "length": _length(samples, scores),
        "cost": _cost(scores, settings),
    }
    return {"judge": facts, "warnings": list(_warnings(facts, arms))}


def _expected(scores: Sequence[Score]) -> dict[str, Any]:
    """How many ratings are expected scores over log-probabilities, and the least mass that lay on the numbers."""
    ratings = [rating for score in scores for rating in score.detail.get("ratings", {}).values()]
    masses = [rating["mass"] for rating in ratings if "mass" in rating]
    return {"ratings": len(ratings), "with_logprobs": len(masses), "least_mass": min(masses, default=None)}


def _position(scores: Sequence[Score]) -> dict[str, Any] | None:
    """Pairs that were asked in both orders: how many gave the same answer twice, and what the others preferred."""
    duels = [duel for score in scores if (duel := score.detail.get("duel"))]
    if not duels:
        return None
    orders = Counter(tuple(duel["orders"]) for duel in duels if "orders" in duel)
    consistent = orders["A", "B"] + orders["B", "A"] + orders["C", "C"]
    asked = orders.total()
    return {
        "pairs": asked,
        "consistent": consistent,
        "consistency": consistent / asked if asked else None,
        "first": orders["A", "A"],
        "second": orders["B", "B"],
        "half": asked - consistent - orders["A", "A"] - orders["B", "B"],
        "identical": sum("identical" in duel for duel in duels),
        "unread": sum("orders" not in duel and "identical" not in duel for duel in duels),
    }


def _length(samples: Sequence[Sample], scores: Sequence[Score]) -> dict[str, dict[str, Any]]:
    """Metric -> Spearman's rho of the judge's score with the words of the answer: by arm in `arms`, their mean as
    `within`, and `all` over the answers of all arms, where an arm that is longer and better looks like a liking.

    A preference goes with the words that the answer has more than the one it was compared with.
    """
    arms = list(dict.fromkeys(sample.arm for sample in samples))
    words = {(sample.id, sample.arm): float(len(sample.output.split())) for sample in samples}
    found: dict[str, dict[str, Any]] = {}
    for name in scores[0].values if scores else ():
        pairs = [
            (score.arm, length, value)
            for score in scores
            if (value := score.values.get(name)) is not None
            and (length := _words(score, words, name == PREFERENCE)) is not None
        ]
        by_arm = {arm: _correlation([pair[1:] for pair in pairs if pair[0] == arm]) for arm in arms}
        every = _correlation([pair[1:] for pair in pairs])
        found[name] = {"within": mean_within(by_arm.values()), "all": every, "arms": by_arm}
    return found


def _words(score: Score, words: Mapping[tuple[str, str], float], is_compared: bool) -> float | None:
    own = words[score.id, score.arm]
    if not is_compared:
        return own
    opponent = score.detail.get("duel", {}).get("against")
    return None if opponent is None else own - words[score.id, opponent]


def _correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    if len(pairs) < _FEW:
        return None
    rho = spearman([words for words, _ in pairs], [value for _, value in pairs])
    return None if rho is None else round(rho, 4)


def _cost(scores: Sequence[Score], settings: Settings) -> dict[str, Any]:
    """Of all answers when they were asked for; what is on disk from another run costs nothing again."""
    counted = [score.detail["tokens"] for score in scores if "tokens" in score.detail]
    total = {side: _sum([tokens[side] for tokens in counted]) for side in ("input", "output", "questions")}
    price = _price(total["input"], total["output"], settings.price)
    return {**total, "price": price}


def _price(read: int | None, written: int | None, price: Mapping[str, float]) -> float | None:
    if not price or read is None or written is None:
        return None
    spent = read * price.get("input_per_million", 0.0) + written * price.get("output_per_million", 0.0)
    return round(spent / 1_000_000, 6)


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _warnings(facts: Mapping[str, Any], arms: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    position = facts["position"]
    read = facts["expected_scores"]["ratings"] + (position["pairs"] if position else 0)
    if facts["cost"]["questions"] and not read:
        yield (
            "judge: not one of its answers could be read, so there is no score: it needs a more capable model, or a "
            "larger max_new_tokens for one that thinks aloud"
        )
    if position and position["consistency"] is not None and position["consistency"] < _CONSISTENT:
        yield (
            f"judge: asked in both orders, it gave the same answer for {position['consistent']} of "
            f"{position['pairs']} pairs only: it looks at the place of an answer, too"
        )
    for metric, found in facts["length"].items():
        rho = found["within"]
        if rho is not None and abs(rho) >= _LONG:
            kind = "longer" if rho > 0 else "shorter"
            yield f"judge: {metric} goes with length (rho {rho:+.2f} within arms): {kind} answers get more"
    related = [arm for arm, card in arms.items() if _same_model(facts["model"], card.get("model"))]
    if related:
        yield f"judge: it judges its own model ({', '.join(related)}): models prefer what they wrote themselves"


def _same_model(judge: str, answering: Any) -> bool:
    return isinstance(answering, str) and judge.partition("@")[0] in (answering.partition("#")[0], answering)

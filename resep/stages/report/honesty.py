"""What a doubting reader asks of a comparison, answered from what the arms noted when they answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from resep.rounding import NOTHING
from resep.stages.report.text import shown


def arm_table(results: Mapping[str, Any]) -> list[dict[str, str]]:
    """A row per arm: model, precision, template, how many answers were cut or empty, and a digest of its prompts."""
    return [
        {
            "arm": arm,
            "model": _said(facts, "model"),
            "precision": _said(facts, "precision"),
            "template": _said(facts, "template"),
            "rows": f"{facts['rows']:,}",
            "truncated": _count(facts, "truncated"),
            "empty": _count(facts, "empty"),
            "prompts": _said(facts, "prompt_sha256")[:8],
        }
        for arm, facts in results["arms"].items()
    ]


def assurances(results: Mapping[str, Any]) -> list[str]:
    """Sentences on prompts, decoding, proof, leakage and repeated questions; each says what was found, good or bad."""
    return [
        *_same_prompts(results),
        *_servers(results),
        *_same_decoding(results),
        *_proofs(results),
        *_merged(results.get("merged")),
        *_questions(results["prompts"]),
    ]


def _same_prompts(results: Mapping[str, Any]) -> Iterator[str]:
    candidate = results["verdict"]["candidate"]
    own = results["arms"].get(candidate, {}).get("prompt_sha256")
    for arm, facts in results["arms"].items():
        other = facts.get("prompt_sha256")
        if arm == candidate or own is None or other is None:
            continue
        if other != own and facts.get("examples") != results["arms"][candidate].get("examples"):
            yield f"{arm} was {_shown_examples(facts)}; {candidate} was {_shown_examples(results['arms'][candidate])}."
        elif other == own:
            yield f"{arm} and {candidate} were asked with the same rendered prompts, to the letter (equal sha256)."
        else:
            yield (
                f"{arm} and {candidate} were asked the same questions, rendered differently "
                f"({_said(facts, 'template')}; {_said(results['arms'][candidate], 'template')})."
            )


def _shown_examples(facts: Mapping[str, Any]) -> str:
    examples = facts.get("examples")
    if not examples:
        return "asked without examples"
    how = {"drawn": "the same for all", "per_class": "the same for all, one of each class in turn"}
    chosen = how.get(examples["choose"], "those most like it")
    return f"shown {examples['count']} training row{'s' * (examples['count'] != 1)} before each question ({chosen})"


def _servers(results: Mapping[str, Any]) -> Iterator[str]:
    for arm, facts in results["arms"].items():
        if facts.get("weights") == "endpoint":
            names = ", ".join(shown(name, 120) for name in facts.get("served_as") or ())
            yield (
                f"{arm} was answered by a server ({_said(facts, 'model')}), where {names or 'nobody'} answered: "
                "who runs it may put another model behind the name, so these answers may not come again."
            )


def _same_decoding(results: Mapping[str, Any]) -> Iterator[str]:
    decodings = {arm: facts.get("decoding") for arm, facts in results["arms"].items()}
    known = [decoding for decoding in decodings.values() if decoding is not None]
    if len(known) < 2:
        return
    if all(decoding == known[0] for decoding in known):
        yield f"Every arm decoded alike ({_listed(known[0])})."
    else:
        yield (
            "The arms did NOT decode alike: " + "; ".join(f"{arm}: {_listed(d)}" for arm, d in decodings.items()) + "."
        )


def _proofs(results: Mapping[str, Any]) -> Iterator[str]:
    proofs = {arm: facts["proof"] for arm, facts in results["arms"].items() if facts.get("proof")}
    for arm, proof in proofs.items():
        yield f"Proof that {arm} is what it is called ({_listed(proof)})."
    if not proofs:
        yield "No proof was kept that the base side is the unchanged base model."


def _merged(facts: Mapping[str, Any] | None) -> Iterator[str]:
    if facts is None:
        return
    parted = f", {facts['ties']} part where two tokens are as good as even" if facts["ties"] else ""
    yield (
        f"The merged model (model/, {facts['dtype']}, {facts['bytes'] / 1e9:.2f} GB) is base and adapter: on "
        f"{facts['prompts']} test prompts its logits differ from theirs by at most {facts['largest_difference']:.2g} "
        f"(rounding explains {facts['tolerance']:.2g}, the adapter changes {facts['adapter_effect']:.2g}), and "
        f"{facts['equal_answers']} of {facts['prompts']} greedy answers are the same{parted}."
    )
    if other := facts["from_evaluated"]:
        yield (
            f"The merged model is NOT the one that was evaluated: its base has the original weights, not the 4-bit "
            f"ones; the logits differ by up to {other['largest_difference']:.2g}, {other['equal_answers']} of "
            f"{facts['prompts']} greedy answers are the same."
        )


def _questions(prompts: Mapping[str, int]) -> Iterator[str]:
    yield f"{prompts['also_trained']} of {prompts['rows']} test prompts occur, to the letter, among the training rows."
    yield f"{prompts['distinct']} of {prompts['rows']} test prompts are different from one another."


def _listed(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_listed(inner)}" for key, inner in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else shown(str(value), 200)


def _said(facts: Mapping[str, Any], key: str) -> str:
    value = facts.get(key)
    return NOTHING if value is None else shown(str(value), 120)


def _count(facts: Mapping[str, Any], key: str) -> str:
    count = facts.get(key)
    return NOTHING if count is None else f"{count:,} ({count / max(1, facts['rows']):.0%})" if count else "0"

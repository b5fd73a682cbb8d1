"""What the tokenise stage has to say: counts per split, what was or would be lost, warnings, why it cannot go on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resep.stages.tokenise.lengths import histogram, quantiles, suggested_length
from resep.stages.tokenise.losses import Losses, would_lose
from resep.templates import Encoded, Template, Tokenizer, TrainOn

SHOWN_ROWS = 5  # of the longest, in an error
LISTED_MARKER_IDS = 20


@dataclass(frozen=True)
class Rule:
    """How every row of a task is encoded. `limit` is training.sequence_len, `policy` training.overflow."""

    template: Template
    tokenizer: Tokenizer
    train_on: TrainOn
    limit: int
    policy: str
    markers: tuple[str, ...]


@dataclass
class Lengths:
    """Rows by their number of tokens, before any cut: whole, what is asked, and what is answered.

    In training and validation rows what is answered is what is trained on, in test rows the answer that is compared.
    """

    tokens: Counter[int] = field(default_factory=Counter)
    prompt_tokens: Counter[int] = field(default_factory=Counter)
    answer_tokens: Counter[int] = field(default_factory=Counter)

    def add(self, tokens: int, answer_tokens: int) -> None:
        """Count a row."""
        self.tokens[tokens] += 1
        self.prompt_tokens[tokens - answer_tokens] += 1
        self.answer_tokens[answer_tokens] += 1


@dataclass
class Tally:
    """What was seen of one split. `rows` and tokens are those written; `lengths` and `losses` are before any cut."""

    rows: int = 0
    tokens: int = 0
    trained_tokens: int = 0
    overflow: list[dict[str, Any]] = field(default_factory=list)
    marker_ids: list[str] = field(default_factory=list)
    lengths: Lengths = field(default_factory=Lengths)
    losses: Losses = field(default_factory=Losses)

    def add(self, encoded: Encoded) -> None:
        """Count a row that is written."""
        self.rows += 1
        self.tokens += len(encoded.ids)
        self.trained_tokens += sum(encoded.trained)


def statistics(tallies: Mapping[str, Tally], test: Lengths, rule: Rule) -> dict[str, Any]:
    """What statistics.json says."""
    marker_ids = [row for tally in tallies.values() for row in tally.marker_ids]
    overflow = [entry for tally in tallies.values() for entry in tally.overflow]
    whole = all_lengths(tallies.values())
    return {
        "splits": split_statistics(tallies, test),
        "sequence_len": {str(share): suggested_length(whole, share / 100) for share in (99, 100)} if whole else {},
        "overflow": overflow,
        "overflow_would_lose": would_lose(tally.losses for tally in tallies.values()),
        "markers": list(rule.markers),
        "marker_rows": len(marker_ids),
        "marker_ids": marker_ids[:LISTED_MARKER_IDS],
        "warnings": [*_overflow_warnings(overflow, rule), *_marker_warnings(marker_ids, rule)],
    }


def split_statistics(tallies: Mapping[str, Tally], test: Lengths) -> dict[str, Any]:
    """What statistics.json says of each split."""
    return {**{split: _of_split(tally) for split, tally in tallies.items()}, "test": _of_test(test)}


def lengths(tallies: Mapping[str, Tally], test: Lengths) -> dict[str, Any]:
    """What lengths.json says: split -> what is counted -> number of tokens -> rows."""
    every = {**{split: tally.lengths for split, tally in tallies.items()}, "test": test}
    return {
        split: {name: {str(tokens): counts[tokens] for tokens in sorted(counts)} for name, counts in vars(of).items()}
        for split, of in every.items()
    }


def all_lengths(tallies: Iterable[Tally]) -> Counter[int]:
    """Rows by their length, of all splits that training reads."""
    whole: Counter[int] = Counter()
    for tally in tallies:
        whole.update(tally.lengths.tokens)
    return whole


def _of_split(tally: Tally) -> dict[str, Any]:
    return {
        "rows": tally.rows,
        "tokens": tally.tokens,
        "trained_tokens": tally.trained_tokens,
        "longest": max(tally.lengths.tokens, default=0),
        "over_limit": len(tally.overflow),
        **_described(tally.lengths),
    }


def _of_test(test: Lengths) -> dict[str, Any]:
    tokens = sum(length * rows for length, rows in test.tokens.items())
    return {"rows": test.tokens.total(), "tokens": tokens, "longest": max(test.tokens, default=0), **_described(test)}


def _described(of: Lengths) -> dict[str, Any]:
    return {
        "quantiles": {name: quantiles(counts) for name, counts in vars(of).items()},
        "histogram": {str(upper): rows for upper, rows in histogram(of.tokens)},
    }


def _overflow_warnings(overflow: list[dict[str, Any]], rule: Rule) -> Iterator[str]:
    if overflow:
        lost = sum(entry["tokens"] - entry["kept"] for entry in overflow)
        yield (
            f"{len(overflow)} rows have more than training.sequence_len {rule.limit} tokens; training.overflow "
            f"{rule.policy} took {lost} tokens from them (statistics.json names each row and what it lost)"
        )


def _marker_warnings(marker_ids: list[str], rule: Rule) -> Iterator[str]:
    if marker_ids:
        yield (
            f"{len(marker_ids)} rows contain {', '.join(rule.markers)}, which the chat template '{rule.template.name}' "
            f"writes between turns and this model's tokenizer reads as plain text, so that the model cannot tell them "
            f"apart: rows {', '.join(marker_ids[:SHOWN_ROWS])}{', ...' if len(marker_ids) > SHOWN_ROWS else ''}"
        )


def why_too_long(tallies: Mapping[str, Tally], limit: int, prepared: Path) -> str:
    """The message for rows above the limit where none may be lost: the longest, and what would let them pass."""
    overflow = [entry for tally in tallies.values() for entry in tally.overflow]
    worst = sorted(overflow, key=lambda entry: -entry["tokens"])[:SHOWN_ROWS]
    where = places(prepared, {entry["id"] for entry in worst})
    whole = all_lengths(tallies.values())
    most = suggested_length(whole, 0.99)
    enough = f" ({most} holds 99% of the rows whole)" if limit < most < worst[0]["tokens"] else ""
    return "\n".join(
        [
            f"{len(overflow)} of {whole.total()} rows have more tokens than training.sequence_len ({limit}); "
            "the longest:",
            *(f"  {e['split']} row {e['id']}{where.get(e['id'], '')}: {e['tokens']} tokens" for e in worst),
            f"set training.sequence_len to at least {worst[0]['tokens']}{enough}, or training.overflow to",
            *(f"  {told}" for told in Losses.total(tally.losses for tally in tallies.values()).in_words()),
        ]
    )


def why_no_rows(dropped: int, limit: int) -> str:
    """The message for a training split without rows."""
    if dropped:
        return (
            f"no training rows are left: {dropped} rows have more tokens than training.sequence_len ({limit}) and "
            f"training.overflow drops them; raise training.sequence_len"
        )
    return "no training rows: prepare left train.jsonl empty; its ledger.jsonl says where every row went"


def places(prepared: Path, ids: set[str]) -> dict[str, str]:
    """id -> ` (file:line)` from prepare's ledger. Only for messages: the ledger is no input of this stage."""
    ledger = prepared / "ledger.jsonl"
    if not ledger.is_file():
        return {}
    with ledger.open(encoding="utf-8") as lines:
        entries = (json.loads(line) for line in lines)
        return {entry["id"]: f" ({entry['file']}:{entry['line']})" for entry in entries if entry["id"] in ids}

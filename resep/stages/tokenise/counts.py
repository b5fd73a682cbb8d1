"""What the tokenise stage has to say: counts per split, warnings, and why it cannot go on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resep.templates import Template, Tokenizer, TrainOn

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
class Tally:
    """What was seen of one split. `rows` and tokens are those written; `longest` counts before any cut."""

    rows: int = 0
    tokens: int = 0
    trained_tokens: int = 0
    longest: int = 0
    overflow: list[dict[str, Any]] = field(default_factory=list)
    marker_ids: list[str] = field(default_factory=list)


def statistics(tallies: Mapping[str, Tally], overflow: list[dict[str, Any]], rule: Rule) -> dict[str, Any]:
    """What statistics.json says."""
    marker_ids = [row for tally in tallies.values() for row in tally.marker_ids]
    return {
        "splits": {
            split: {
                "rows": tally.rows,
                "tokens": tally.tokens,
                "trained_tokens": tally.trained_tokens,
                "longest": tally.longest,
                "over_limit": len(tally.overflow),
            }
            for split, tally in tallies.items()
        },
        "overflow": overflow,
        "markers": list(rule.markers),
        "marker_rows": len(marker_ids),
        "marker_ids": marker_ids[:LISTED_MARKER_IDS],
        "warnings": [*_overflow_warnings(overflow, rule), *_marker_warnings(marker_ids, rule)],
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


def why_too_long(overflow: list[dict[str, Any]], tallies: Mapping[str, Tally], limit: int, prepared: Path) -> str:
    """The message for rows above the limit where none may be lost: the longest, and what would let them pass."""
    worst = sorted(overflow, key=lambda entry: -entry["tokens"])[:SHOWN_ROWS]
    where = places(prepared, {entry["id"] for entry in worst})
    rows = sum(tally.rows for tally in tallies.values()) + len(overflow)
    return "\n".join(
        [
            f"{len(overflow)} of {rows} rows have more tokens than training.sequence_len ({limit}); the longest:",
            *(f"  {e['split']} row {e['id']}{where.get(e['id'], '')}: {e['tokens']} tokens" for e in worst),
            f"set training.sequence_len to at least {worst[0]['tokens']}, or training.overflow to drop, "
            f"truncate_prompt or truncate_response",
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

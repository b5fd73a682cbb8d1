"""What each policy for rows above training.sequence_len would lose, whichever of them the recipe has chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from resep.templates import Encoded


@dataclass
class Losses:
    """Sums over the rows above the limit.

    `tokens` and `trained_tokens` are all that they have, `beyond` what lies beyond the limit and `trained_beyond` the
    trained part of it. `no_answer`: rows whose answer begins beyond the limit, which cutting the answer would leave
    without one. `answers_too_long`: rows whose answer alone is above it, which cutting the question cannot mend.
    """

    rows: int = 0
    tokens: int = 0
    trained_tokens: int = 0
    beyond: int = 0
    trained_beyond: int = 0
    no_answer: int = 0
    answers_too_long: int = 0

    def add(self, encoded: Encoded, limit: int) -> None:
        """Count a row above the limit."""
        trained, trained_beyond = sum(encoded.trained), sum(encoded.trained[limit:])
        self.rows += 1
        self.tokens += len(encoded.ids)
        self.trained_tokens += trained
        self.beyond += len(encoded.ids) - limit
        self.trained_beyond += trained_beyond
        self.no_answer += trained == trained_beyond
        self.answers_too_long += trained >= limit

    @classmethod
    def total(cls, parts: Iterable[Losses]) -> Losses:
        """The sums over several splits."""
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return cls(*(sum(column) for column in columns))

    def in_words(self) -> Iterator[str]:
        """A line per policy."""
        rows = f"{self.rows} row{'s' * (self.rows != 1)}"
        yield f"drop: loses {rows} with {self.tokens} tokens, {self.trained_tokens} of them trained on"
        stuck = _stuck(self.answers_too_long, "the answer alone is too long")
        yield f"truncate_prompt: loses {self.beyond} tokens or a few more of what is asked in {rows}{stuck}"
        stuck = _stuck(self.no_answer, "the prompt alone is too long")
        lost = f"{self.beyond} tokens, {self.trained_beyond} of them trained on"
        yield f"truncate_response: loses {lost}, of {rows}{stuck}"


def would_lose(parts: Iterable[Losses]) -> dict[str, dict[str, Any]]:
    """The same for statistics.json. `stuck`: rows that the policy cannot make fit, which stop the run.

    The tokens of truncate_prompt are the least that it takes: it cuts whole words and whole exchanges.
    """
    total = Losses.total(parts)
    if not total.rows:
        return {}
    shortened = {"rows": 0, "tokens": total.beyond}
    return {
        "drop": {"rows": total.rows, "tokens": total.tokens, "trained_tokens": total.trained_tokens, "stuck": 0},
        "truncate_prompt": {**shortened, "trained_tokens": 0, "stuck": total.answers_too_long},
        "truncate_response": {**shortened, "trained_tokens": total.trained_beyond, "stuck": total.no_answer},
    }


def _stuck(rows: int, why: str) -> str:
    return f"; not possible in {rows} of them: {why}" if rows else ""

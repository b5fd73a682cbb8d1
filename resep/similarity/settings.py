"""What the options of `deduplicate` and `decontaminate` may be, for those who check a recipe and those who run it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

LEAST: Final = 0.5  # likeness that is looked for: below, far too many rows that are not alike would be compared
FEWEST_WORDS: Final = 5  # in a run: fewer are shared by chance

_NUMBER = (int, float)


def deduplicating_faults(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(option, what is wrong with it)."""
    near = options.get("near")
    if _is_out_of_range(near):
        yield "near", f"{near:g} is no likeness to look for: from {LEAST} (half the same) to 1, or null"


def decontaminating_faults(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(option, what is wrong with it)."""
    threshold, ngram = options.get("threshold"), options.get("ngram")
    if not options.get("files"):
        yield "files", "'files' is missing: the files of test rows, relative to the recipe: `files: [test.jsonl]`"
    if _is_out_of_range(threshold):
        yield "threshold", f"{threshold:g} is no likeness to look for: from {LEAST} (half the same) to 1"
    if isinstance(ngram, int) and ngram < FEWEST_WORDS:
        yield "ngram", f"so few words are shared by chance: from {FEWEST_WORDS} on, or null for whole questions only"


def _is_out_of_range(likeness: object) -> bool:
    return isinstance(likeness, _NUMBER) and not isinstance(likeness, bool) and not LEAST <= likeness <= 1

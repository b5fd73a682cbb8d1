"""What a recipe's section `split` asks for, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from resep.splits import SPLITS


@dataclass(frozen=True)
class SplitRule:
    """How rows are shared out.

    `fractions` of the rows per split, in the order of SPLITS; where the data brings its splits along, only that of
    validation counts: the share of the training rows that is taken where no validation rows are given.
    `stratify`: `cover` gives every class a row in every split and leaves the shares to chance, `exact` gives each class
    its share to within one row. `stratify_by` is the field's name, for what is said of its classes.
    """

    fractions: Mapping[str, float] = field(default_factory=dict)
    by: Literal["prompt", "time", "split"] = "prompt"
    stratify_by: str | None = None
    stratify: Literal["cover", "exact"] = "cover"
    max_rows: Mapping[str, int] = field(default_factory=dict)
    salt: str = "1"

    @classmethod
    def from_section(cls, section: Mapping[str, Any]) -> SplitRule:
        """The section `split` of a resolved recipe, where an absent key is None."""
        return cls(
            fractions=_given(section["fractions"]),
            by=section["by"],
            stratify_by=section["stratify_by"],
            stratify=section.get("stratify") or "cover",
            max_rows={split: int(limit) for split, limit in _given(section["max_rows"]).items()},
            salt=section["salt"],
        )

    @property
    def ranges(self) -> dict[int, tuple[float, float]]:
        """The code of each split that is asked for, with the positions that it covers."""
        return ranges_of(self.fractions)


def why_no_rows(rule: SplitRule, split: str, kept: int) -> str:
    """The message for a split that needs rows and has none of the `kept` ones."""
    if fraction := rule.fractions.get(split):
        return (
            f"no {split} rows: none of the {kept} rows fell into this split of {fraction:.0%}; give more rows, a "
            f"larger `split.fractions.{split}`, or another `split.salt`"
        )
    return (
        f"no {split} rows: `split` goes by what the data says, and it says so of none of the {kept} rows that were "
        f"kept; look at the files that `split.files.{split}` names, or at the field 'split'"
    )


def ranges_of(fractions: Mapping[str, float]) -> dict[int, tuple[float, float]]:
    """One after the other from 0, in the order of SPLITS; a split of no rows has none."""
    ranges, low = {}, 0.0
    for code, split in enumerate(SPLITS):
        if fraction := fractions.get(split) or 0:
            ranges[code] = (low, low + fraction)
            low += fraction
    return ranges


def _given(section: Mapping[str, Any] | None) -> dict[str, float]:
    return {split: section[split] for split in SPLITS if section and section.get(split)}

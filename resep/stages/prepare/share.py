"""The second pass: share the examples out to their splits, complete the ledger, count what the splits hold."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from resep.stages.prepare.clean import EXAMPLES, LEDGER, Cleaned
from resep.stages.prepare.ledger import is_open, settle
from resep.stages.prepare.rows import BAD_ROW
from resep.stages.prepare.split import SPLITS, Placement, place
from resep.stages.prepare.text import PLACEHOLDER

if TYPE_CHECKING:
    from resep.recipe import Recipe

_OTHER = "other"  # placeholders that stood in the data already


@dataclass
class Shared:
    """Rows per split, dropped rows by reason, placeholders in kept rows, rows per class and split, and warnings."""

    splits: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(SPLITS, 0)))
    dropped: Counter[str] = field(default_factory=Counter)
    placeholders: Counter[str] = field(default_factory=Counter)
    strata: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    warnings: list[str] = field(default_factory=list)

    @property
    def kept(self) -> int:
        return self.splits.total()


def share_out(cleaned: Cleaned, recipe: Recipe, out: Path) -> Shared:
    """Write one file per split and `ledger.jsonl` from the two files of the first pass, which then go."""
    fractions, max_rows = recipe["split.fractions"], _limits(recipe["split.max_rows"])
    placement = place(cleaned.positions, fractions, cleaned.strata, max_rows)
    shared = Shared(dropped=Counter(cleaned.dropped))
    with ExitStack() as files:
        opened = {split: files.enter_context((out / f"{split}.jsonl").open("w", encoding="utf-8")) for split in SPLITS}
        examples = files.enter_context((out / EXAMPLES).open(encoding="utf-8"))
        for index, (line, split) in enumerate(zip(examples, placement.splits, strict=True)):
            if split is None:
                continue
            opened[split].write(line)
            shared.splits[split] += 1
            shared.placeholders.update(_placeholders(line, cleaned.placeholder_names))
            if cleaned.strata is not None:
                shared.strata[cleaned.strata[index]][split] += 1
    _write_ledger(out, placement, shared)
    shared.warnings.extend([*_bad_rows(cleaned), *_warnings(placement, shared, fractions, recipe)])
    for name in (EXAMPLES, LEDGER):
        (out / name).unlink()
    return shared


def _limits(max_rows: Mapping[str, int | None] | None) -> dict[str, int]:
    return {split: limit for split, limit in (max_rows or {}).items() if limit is not None}


def _write_ledger(out: Path, placement: Placement, shared: Shared) -> None:
    reason = "beyond split.max_rows"
    splits = iter(placement.splits)
    with (out / LEDGER).open(encoding="utf-8") as lines, (out / "ledger.jsonl").open("w", encoding="utf-8") as ledger:
        for line in lines:
            if not is_open(line):
                ledger.write(line)
            elif split := next(splits):
                ledger.write(settle(line, split))
            else:
                ledger.write(settle(line, None, reason))
                shared.dropped[reason] += 1


def _placeholders(line: str, names: Iterable[str]) -> Iterator[str]:
    """The placeholders in the messages of an example, by name; `other` for one that is no step's."""
    if PLACEHOLDER.search(line):
        for message in json.loads(line)["messages"]:
            for found in PLACEHOLDER.findall(message["content"]):
                yield found if found in names else _OTHER


def _bad_rows(cleaned: Cleaned) -> Iterator[str]:
    """Rows that `data.on_bad_row: drop` left out: a step drops by rule, these are faults of the data."""
    bad = [(count, reason) for reason, count in cleaned.dropped.most_common() if reason.startswith(BAD_ROW)]
    if bad:
        rows = sum(count for count, _ in bad)
        yield (
            f"{rows} of {cleaned.rows_in} rows could not be used, most often because: "
            f"{bad[0][1].removeprefix(BAD_ROW)}; ledger.jsonl names each with its line"
        )


def _warnings(placement: Placement, shared: Shared, fractions: Mapping[str, float], recipe: Recipe) -> Iterator[str]:
    if placement.small_strata:
        field, count = recipe["split.stratify_by"], len(placement.small_strata)
        shown = ", ".join(map(repr, placement.small_strata[:5])) + (", ..." if count > 5 else "")
        yield f"{count} values of '{field}' have too few prompts to be in every split: {shown}"
    if fractions.get("validation") and not shared.splits["validation"]:
        yield "no validation rows: training is watched on nothing; give more rows or a larger `validation` share"

"""What preparation says of the data in numbers. Counts only: no text of a row stands here."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import asdict
from pathlib import Path

from resep.stages.prepare.clean import Cleaned
from resep.stages.prepare.share import Shared
from resep.stages.prepare.split import SPLITS


def write_statistics(path: Path, cleaned: Cleaned, shared: Shared) -> None:
    """Write statistics.json. `unicode` is the version of the tables that decide what is punctuation."""
    statistics = {
        "rows_in": cleaned.rows_in,
        "rows_kept": shared.kept,
        "dropped": dict(shared.dropped.most_common()),
        "splits": dict(shared.splits),
        "steps": [asdict(count) for count in cleaned.steps],
        "placeholders": dict(sorted(shared.placeholders.items())),
        "strata": {name: {split: shared.strata[name][split] for split in SPLITS} for name in sorted(shared.strata)},
        "warnings": shared.warnings,
        "unicode": unicodedata.unidata_version,
    }
    path.write_text(json.dumps(statistics, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

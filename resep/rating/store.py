"""ratings.json of a run: what each rater said of each row, and the summary that the report shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from resep.digests import write_json
from resep.errors import ResepError
from resep.rating.filled import Opinion
from resep.rating.key import Key

FILE = "ratings.json"


def merged(run: Path, key: Key, new: Sequence[Opinion]) -> list[Opinion]:
    """The new opinions and those of other raters of the same sheets; a rater's new ones replace the old."""
    again = {opinion.rater for opinion in new}
    kept = [opinion for opinion in _known(run, key.code) if opinion.rater not in again]
    return sorted([*kept, *new], key=lambda opinion: opinion.rater)


def write_ratings(run: Path, key: Key, said: Sequence[Opinion], summary: Mapping[str, Any]) -> Path:
    """Write ratings.json into the run folder."""
    file = run / FILE
    write_json(
        file,
        {
            "sheet": key.code,
            "arms": list(key.arms),
            "criteria": dict(key.criteria),
            "summary": summary,
            "opinions": [asdict(opinion) for opinion in said],
        },
    )
    return file


def read_summary(run: Path) -> Mapping[str, Any] | None:
    """The summary of a run's ratings, or None where nobody has rated it."""
    return None if not (run / FILE).exists() else dict(_read(run)["summary"])


def _known(run: Path, code: str) -> list[Opinion]:
    if not (run / FILE).exists():
        return []
    data = _read(run)
    return [Opinion(**opinion) for opinion in data["opinions"]] if data["sheet"] == code else []


def _read(run: Path) -> dict[str, Any]:
    try:
        data = json.loads((run / FILE).read_text(encoding="utf-8"))
        if not {"sheet", "summary", "opinions"} <= data.keys():
            raise ValueError("a key is missing")
        return dict(data)
    except (OSError, ValueError, AttributeError) as error:
        raise ResepError(f"{run / FILE} is damaged: delete it and import the sheets again") from error

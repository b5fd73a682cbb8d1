"""How fast a training was: what the next one on this machine is estimated by. No part of the result."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resep.hardware import Profile


def timings(story: Mapping[str, Any], seconds: float, data: Path, profile: Profile) -> dict[str, Any]:
    """What timings.json says: `seconds` in all, `training_seconds` between the first step and the last, `tokens` seen.

    All of this attempt alone: a training that was interrupted has gone through its first steps earlier.
    """
    begin, end, records = story["begin"], story["end"], story["records"]
    epochs = max((record["epoch"] for record in records if record.get("epoch")), default=0.0)
    own = (end["steps"] - begin["first_step"]) / max(1, end["steps"])
    return {
        "seconds": round(seconds, 1),
        "training_seconds": round(story["ended"] - story["began"], 1),
        "tokens": round(count_tokens(data) * epochs * own),
        "device": profile.device_name,
        **begin,
    }


def count_tokens(file: Path) -> int:
    """The tokens of all rows of a parquet file of ours, without those that pad."""
    import pyarrow.compute
    import pyarrow.parquet

    batches = pyarrow.parquet.ParquetFile(file).iter_batches(columns=["input_ids"])
    lengths = (pyarrow.compute.list_value_length(batch.column(0)) for batch in batches)
    return sum(pyarrow.compute.sum(each).as_py() or 0 for each in lengths)

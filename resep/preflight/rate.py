"""How fast this machine trained a model before: the only ground on which the time of a training is estimated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NEWEST = 50  # trainings of a store that are looked at


@dataclass(frozen=True)
class Rate:
    """What an earlier training measured: tokens per second while it trained, and the seconds around it."""

    tokens_per_second: float
    start_up_s: float


def last_rate(store: Path, model: str, method: str, device: str) -> Rate | None:
    """Of the newest training of this model (by its identity) with this method on this device; None without one."""
    files = [(file.stat().st_mtime, file) for file in (store / "train").glob("*/timings.json")]
    for _, file in sorted(files, reverse=True)[:_NEWEST]:
        config = _read(file.parent / "stage.json").get("ingredients", {}).get("config", {})
        if config.get("model") == model and _read(file.parent / "summary.json").get("method") == method:
            timings = _read(file)
            if timings.get("device") == device and (rate := _rate(timings)):
                return rate
    return None


def _rate(timings: dict[str, Any]) -> Rate | None:
    """None where an older training did not measure it."""
    tokens, training_s, seconds = (timings.get(name) for name in ("tokens", "training_seconds", "seconds"))
    if not tokens or not training_s or not seconds:
        return None
    return Rate(tokens / training_s, max(0.0, seconds - training_s))


def _read(file: Path) -> dict[str, Any]:
    """The JSON object in a file of ours; empty where it is not there, or was cut by a full disk."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}

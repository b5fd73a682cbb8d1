"""Why a stage runs again: how its ingredients differ from those that it last ran with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_TOLD = 6  # changes that a reason names


def what_changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The differences of two sets of ingredients (see store.py): `training.learning_rate: 0.0001 -> 0.0003; ...`."""
    changes = list(_changes(before, now))
    more = [f"and {len(changes) - _TOLD} more"] if len(changes) > _TOLD else []
    return "; ".join([*changes[:_TOLD], *more])


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if before["revision"] != now["revision"]:
        yield "Resep's own code for it changed"
    for key in sorted({*before["config"], *now["config"]}):
        old, new = (section["config"].get(key, _ABSENT) for section in (before, now))
        if old != new:
            told = _short(old), _short(new)
            yield f"{key}: {' -> '.join(told)}" if told[0] != told[1] else f"{key} changed"
    for section in ("reads", "inputs"):
        for word in sorted({*before[section], *now[section]}):
            if before[section].get(word) != now[section].get(word):
                yield f"{word} changed"


_ABSENT = object()


def _short(value: Any) -> str:
    if value is _ABSENT:
        return "absent"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."

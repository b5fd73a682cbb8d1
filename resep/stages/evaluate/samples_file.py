"""The samples of `resep score`: any JSONL file with id, output and target, checked line by line.

Needed: `id`, `output` (text), `target` (a text, or a list of step texts). Optional: `arm` (default "model"),
`metadata`, `finish_reason` and `output_tokens` as in the samples.jsonl that a run leaves. Further keys are left alone:
the file may be anybody's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from resep.errors import ResepError
from resep.records import Sample
from resep.suggest import nearest

DEFAULT_ARM = "model"
_NEEDED = ("id", "output", "target")
_MAX_TOLD = 20


class _Fault(ValueError):
    """What is wrong with one line."""


def read_samples(path: Path) -> list[Sample]:
    """Every sample of the file, or a ResepError that tells each faulty line with its number."""
    samples: list[Sample] = []
    faults: list[str] = []
    seen: dict[tuple[str, str], int] = {}
    for number, line in _lines(path):
        try:
            sample = _sample(line)
            first = seen.setdefault((sample.id, sample.arm), number)
            if first != number:
                raise _Fault(f"id {sample.id!r} of arm {sample.arm!r} stood in line {first} already")
            samples.append(sample)
        except _Fault as fault:
            faults.append(f"{path}:{number}: {fault}")
    if faults:
        rest = [f"... and {len(faults) - _MAX_TOLD} more"] if len(faults) > _MAX_TOLD else []
        raise ResepError("\n".join([*faults[:_MAX_TOLD], *rest]))
    if not samples:
        raise ResepError(f"{path}: no samples: one JSON object per line is needed, with {', '.join(_NEEDED)}")
    return samples


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise ResepError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ResepError(f"{path}: not UTF-8: byte {error.start} is {error.object[error.start]:#04x}") from error
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _sample(line: str) -> Sample:
    data = _object(line)
    for key in _NEEDED:
        if key not in data:
            raise _Fault(f"'{key}' is missing; the line has {', '.join(data) or 'no keys'}{_meant(key, data)}")
    if not isinstance(data["id"], str | int) or isinstance(data["id"], bool):
        raise _Fault(f"'id' is {_kind(data['id'])}; a text or a whole number is needed")
    if not str(data["id"]).strip():
        raise _Fault("'id' is empty; each row needs one that tells it from the others")
    return Sample(
        id=str(data["id"]),
        arm=_text(data, "arm", DEFAULT_ARM),
        target=_target(data["target"]),
        output=_text(data, "output"),
        finish_reason=_text(data, "finish_reason", "given"),
        output_tokens=data["output_tokens"] if isinstance(data.get("output_tokens"), int) else None,
        metadata=_metadata(data.get("metadata")),
    )


def _object(line: str) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise _Fault(f"column {error.colno}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise _Fault("nested too deep") from error
    if not isinstance(data, dict):
        raise _Fault(f"{_kind(data)} instead of an object with {', '.join(_NEEDED)}")
    return data


def _text(data: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = data.get(key, default)
    if not isinstance(value, str):
        hint = '; an empty answer is ""' if value is None else ""
        raise _Fault(f"'{key}' is {_kind(value)}, not a text{hint}")
    return value


def _target(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(step, str) for step in value):
        return tuple(value)
    raise _Fault(f"'target' is {_kind(value)}; a text or a list of texts is needed")


def _metadata(value: Any) -> Mapping[str, Any]:
    if value is None or isinstance(value, dict):
        return value or {}
    raise _Fault(f"'metadata' is {_kind(value)}, not an object")


def _meant(key: str, data: Mapping[str, Any]) -> str:
    """What to do about a key that was written almost so."""
    near = nearest(key, [other for other in data if other not in _NEEDED])
    return f"; rename '{near}' to '{key}'" if near else ""


def _kind(value: Any) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "null")

"""A value on one line, as it would stand in a recipe."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from resep.document.scalars import other_reading, read_scalar

_PLAIN = re.compile(r"[^\W\d_][\w ./@%+()'-]*|[\w.]+")  # needs no quotes, inside [] and {} neither


def inline(value: Any) -> str:
    """`[base, tuned]`, `{r: 16, alpha: 32}`, `0.001`, `"> 0"`: YAML that reads back as the value."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{inline(str(key))}: {inline(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, str) and _needs_no_quotes(value):
        return value
    written = json.dumps(value, ensure_ascii=False)
    return "".join(character if character.isprintable() else f"\\U{ord(character):08x}" for character in written)


def _needs_no_quotes(text: str) -> bool:
    if not _PLAIN.fullmatch(text) or text.endswith(" "):
        return False
    try:
        return read_scalar(text) == text and other_reading(text) is None
    except ValueError:
        return False

"""Labels in texts: which of a few classes a reference names, and which one an output does.

A label is compared by its words: `Card_arrival.` is `card arrival`; a label without a letter or digit (`+`) by itself.
Two spellings of one class are one class.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from resep.json_answers import Json, read_lenient
from resep.words import words

Key = tuple[str, ...]


@dataclass(frozen=True)
class Classes:
    """The classes there are, each by its key with a spelling for people, in the order of the keys."""

    spelling: Mapping[Key, str]

    @cached_property
    def lengths(self) -> list[int]:
        """How many words labels have, the longest first."""
        return sorted({len(key) for key in self.spelling}, reverse=True)

    def exactly(self, text: str) -> Key | None:
        """The class that the whole text names."""
        key = key_of(text)
        return key if key in self.spelling else None

    def contained(self, text: str) -> Key | None:
        """The class that the text names, or the only one that stands in it, whole words only.

        A label within a longer one does not count: `transfer` in `cancel transfer`. Several classes are none.
        """
        found = self.exactly(text)
        if found is not None:
            return found
        named = set(self._named(words(text)))
        return named.pop() if len(named) == 1 else None

    def _named(self, said: Sequence[str]) -> Iterator[Key]:
        at = 0
        while at < len(said):
            keys = (tuple(said[at : at + length]) for length in self.lengths)
            key = next((key for key in keys if key in self.spelling), None)
            if key is not None:
                yield key
            at += len(key) if key else 1


def classes_of(labels: Iterable[str]) -> Classes:
    """The distinct classes of these labels, each in its first spelling. Blank ones are none."""
    found: dict[Key, str] = {}
    for label in labels:
        if label.strip():
            found.setdefault(key_of(label), " ".join(label.split()))
    return Classes(dict(sorted(found.items())))


def key_of(label: str) -> Key:
    """What a label is compared by."""
    return tuple(words(label)) or (label.strip(),)


def in_field(found: Json | None, field: str) -> str | None:
    """The label in a field of a JSON value, `intent` or `answer.intent`: a text, or a number, true or null as written.

    None where there is no such field, or it holds a list or an object.
    """
    if found is None:
        return None
    value: Any = found.value
    whole = isinstance(value, Mapping) and field in value
    for key in [field] if whole else field.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    if isinstance(value, Mapping | list):
        return None
    return value if isinstance(value, str) else json.dumps(value)


def read_field(text: str, field: str) -> str | None:
    """The same from a text that holds JSON, read leniently."""
    return in_field(read_lenient(text), field)

"""What decides a row's side: its prompt or its group, as a position that is the same on every machine."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resep.formats.table import column
from resep.joined import spaced_all
from resep.records import Row


def split_key(row: Row, group_by: str | None = None) -> str:
    """The field `group_by` where the row has one, else its prompt (all that the user says), else all its text."""
    return split_keys([row.fields], group_by)[0]


def split_keys(rows: Sequence[Mapping[str, Any]], group_by: str | None = None) -> list[str]:
    """The `split_key` of each of the rows, of which these are the fields."""
    asked = column(rows, "prompt", str) if group_by is None else None
    keys = normalised_all([_asked(fields, group_by) for fields in rows] if asked is None else asked)
    if all(keys):
        return keys
    # Rows that ask nothing are not all alike: with one key they would all fall on one side.
    return [key or normalised("\n".join(_texts(fields))) for key, fields in zip(keys, rows, strict=True)]


def normalised(text: str) -> str:
    """The text without the differences of capitals, white space and ways to write an accent."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def normalised_all(texts: Sequence[str]) -> list[str]:
    """Each of the texts normalised."""
    return spaced_all([unicodedata.normalize("NFC", text).casefold() for text in texts])


def position(key: str, salt: str) -> float:
    """Where a key falls in [0, 1): evenly spread, the same on every machine, another with every salt."""
    return float(positions([key], salt)[0])


def positions(keys: Iterable[str], salt: str) -> NDArray[np.float64]:
    """The `position` of each key."""
    salted = blake2b(f"{salt}\0".encode(errors="surrogatepass"), digest_size=8)

    def digest(key: str) -> bytes:
        state = salted.copy()
        state.update(key.encode(errors="surrogatepass"))
        return state.digest()

    digests = np.frombuffer(b"".join(map(digest, keys)), ">u8")
    return (digests >> 11) / 2**53


def _asked(fields: Mapping[str, Any], group_by: str | None) -> str:
    if group_by and (group := fields.get(group_by)) not in (None, ""):
        return str(group)
    if "messages" in fields:
        return "\n".join([m["content"] for m in fields["messages"] if m["role"] == "user"])
    return str(fields.get("prompt", ""))


def _texts(fields: Mapping[str, Any]) -> Iterator[str]:
    """Whatever a row says: the contents of its messages, or its answer."""
    response = fields.get("response") or ()
    values = [response] if isinstance(response, str) else [*response]
    values += [message["content"] for message in fields.get("messages", ())]
    return (value for value in values if isinstance(value, str))

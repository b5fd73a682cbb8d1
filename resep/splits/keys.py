"""What decides a row's side: its prompt or its group, as a position that is the same on every machine."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

from resep.records import Row


def split_key(row: Row, group_by: str | None = None) -> str:
    """The field `group_by` where the row has one, else its prompt (all that the user says), else all its text."""
    fields = row.fields
    if group_by and (group := fields.get(group_by)) not in (None, ""):
        return normalised(str(group))
    if "messages" in fields:
        asked = "\n".join([m["content"] for m in fields["messages"] if m["role"] == "user"])
    else:
        asked = fields.get("prompt", "")
    # Rows that ask nothing are not all alike: with one key they would all fall on one side.
    return normalised(asked) or normalised("\n".join(_texts(fields)))


def normalised(text: str) -> str:
    """The text without the differences of capitals, white space and ways to write an accent."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def position(key: str, salt: str) -> float:
    """Where a key falls in [0, 1): evenly spread, the same on every machine, another with every salt."""
    digest = blake2b(f"{salt}\0{key}".encode(errors="surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def _texts(fields: Mapping[str, Any]) -> Iterator[str]:
    """Whatever a row says: the contents of its messages, or its answer."""
    response = fields.get("response") or ()
    values = [response] if isinstance(response, str) else [*response]
    values += [message["content"] for message in fields.get("messages", ())]
    return (value for value in values if isinstance(value, str))

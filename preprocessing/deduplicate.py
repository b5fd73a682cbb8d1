"""Keep the first of rows that say the same, whatever their capitals and spaces.

by: pair drops a row whose prompt and response both repeat; prompt keeps one answer to each prompt
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from resep import Row


def process_rows(rows: Iterable[Row], *, by: Literal["prompt", "pair"] = "pair") -> Iterator[Row]:
    first_seen: dict[bytes, str] = {}
    for row in rows:
        compared = "\n".join(" ".join(text.casefold().split()) for text in _texts(row, by))
        key = hashlib.blake2b(compared.encode(), digest_size=16).digest()
        if key in first_seen:
            yield replace(row, dropped=f"duplicate of {first_seen[key]}")
        else:
            first_seen[key] = str(row.origin)
            yield row


def _texts(row: Row, by: str) -> list[str]:
    """What is compared. A conversation's prompt is all of it but the last answer."""
    if "messages" in row.fields:
        messages = [f"{message['role']}: {message['content']}" for message in row.fields["messages"]]
        return messages if by == "pair" else messages[:-1]
    prompt, response = row.fields["prompt"], row.fields["response"]
    if by == "prompt":
        return [prompt]
    return [prompt, response] if isinstance(response, str) else [prompt, *response]

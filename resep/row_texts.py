"""What a row says, as texts, whichever form its source had."""

from __future__ import annotations

from resep.formats.texts import said
from resep.records import Row


def row_texts(row: Row) -> dict[str, str]:
    """`prompt` and `response` of a row: steps one per line, of a conversation all but its last answer, and that one.

    A text without a question is a response; its prompt is empty.
    """
    if "messages" in row.fields:
        *before, last = [said(message) for message in row.fields["messages"]]
        return {"prompt": "\n".join(before), "response": last}
    prompt, response = row.fields.get("prompt", ""), row.fields["response"]
    return {"prompt": prompt, "response": response if isinstance(response, str) else "\n".join(response)}

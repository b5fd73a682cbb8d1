"""Drop rows whose prompt or response is too short or too long.

minimum: the fewest characters or words that a text may have
maximum: the most that it may have; null for any number
unit: characters, or words between white space
of: which texts are measured; a conversation's prompt is all of it but the last answer
"""

from typing import Literal

from resep import Row
from resep.errors import ResepError
from resep.row_texts import row_texts


def check_row(
    row: Row,
    *,
    minimum: int = 1,
    maximum: int | None = None,
    unit: Literal["characters", "words"] = "characters",
    of: list[Literal["prompt", "response"]] = ["prompt", "response"],  # noqa: B006 - options are read from literals
) -> str | None:
    if maximum is not None and maximum < minimum:
        raise ResepError(f"preprocessing.filter_length: no text has {minimum} {unit} or more and {maximum} or fewer")
    texts = row_texts(row)
    for field in of:
        length = len(texts[field] if unit == "characters" else texts[field].split())
        if length < minimum:
            return f"{field} has {length} {unit}, fewer than {minimum}"
        if maximum is not None and length > maximum:
            return f"{field} has {length} {unit}, more than {maximum}"
    return None

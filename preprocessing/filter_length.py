"""Drop rows whose prompt or response is too short or too long.

minimum: the fewest characters, words or tokens that a text may have
maximum: the most that it may have; null for any number
unit: characters, words between white space, or tokens of the model
of: which texts are measured; a conversation's prompt is all of it but the last answer
tokenizer: the model whose tokens are counted; null for the recipe's own. A chat template's tokens come on top

For what a model can read at once, `training.sequence_len` and `training.overflow` judge the whole rendered row.
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
    unit: Literal["characters", "words", "tokens"] = "characters",
    of: list[Literal["prompt", "response"]] = ["prompt", "response"],  # noqa: B006 - options are read from literals
    tokenizer: str | None = None,
) -> str | None:
    if maximum is not None and maximum < minimum:
        raise ResepError(f"preprocessing.filter_length: no text has {minimum} {unit} or more and {maximum} or fewer")
    texts = row_texts(row)
    for field in of:
        length = _length(texts[field], unit, tokenizer)
        if length < minimum:
            return f"{field} has {_counted(length, unit)}, fewer than {minimum}"
        if maximum is not None and length > maximum:
            return f"{field} has {_counted(length, unit)}, more than {maximum}"
    return None


def _counted(length: int, unit: str) -> str:
    return f"{length} {unit if length != 1 else unit.removesuffix('s')}"


def _length(text: str, unit: str, tokenizer: str | None) -> int:
    if unit == "characters":
        return len(text)
    if unit == "words":
        return len(text.split())
    if tokenizer is None:
        raise ResepError("preprocessing.filter_length: unit: tokens wants a `tokenizer`, the name of a model")
    from resep.token_lengths import count_tokens  # only here: `characters` and `words` need no model

    return count_tokens(text, tokenizer)

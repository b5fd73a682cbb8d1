"""How many tokens a text has for a model, without loading the model: only its tokenizer is read, once per process."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from resep import models
from resep.templates import load_tokenizer


def count_tokens(text: str, model: str) -> int:
    """The tokens of a text that stands alone, no control token added; one that is written in the text is plain text.

    `model` is an embedded name, a folder or `owner/name@revision`. Raises ResepError where there is none.
    """
    ids: list[int] = _encoder(model).encode(text, add_special_tokens=False).ids
    return len(ids)


@lru_cache(maxsize=4)
def _encoder(model: str) -> Any:
    folder = models.tokenizer_folder(*models.split_revision(model), lambda _: None)
    return load_tokenizer(folder).encoders.first

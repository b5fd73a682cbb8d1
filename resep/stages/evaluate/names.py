"""How an evaluator's option names an encoder: an embedded name, a folder, `owner/name@revision`, or `lexical`."""

from __future__ import annotations

from resep import models

LEXICAL = "lexical"


def split_revision(name: str) -> tuple[str, str | None]:
    """`owner/name@revision` -> its two parts; any other name has no revision of its own."""
    owner_and_name, at, revision = name.partition("@")
    return (owner_and_name, revision) if at and not models.is_local(owner_and_name) else (name, None)


def is_folder(name: str) -> bool:
    """Whether an encoder's name is that of a folder."""
    return name != LEXICAL and models.is_local(split_revision(name)[0])


def identify_encoder(name: str) -> str:
    """What the encoder is, for a stage's key. Raises ResepError where there is none of that name."""
    return LEXICAL if name == LEXICAL else models.identify(*split_revision(name))

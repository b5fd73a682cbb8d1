"""How an evaluator's option names an encoder: an embedded name, a folder, `owner/name@revision`, or `lexical`."""

from __future__ import annotations

from resep import models
from resep.models import split_revision as split_revision

LEXICAL = "lexical"


def is_folder(name: str) -> bool:
    """Whether an encoder's name is that of a folder."""
    return name != LEXICAL and models.is_local(split_revision(name)[0])


def identify_encoder(name: str) -> str:
    """What the encoder is, for a stage's key. Raises ResepError where there is none of that name."""
    return LEXICAL if name == LEXICAL else models.identify(*split_revision(name))

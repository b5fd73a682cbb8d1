"""How an evaluator's option names an encoder: an embedded name, a folder, `owner/name@revision`, or `lexical`.

And which of its options name a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from resep import models
from resep.models import split_revision as split_revision

LEXICAL = "lexical"
FILE = "schema_file"  # an option of this name, of any evaluator, is a file relative to the recipe
FILES = "files"  # and one of this name a list of them


def named_files(options: Mapping[str, Any]) -> dict[str, str]:
    """The files that options name, each with the place where it stands: `schema_file`, `files[0]`."""
    keys = {options[FILE]: FILE} if options.get(FILE) else {}
    return keys | {named: f"{FILES}[{at}]" for at, named in enumerate(options.get(FILES) or ())}


def typed_files(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that name files, as a person typed them: relative to the current folder, which a child has not."""
    one = {FILE: str(Path(options[FILE]).resolve())} if options.get(FILE) else {}
    return one | ({FILES: [str(Path(each).resolve()) for each in options[FILES]]} if options.get(FILES) else {})


def is_folder(name: str) -> bool:
    """Whether an encoder's name is that of a folder."""
    return name != LEXICAL and models.is_local(split_revision(name)[0])


def identify_encoder(name: str) -> str:
    """What the encoder is, for a stage's key. Raises ResepError where there is none of that name."""
    return LEXICAL if name == LEXICAL else models.identify(*split_revision(name))


def local_model_options(options: Mapping[str, Any]) -> list[str]:
    """The options of an evaluator that name a model on this machine: its encoder, and a model that no server has."""
    has_encoder = options.get("encoder", LEXICAL) != LEXICAL
    is_asked_here = "endpoint" in options and options["endpoint"] is None and bool(options.get("model"))
    return [*(["encoder"] if has_encoder else []), *(["model"] if is_asked_here else [])]

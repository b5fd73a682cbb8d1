"""The tiny random model that stands in for a real one: what it will be, and its folder in the cache, made once.

The architecture is the model's own, from its config.json where that is here, else from its name. So is the tokenizer,
where it is here; that of Mistral-7B-Instruct-v0.3 comes with mistral-common, and stands in for all that are not.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from resep import process
from resep.digests import digest_json, digest_tree
from resep.errors import ResepError, StageError
from resep.locking import made_once
from resep.models.embedded import cache_folder
from resep.preflight.model import model_here
from resep.rehearsal.families import STAND_IN, family, named_family
from resep.rehearsal.shrinking import shrunk
from resep.store import Emit

TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"),
    "generation_config.json",  # names end tokens that the tokenizer does not
)
_REVISION = 1  # raised when the same blueprint is made into another model
_HAS_MISTRALS_V3 = re.compile(r"mistral-7b-(instruct-)?v0\.3", re.I)


@dataclass(frozen=True)
class Tokenizer:
    """Files of a folder, or Mistral's vocabulary where `folder` is None: with these control tokens and this template.

    `is_own`: whether it is the real model's.
    """

    folder: Path | None
    is_own: bool
    tokens: Mapping[str, str | None]
    chat_template: str


@dataclass(frozen=True)
class TinyModel:
    """A tiny model, made or not. `of` is the name of the real one, `architecture` a model_type of transformers.

    `is_of_its_family`: whether that is the real model's own; `why_not` says more where it could be but is not.
    """

    of: str
    architecture: str
    config: Mapping[str, Any]
    tokenizer: Tokenizer
    is_of_its_family: bool = True
    why_not: str = ""

    @property
    def folder(self) -> Path:
        """Where it lies once it is made: a name that changes with anything that it is made from."""
        files = {file.name: digest_tree(file) for file in self._tokenizer_files()}
        made_from = {"config": self.config, "tokenizer": asdict(replace(self.tokenizer, folder=None)), "files": files}
        return _cache() / f"{self.architecture}-{digest_json({**made_from, 'revision': _REVISION})[:12]}"

    @property
    def in_words(self) -> str:
        """What stands in for what, for people."""
        own = f"a tiny random {self.architecture} for {self.of}"
        if not self.is_of_its_family:
            own += f": {self.why_not}" if self.why_not else ", whose architecture is not known here"
        return own if self.tokenizer.is_own else f"{own}; Mistral's vocabulary for its tokenizer, which is not here"

    def request(self, out: Path) -> dict[str, Any]:
        """What the child that makes it is told."""
        files = [str(file.resolve()) for file in self._tokenizer_files()]
        tokens = {"tokens": dict(self.tokenizer.tokens), "chat_template": self.tokenizer.chat_template}
        return {"kind": "language model", "config": dict(self.config), "files": files, **tokens, "out": str(out)}

    def _tokenizer_files(self) -> list[Path]:
        named = (self.tokenizer.folder / name for name in TOKENIZER_FILES) if self.tokenizer.folder else ()
        return [file for file in named if file.is_file()]


def tiny_model(name: str, revision: str | None) -> TinyModel:
    """What stands in for a model: an embedded name, a folder, or a hub id. Nothing is made and nothing is fetched."""
    here = model_here(name, revision)
    config = _config(here)
    known = named_family(name) if config is None else None
    like = family(known or STAND_IN)
    tokenizer = _own_tokenizer(here) or Tokenizer(
        None, bool(_HAS_MISTRALS_V3.search(name)), like.tokens, like.chat_template
    )
    if config is None:
        return TinyModel(name, like.name, shrunk(like.config), tokenizer, is_of_its_family=known is not None)
    tiny = shrunk(config)
    return TinyModel(name, str(tiny.get("model_type")), tiny, tokenizer)


def make(tiny: TinyModel, emit: Emit) -> TinyModel:
    """Make it where it is not there yet; one that transformers cannot make is replaced by a tiny Llama.

    Raises ResepError where not even that can be made.
    """
    try:
        _make(tiny.folder, tiny.request, f"a tiny {tiny.architecture}", emit)
    except StageError as error:
        if tiny.architecture == STAND_IN:
            raise ResepError(f"the tiny model of a rehearsal could not be made: {error} (log: {error.log})") from error
        config = shrunk(family(STAND_IN).config)
        other = replace(tiny, architecture=STAND_IN, config=config, is_of_its_family=False, why_not=str(error))
        return make(other, emit)
    return tiny


def tiny_encoder_folder() -> Path:
    """Where the tiny text encoder lies, or would lie."""
    return _cache() / f"encoder-{_REVISION}"


def make_tiny_encoder(emit: Emit) -> Path:
    """The folder of a tiny random text encoder, made where it is not there yet."""
    folder = tiny_encoder_folder()
    _make(folder, lambda out: {"kind": "encoder", "out": str(out)}, "a tiny encoder", emit)
    return folder


def _make(folder: Path, request: Any, called: str, emit: Emit) -> None:
    def fill(partial: Path) -> None:
        emit({"event": "note", "message": f"making {called}, once"})
        work = folder.with_suffix(".work")  # outside of `partial`: the log must outlive a failure
        command = [sys.executable, "-m", "resep.rehearsal.make_model"]
        offline = {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
        told = request(partial.resolve())
        process.run_child(command, name=called, folder=work, emit=emit, request=told, environment=offline)
        shutil.rmtree(work)

    made_once(folder, fill)


def _config(here: Path | None) -> dict[str, Any] | None:
    file = here / "config.json" if here else None
    if file is None or not file.is_file():
        return None
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ResepError(f"{file}: not readable as JSON: {error}") from error
    if not isinstance(config, dict):
        raise ResepError(f"{file}: expected a JSON object, found {type(config).__name__}")
    return config


def _own_tokenizer(here: Path | None) -> Tokenizer | None:
    """That of a folder. One that has weights and no tokenizer is whole: the stage that needs it will say so."""
    wanted = ("tokenizer.json", "model.safetensors", "model.safetensors.index.json")
    if here is None or not any((here / name).is_file() for name in wanted):
        return None
    return Tokenizer(here, is_own=True, tokens={}, chat_template="")


def _cache() -> Path:
    return cache_folder() / "rehearsal"

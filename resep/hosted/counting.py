"""How many tokens a conversation has for a service: counted where tiktoken's files are here, else estimated.

tiktoken fetches the tables of an encoding when they are missing. Nothing is fetched here: they are used where an
earlier use left them whole, and otherwise a rule is used, which is called one wherever its figures are shown.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from resep.records import Example, Message

# Encoding -> the address that names its file in tiktoken's cache, and the file's sha256, as tiktoken itself has them.
_TABLES = {
    "o200k_base": (
        "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
    "cl100k_base": (
        "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
}
_ENCODINGS = {"gpt-4.1": "o200k_base", "gpt-4o": "o200k_base", "gpt-4": "cl100k_base", "gpt-3.5": "cl100k_base"}
_PER_MESSAGE, _PER_NAME, _PER_CONVERSATION = 3, 1, 3  # as OpenAI's cookbook counts them, "not exact!"
_PIECE = re.compile(r"[^\W\d_]+|\d{1,3}|[^\w\s]+|_+|\n+")
_LETTERS_PER_TOKEN, _BYTES_PER_TOKEN = 7, 4
RULE = (
    f"a token for every {_LETTERS_PER_TOKEN} letters of a word, {_BYTES_PER_TOKEN} bytes of one in another script, "
    "3 digits, run of signs, and a few for each message"
)


@dataclass(frozen=True)
class Counting:
    """`name`: the encoding, or `estimate`. `of_text`: tokens of a text."""

    name: str
    of_text: Callable[[str], int]

    @property
    def is_exact(self) -> bool:
        return self.name != ESTIMATE

    def of_conversation(self, example: Example) -> int:
        """Tokens of all that is sent of an example; how the service spells calls and tools is not published."""
        tools = self.of_text(json.dumps(example.tools)) if example.tools else 0
        return _PER_CONVERSATION + tools + sum(map(self._of_message, example.messages))

    def of_answers(self, example: Example) -> int:
        """Tokens of the answers that are trained on."""
        return sum(
            self._of_content(message) for message in example.messages if message.role == "assistant" and message.weight
        )

    def _of_message(self, message: Message) -> int:
        name = self.of_text(message.name) + _PER_NAME if message.name else 0
        return _PER_MESSAGE + 1 + self._of_content(message) + name  # every role is one token

    def _of_content(self, message: Message) -> int:
        calls = self.of_text(json.dumps(message.tool_calls)) if message.tool_calls else 0
        return self.of_text(message.content) + calls


ESTIMATE = "estimate"


def counting_for(model: str) -> Counting:
    """The best way to count for this model on this machine."""
    name = encoding_here(model)
    if name is None:
        return Counting(ESTIMATE, estimated)
    import tiktoken

    encoding = tiktoken.get_encoding(name)
    return Counting(name, lambda text: len(encoding.encode_ordinary(text)))


def encoding_here(model: str) -> str | None:
    """The model's encoding, where tiktoken is installed and has the table here; None where it would have to fetch."""
    name = next((name for family, name in _ENCODINGS.items() if family_of(model).startswith(family)), None)
    if name is None or find_spec("tiktoken") is None:
        return None
    address, sha256 = _TABLES[name]
    folder = _cache_folder()
    file = folder / hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest() if folder else None
    # A damaged file would be fetched anew.
    if file is None or not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        return None
    return name


def family_of(model: str) -> str:
    """The name of the model that a tuned one was made from, or the name itself."""
    return model.removeprefix("ft:")


def estimated(text: str) -> int:
    """Tokens of a text by RULE."""
    return sum(_of_piece(piece[0]) for piece in _PIECE.finditer(text))


def _of_piece(piece: str) -> int:
    if not piece[0].isalpha():
        return 1
    if piece.isascii():
        return 1 + (len(piece) - 1) // _LETTERS_PER_TOKEN
    return max(1, round(len(piece.encode("utf-8", "replace")) / _BYTES_PER_TOKEN))


def _cache_folder() -> Path | None:
    """Where tiktoken keeps its files; None where its cache is switched off."""
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if variable in os.environ:
            return Path(os.environ[variable]) if os.environ[variable] else None
    return Path(tempfile.gettempdir()) / "data-gym-cache"

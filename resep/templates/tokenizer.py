"""A model's tokenizer: texts to ids (tokenizer_files.py reads it from the model's folder).

`pieces` is the one way from text to ids. Control tokens are found by us, in text in which the caller has already broken
every control token that a row contains; what lies between them is encoded with their recognition switched off. So no
row can forge a control token, and a text without such forgeries gets exactly the ids that transformers gives it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from resep.templates.control import Control, spans


@dataclass(frozen=True, eq=False)  # one object per folder that was read, so that results can be kept by it
class Tokenizer:
    """What the folder says of its tokenizer.

    `bos`, `eos`, `pad` and `unk` are texts of control tokens or None: a token that is named but has no id is None too.
    `chat_template` is the model's own, or None.
    """

    bos: str | None
    eos: str | None
    pad: str | None
    unk: str | None
    control: Control
    chat_template: str | None
    encoders: Encoders

    @property
    def eos_id(self) -> int | None:
        return None if self.eos is None else self.control.ids[self.eos]

    @property
    def pad_id(self) -> int | None:
        return None if self.pad is None else self.control.ids[self.pad]

    @property
    def variables(self) -> dict[str, str]:
        """What a chat template sees: bos_token and so on; a token that the tokenizer lacks is empty text."""
        return {f"{name}_token": getattr(self, name) or "" for name in ("bos", "eos", "pad", "unk")}

    def token(self, token_id: int) -> str:
        """The vocabulary's own spelling of an id (`▁the`, `Ġthe`)."""
        return str(self.encoders.first.id_to_token(token_id))

    def readable(self, token_id: int) -> str:
        """The text of one token with its leading space; a part of a character is shown as U+FFFD."""
        # Decoders drop the space of the first token, so another token goes before it.
        before: list[int] = self.encoders.inside.encode("a", add_special_tokens=False).ids
        decode = partial(self.encoders.first.decode, skip_special_tokens=False)
        return str(decode([*before, token_id])[len(decode(before)) :])


@dataclass(frozen=True)
class Encoders:
    """`tokenizers.Tokenizer`s that differ in one point: whether a text gets a leading space of their own making.

    `first` at the very beginning, `after_control` after a control token (Metaspace's scheme "first" adds none there,
    the older Prepend normaliser does), `inside` where a text was only cut. `forbidden` ids must
    not come out of any of them.
    """

    first: Any
    after_control: Any
    inside: Any
    forbidden: frozenset[int]


@dataclass(frozen=True)
class Piece:
    """The ids of text[start:end]: one control token, or text without any."""

    start: int
    end: int
    ids: list[int]


def pieces(tokenizer: Tokenizer, text: str, cuts: Collection[int] = (), *, breaker: str = "") -> Iterator[Piece]:
    """Split `text` at its control tokens and at `cuts` (character positions), and encode each piece by itself.

    The breaker, if any, is taken out of the text before it is encoded, so that what it broke stays plain text.
    """
    previous_was_control = False
    for start, end, is_control in spans(tokenizer.control, text, sorted(set(cuts))):
        if is_control:
            yield Piece(start, end, [tokenizer.control.id_of(text[start:end])])
        elif plain := text[start:end].replace(breaker, "") if breaker else text[start:end]:
            yield Piece(start, end, _encode_plain(tokenizer, plain, start == 0, previous_was_control))
        previous_was_control = is_control


def _encode_plain(tokenizer: Tokenizer, text: str, at_start: bool, after_control: bool) -> list[int]:
    encoders = tokenizer.encoders
    encoder = encoders.first if at_start else encoders.after_control if after_control else encoders.inside
    ids: list[int] = encoder.encode(text, add_special_tokens=False).ids
    if encoders.forbidden.isdisjoint(ids):
        return ids
    # Some vocabularies can assemble a control token from its parts (a merge of "</" and "s>", a Unigram piece
    # "</s>"); character by character they cannot.
    return [i for character in text for i in encoders.inside.encode(character, add_special_tokens=False).ids]

"""What an evaluator may look at besides its samples. Read-only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from resep.records import Example, Message, Sample

if TYPE_CHECKING:
    import numpy


class NotAvailable(Exception):
    """Something of a run that is not there for this evaluator, and why: no weights behind an endpoint, no digests."""


class Encoder(Protocol):
    """A sentence encoder. `signature` names the weights and versions that the numbers depend on."""

    @property
    def signature(self) -> str: ...

    @property
    def folder(self) -> Path: ...

    def embed(self, texts: Sequence[str]) -> numpy.ndarray[Any, Any]:
        """One L2-normalised, mean-pooled vector per text: shape (len(texts), dimension), float32."""
        ...


@dataclass(frozen=True)
class Likelihood:
    """How probable a model finds a text: -log2 p of its tokens, summed, and how long it is.

    `bits` is None where it could not be told; `error` says why. `tokens` and `bytes` (UTF-8) are those that `bits`
    counts; `cut` is how many tokens at the end were left out, because the model cannot read so much.
    """

    bits: float | None
    tokens: int = 0
    bytes: int = 0
    cut: int = 0
    error: str | None = None


class LanguageModel(Protocol):
    """The weights behind an arm, asked in the arm's template. Loaded once; an adapter is switched, not loaded again."""

    def answers(self, examples: Sequence[Example]) -> list[Likelihood]:
        """Of each example's last answer, given what comes before it: the answer's own tokens, without its end token."""
        ...

    def texts(self, texts: Sequence[str]) -> list[Likelihood]:
        """Of each text as it stands: without template, after nothing but the token that begins a text."""
        ...

    def replies(self, prompts: Sequence[Sequence[Message]], max_new_tokens: int) -> list[str]:
        """What it says to each conversation: the most probable token each time, up to so many."""
        ...

    def opened(self) -> AbstractContextManager[tuple[Any, Any]]:
        """transformers' own model, with this arm's adapter on or off while the context lasts, and its tokenizer."""
        ...


class PrivateData(Protocol):
    """What was personal in the data, as digests, and what looks personal in a text. No value comes out."""

    def leaked(self, text: str) -> Counter[str]:
        """How many different values of each kind stand in the text and stood in the data."""
        ...

    def new(self, text: str) -> Counter[str]:
        """How many different values of each kind the detectors find in the text that did not stand in the data."""
        ...


def no_language_model(arm: str) -> NoReturn:
    """For a context without a run: raises NotAvailable."""
    raise NotAvailable(f"the weights of {arm or 'these outputs'} are not known here: only a run knows its models")


def no_private_data() -> NoReturn:
    """For a context without a run: raises NotAvailable."""
    raise NotAvailable("the data that the outputs come from is not known here: only a run knows what was taken out")


@dataclass(frozen=True)
class Context:
    """`prepared`: split name -> JSONL file of Examples. `arms`: arm name -> what `generate` wrote about it.

    `encoder(name)` loads an encoder (embedded name, hub id or folder) on first use and keeps it.
    `model_folder(name)` gives the folder of a model or encoder for evaluators that load it themselves.
    `response_format`: how the recipe writes a list of steps as one text (see `render_steps`).
    `answer_files`: arm name -> the folder of its answers, with what `generate` noted beside them.
    `samples`: all that are scored; `evaluate` may be asked for some alone (the rest of an interrupted stage).

    An evaluator that names them in NEEDS also has `language_model(arm)`, the model behind an arm, and
    `private_data()`, what was taken out of the rows. Both raise NotAvailable, with the reason, where there is none.
    """

    encoder: Callable[[str], Encoder]
    model_folder: Callable[[str], Path]
    prepared: Mapping[str, Path] = field(default_factory=dict)
    arms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seed: int = 42
    response_format: str = "numbered_steps"
    answer_files: Mapping[str, Path] = field(default_factory=dict)
    language_model: Callable[[str], LanguageModel] = no_language_model
    private_data: Callable[[], PrivateData] = no_private_data
    samples: Sequence[Sample] = ()

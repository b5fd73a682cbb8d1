"""The model behind one arm, as evaluators ask it (context.LanguageModel)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from resep.context import LanguageModel, Likelihood, NotAvailable
from resep.errors import ResepError
from resep.generation.decoding import Decoder, answer, open_decoder
from resep.records import Example, Message
from resep.stages.generate.shots import Shots, read_shots
from resep.stages.language_models.likelihood import Row
from resep.stages.language_models.weights import Shelf
from resep.templates import Template, Tokenizer, encode, encode_prompt, load_template, load_tokenizer
from resep.templates.tokenizer import pieces

_LONGEST = 4096  # tokens of a row: the logits of more would need gigabytes
_REPLY_BATCH = 32
_NO_ANSWER = Message("assistant", "")
_GREEDY: Mapping[str, Any] = {"do_sample": False, "repetition_penalty": 1.0, "stop": (), "batch_size": _REPLY_BATCH}


def language_models(request: Mapping[str, Any]) -> Callable[[str], LanguageModel]:
    """Context.language_model for a request of `request.py`; nothing is loaded before it is asked for."""
    shelf = Shelf(request["precision"], request["device"])

    @cache
    def language_model(arm: str) -> LanguageModel:
        if arm not in request["arms"]:
            raise NotAvailable(f"there is no arm '{arm}'")
        facts = request["arms"][arm]
        if facts["missing"]:
            raise NotAvailable(facts["missing"])
        folder, adapter = Path(facts["folder"]), Path(facts["adapter"]) if facts["adapter"] else None
        # A model whose every weight was trained keeps the tokenizer of its base.
        tokenizer = _tokenizer(Path(facts["tokenizer"]))
        template = load_template(facts["template"], Path(facts["template_folder"]), tokenizer)
        shots = read_shots(Path(facts["shots"])) if facts["shots"] else None
        return ArmModel(shelf, folder, adapter, Path(facts["tokenizer"]), tokenizer, template, shots)

    return language_model


@cache
def _tokenizer(folder: Path) -> Tokenizer:
    return load_tokenizer(folder)


@dataclass(frozen=True)
class ArmModel:
    """An arm's weights (a folder, perhaps an adapter on it), its tokenizer, and how it is asked.

    `shots` are rows that it is shown before a question; those chosen for each test row are shown to no other question.
    """

    shelf: Shelf
    folder: Path
    adapter: Path | None
    tokenizer_folder: Path
    tokenizer: Tokenizer
    template: Template
    shots: Shots | None = None

    def answers(self, examples: Sequence[Example]) -> list[Likelihood]:
        return self._likelihoods([self._answer(self._shown(example)) for example in examples])

    def texts(self, texts: Sequence[str]) -> list[Likelihood]:
        return self._likelihoods([self._text(text) for text in texts])

    def replies(self, prompts: Sequence[Sequence[Message]], max_new_tokens: int) -> list[str]:
        examples = [self._shown(Example("", (*prompt, _NO_ANSWER), "")) for prompt in prompts]
        asked = [encode_prompt(self.template, self.tokenizer, example.prompt).ids for example in examples]
        said: dict[int, str] = {}
        with self._worn() as model:
            options = {**_GREEDY, "max_new_tokens": max_new_tokens}
            decoder = open_decoder(model, self.tokenizer_folder, self.tokenizer, options)
            for batch in answer(decoder, asked):
                said.update({at: _spoken(decoder, found.ids) for at, found in batch.items()})
        return [said[at] for at in range(len(prompts))]

    @contextmanager
    def opened(self) -> Iterator[tuple[Any, Any]]:
        with self._worn() as model:
            yield model, open_decoder(model, self.tokenizer_folder, self.tokenizer, _GREEDY).tokenizer

    @contextmanager
    def _worn(self) -> Iterator[Any]:
        with self.shelf.take(self.folder).wearing(self.adapter) as model:
            yield model

    def _likelihoods(self, parts: Sequence[_Part | Likelihood]) -> list[Likelihood]:
        rows = [part.row for part in parts if isinstance(part, _Part)]
        values = iter(self.shelf.take(self.folder).bits(self.adapter, rows))
        return [part.told(next(values)) if isinstance(part, _Part) else part for part in parts]

    def _shown(self, example: Example) -> Example:
        if self.shots is None or not (self.shots.of is None or example.id in self.shots.of):
            return example
        return self.shots.before(example)

    def _answer(self, example: Example) -> _Part | Likelihood:
        """The last answer's row, or why there is none."""
        try:
            whole = encode(self.template, self.tokenizer, example.messages, tools=example.tools)
            start = self._start(example)
        except ResepError as error:
            return Likelihood(None, error=str(error))
        counted = [at for at in range(start, len(whole.ids)) if whole.trained[at]]
        # How an answer ends belongs to the format: a base in a foreign one would be charged for not knowing it.
        while counted and whole.ids[counted[-1]] in self._control_ids:
            counted.pop()
        return self._part(whole.ids, counted, example.messages[-1].content)

    def _start(self, example: Example) -> int:
        """The place where the last answer begins. A text without a question begins after its first token."""
        if example.messages[-1].role == "completion":
            return 1
        return len(encode_prompt(self.template, self.tokenizer, example.prompt, example.tools).ids)

    def _text(self, text: str) -> _Part | Likelihood:
        control = self.tokenizer.control.ids
        begin = [control[token] for token in (self.tokenizer.bos or self.tokenizer.eos,) if token]
        ids = [*begin, *(i for piece in pieces(self.tokenizer, text) for i in piece.ids)]
        return self._part(ids, list(range(1, len(ids))), text)

    def _part(self, ids: Sequence[int], counted: Sequence[int], text: str) -> _Part | Likelihood:
        if not counted:
            return Likelihood(None, error="there is no token whose probability could be told: the text is empty")
        limit = min(_LONGEST, self._context)
        read = [at for at in counted if at < limit]
        if not read:
            return Likelihood(None, cut=len(counted), error=f"what comes before it fills the {limit} tokens of a row")
        spelt = text if len(read) == len(counted) and text else self._spelt([ids[at] for at in read])
        row = Row(tuple(ids[: read[-1] + 1]), tuple(read))
        return _Part(row, len(spelt.encode("utf-8", "replace")), len(counted) - len(read))

    def _spelt(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.encoders.first.decode(list(ids), skip_special_tokens=False))

    @cached_property
    def _control_ids(self) -> frozenset[int]:
        return frozenset(self.tokenizer.control.ids.values())

    @cached_property
    def _context(self) -> int:
        config = self.shelf.take(self.folder).model.config.get_text_config()
        return int(getattr(config, "max_position_embeddings", None) or _LONGEST)


@dataclass(frozen=True)
class _Part:
    """A row that can be scored, the bytes of its counted text, and how many tokens did not fit."""

    row: Row
    bytes: int
    cut: int

    def told(self, bits: float | None) -> Likelihood:
        error = None if bits is not None else "the model's logits are not finite numbers"
        return Likelihood(bits, len(self.row.counted), self.bytes, self.cut, error)


def _spoken(decoder: Decoder, ids: Sequence[int]) -> str:
    return str(decoder.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

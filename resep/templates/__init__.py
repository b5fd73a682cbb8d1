"""Render and tokenise a conversation, and say which of its tokens are trained on: one renderer for training and asking.

A template is Jinja, as Hugging Face writes it: one of ours (chat_templates/), `native` (the model's own) or a .jinja
file beside the recipe. What the assistant says is known from `{% generation %}` blocks, or else by rendering every
prefix of the conversation. Two laws hold for every template, or an error says why they cannot:

* `encode_prompt(messages[:-1]).ids` is the beginning of `encode(messages).ids`: text is cut where an answer begins and
  each side is tokenised by itself, because that is what a model gets to see when it answers;
* characters in a row never become a control token. Before rendering, every control token that a message contains is
  broken by a character that no message contains; it is taken out again when the text between control tokens is encoded.

rendering.py renders in the Jinja of sandbox.py, within what budget.py allows; control.py breaks and finds control
tokens, conversation.py renders and cuts, tools.py asks whether a template takes tools, completion.py writes a text that
has no question, tokenizer.py turns text into ids, tokenizer_files.py reads a model's folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from resep.errors import ResepError
from resep.paths import data_folder
from resep.records import Message
from resep.suggest import did_you_mean, listed
from resep.templates.completion import end_text, start_text
from resep.templates.conversation import Conversation, Span, cut, guarded, question, whole
from resep.templates.rendering import Template, compile_template
from resep.templates.tokenizer import Tokenizer
from resep.templates.tokenizer_files import load_tokenizer
from resep.templates.tools import require_places

__all__ = [
    "PROBES",
    "Encoded",
    "Template",
    "Tokenizer",
    "TrainOn",
    "encode",
    "encode_prompt",
    "find_template",
    "load_template",
    "load_tokenizer",
    "plain_markers",
    "same_rendering",
]

NATIVE = "native"
TrainOn = Literal["assistant", "all"]

PROBES: tuple[tuple[Message, ...], ...] = (
    (Message("user", "How do I begin?"),),
    (Message("system", "Be brief."), Message("user", "How do I begin?")),
    (Message("user", "How do I begin?"), Message("assistant", "Open it."), Message("user", "And then?")),
)


@dataclass(frozen=True)
class Encoded:
    """A rendered conversation: its ids, for each whether it is trained on, and the text they come from."""

    ids: list[int]
    trained: list[bool]
    text: str


def find_template(name: str, recipe_folder: Path) -> Path | None:
    """The file of a template, or None for `native`. Raises ResepError, with the nearest name, where there is none."""
    if name == NATIVE:
        return None
    if name.endswith(".jinja"):
        return _beside(name, recipe_folder)
    shipped = {path.stem: path for path in sorted(data_folder("chat_templates").glob("*.jinja"))}
    if name not in shipped:
        known = (*shipped, NATIVE)
        raise ResepError(
            f"prompt.chat_template: no chat template '{name}'{did_you_mean(name, known) or ';'} known are "
            f"{', '.join(known)}, and the path of a .jinja file beside the recipe"
        )
    return shipped[name]


def load_template(name: str, recipe_folder: Path, tokenizer: Tokenizer) -> Template:
    """The template called `name`, compiled, and checked against the tokenizer that it will be used with."""
    path = find_template(name, recipe_folder)
    source = tokenizer.chat_template if path is None else path.read_text(encoding="utf-8")
    if source is None:
        raise ResepError(
            "prompt.chat_template: native: this model's folder has no chat template of its own (a base model, "
            "probably); choose one of `resep list chat-templates`"
        )
    if "eos_token" in source and tokenizer.eos is None:
        raise ResepError(
            f"chat template '{name}' ends every answer with the model's end token, but the model's "
            f"tokenizer_config.json names no eos_token that its tokenizer has: a tuned model would never stop"
        )
    return compile_template(name, source)


def encode(
    template: Template,
    tokenizer: Tokenizer,
    messages: Sequence[Message],
    train_on: TrainOn = "assistant",
    tools: Sequence[Mapping[str, Any]] = (),
) -> Encoded:
    """A whole conversation that ends with the assistant's answer, or a completion, for training.

    `train_on` assistant: the answers of every turn, with their end tokens; all: every token; in both, an answer of
    weight 0 is not trained on. Raises ResepError where the template refuses the conversation, has no place for its
    tools, or writes the prompt of an answer otherwise than the answer's own text begins.
    """
    if len(messages) == 1 and messages[0].role == "completion":
        return _completion(template, tokenizer, messages[0], train_on)
    if not messages or messages[-1].role != "assistant":
        raise ResepError("the conversation does not end with an answer of the assistant, so there is nothing to learn")
    conversation = guarded(template, tokenizer, messages, tools)
    require_places(conversation)
    text, spans = whole(conversation)
    prompt, _ = question(conversation, _asked_count(messages))
    if not text.startswith(prompt):
        raise ResepError(_why_no_prefix(conversation, prompt, text))
    return _tokenised(conversation, text, _after(len(prompt), spans), len(prompt), train_on)


def encode_prompt(
    template: Template, tokenizer: Tokenizer, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]] = ()
) -> Encoded:
    """What a model is asked: the conversation and the beginning of an answer. Nothing of it is trained on."""
    if not messages or messages[-1].role in ("assistant", "completion"):
        raise ResepError("there is nothing to answer: the conversation is empty or ends with an answer")
    conversation = guarded(template, tokenizer, messages, tools)
    require_places(conversation)
    text, spans = question(conversation, len(messages))
    encoded = _tokenised(conversation, text, spans, len(text))
    return Encoded(encoded.ids, [False] * len(encoded.ids), encoded.text)


def same_rendering(
    a: Template, b: Template, tokenizer: Tokenizer, probes: Iterable[Sequence[Message]] = PROBES
) -> bool:
    """Whether two templates ask a model the same tokens for every probe; a probe that both refuse counts as the same.

    The probes are clean text: templates that differ in white space at the ends of a message alone are the same here.
    """
    return all(_asked(a, tokenizer, probe) == _asked(b, tokenizer, probe) for probe in probes)


def plain_markers(template: Template, tokenizer: Tokenizer) -> tuple[str, ...]:
    """The words that the template writes next to a message and the tokenizer reads as plain text: `[INST]` for SmolLM2.

    A row that contains such a marker looks to the model like another turn, and nothing can tell the two apart.
    """
    found: set[str] = set()
    for probe in PROBES:
        asked = _asked(template, tokenizer, probe)
        if asked is None:
            continue
        for between in re.split("|".join(re.escape(message.content) for message in probe), asked.text):
            words = tokenizer.control.found.sub(" ", between).split()
            found.update(word for word in (*words[:1], *words[-1:]) if re.search(r"\W", word))
    return tuple(sorted(found))


def _tokenised(
    conversation: Conversation, text: str, spans: Sequence[Span], prompt_end: int, train_on: TrainOn = "assistant"
) -> Encoded:
    ids: list[int] = []
    trained: list[bool] = []
    for piece, is_learnt in cut(conversation, text, spans, [prompt_end]):
        ids += piece.ids
        trained += [is_learnt is True or (is_learnt is None and train_on == "all")] * len(piece.ids)
    return Encoded(ids, trained, text.replace(conversation.breaker, ""))


def _completion(template: Template, tokenizer: Tokenizer, message: Message, train_on: TrainOn) -> Encoded:
    """The bare text, with the BOS before it and the end token after it that the template gives a conversation."""
    conversation = guarded(template, tokenizer, [message])
    start, text = start_text(template, tokenizer), conversation.messages[0]["content"] + end_text(template, tokenizer)
    begin = [tokenizer.control.ids[start]] if start else []
    ids = [*begin, *(i for piece, _ in cut(conversation, text, ()) for i in piece.ids)]
    trained = [train_on == "all"] * len(begin) + [True] * (len(ids) - len(begin))
    return Encoded(ids, trained, start + text.replace(conversation.breaker, ""))


def _after(prompt_end: int, spans: Sequence[Span]) -> list[Span]:
    """The last answer begins where its prompt ends: what the model is given, it is not trained on."""
    return [span._replace(start=max(span.start, prompt_end)) if span.end > prompt_end else span for span in spans]


def _asked_count(messages: Sequence[Message]) -> int:
    """How many messages stand before the last answer, which may be written in several messages."""
    return max((n for n, message in enumerate(messages, start=1) if message.role != "assistant"), default=0)


def _asked(template: Template, tokenizer: Tokenizer, probe: Sequence[Message]) -> Encoded | None:
    try:
        return encode_prompt(template, tokenizer, probe)
    except ResepError:
        return None


def _beside(name: str, recipe_folder: Path) -> Path:
    path = (recipe_folder / name).resolve()
    if not path.is_relative_to(recipe_folder.resolve()):
        raise ResepError(
            f"prompt.chat_template: '{name}' lies outside the recipe's folder {recipe_folder}; copy it there"
        )
    if not path.is_file():
        there = [str(p.relative_to(recipe_folder)) for p in sorted(recipe_folder.rglob("*.jinja"))]
        raise ResepError(
            f"prompt.chat_template: no file '{name}' in {recipe_folder}{did_you_mean(name, there) or ';'} "
            f"the .jinja files there are: {listed(there)}"
        )
    return path


def _why_no_prefix(conversation: Conversation, prompt: str, text: str) -> str:
    same = next((i for i, (a, b) in enumerate(zip(prompt, text, strict=False)) if a != b), min(len(prompt), len(text)))
    asked, learnt = (t[max(0, same - 20) : same + 20].replace(conversation.breaker, "") for t in (prompt, text))
    return (
        f"chat template '{conversation.template.name}': what the model is asked (with add_generation_prompt) is not "
        f"how the training text begins: {asked!r} against {learnt!r}; it would learn one format and be asked in another"
    )

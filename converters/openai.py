"""OpenAI's fine-tuning API: one job over conversations that the service tokenises and masks itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from resep.records import Example, Message

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.recipe import Recipe

LEAST_ROWS = 10  # of training, as the service asks for
MOST_BYTES = 512_000_000  # of an uploaded file
# The longest conversation that is trained on, in tokens: what is longer, the service cuts without a word.
_MOST_TOKENS = {"gpt-4.1": 65_536, "gpt-4o": 65_536, "gpt-3.5-turbo": 16_385}
_ROLES = ("system", "user", "assistant", "tool")
_LONGEST_SUFFIX = 64
_LINE_ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}  # to some readers of lines, not to JSON
_KEPT = (("tool_call_id", None), ("name", None), ("weight", 1))  # keys of a message, with what is left out


def convert(recipe: Recipe, prepared: Mapping[str, Any], profile: Profile) -> Mapping[str, str]:  # noqa: ARG001
    """File name -> content. Pure; the files in it are fixed words, for which the train stage puts the uploaded ones.

    `prepared` is tokenise's statistics (`splits`: rows of each). What the recipe leaves to the service is left out.
    """
    knobs = {
        "n_epochs": int(recipe["training.num_epochs"]),
        "batch_size": recipe["training.batch_size"],
        "learning_rate_multiplier": recipe["training.openai.learning_rate_multiplier"],
    }
    chosen = {name: value for name, value in knobs.items() if value is not None}
    validated = prepared["splits"].get("validation", {"rows": 0})["rows"] > 0
    job = {
        "model": recipe["model.base"],
        "training_file": "train.jsonl",
        **({"validation_file": "validation.jsonl"} if validated else {}),
        "method": {"type": "supervised", "supervised": {"hyperparameters": chosen}},
        "seed": recipe["seed"],
        "suffix": recipe["training.openai.suffix"] or suffix(recipe["name"]),
    }
    return {"job.json": json.dumps(job, indent=2, ensure_ascii=False) + "\n"}


def suffix(name: str) -> str:
    """A recipe's name as a part of a model's name."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name)[:_LONGEST_SUFFIX].strip("-")


def token_limit(model: str) -> int | None:
    """The published limit of one conversation in training; None for a model that is not known here."""
    return next((limit for family, limit in _MOST_TOKENS.items() if model.removeprefix("ft:").startswith(family)), None)


def line(example: Example) -> str:
    """A row of the uploaded file, with its line end."""
    row: dict[str, Any] = {"messages": [_message(message) for message in example.messages]}
    row |= {"tools": list(example.tools)} if example.tools else {}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).translate(_LINE_ENDS) + "\n"


def faults(example: Example) -> Iterator[str]:
    """What the published rules of the format have against a row; nothing of its texts is repeated.

    Numbers of messages count from 1.
    """
    messages = example.messages
    for number, message in enumerate(messages, 1):
        yield from (f"message {number} ({message.role}) {fault}" for fault in _faults(message))
    if not messages or messages[-1].role != "assistant":
        yield "the last message must be the assistant's"
    elif not any(message.role == "assistant" and message.weight for message in messages):
        yield "no answer is trained on: every weight is 0"
    if not _is_unicode(example.tools):
        yield "a tool's description has half a character in it, which no file can hold"


def _faults(message: Message) -> Iterator[str]:
    if message.role == "completion":
        yield "is a text without a question, and the service learns conversations alone"
    elif message.role not in _ROLES:
        yield f"has a role that is none of {', '.join(_ROLES)}"
    if not message.content.strip() and not message.tool_calls:
        yield "is empty"
    if message.weight not in (0, 1):
        yield "has a weight that is neither 0 nor 1"
    if message.role == "tool" and not message.tool_call_id:
        yield "does not say which call it answers (tool_call_id)"
    if message.tool_calls and message.role != "assistant":
        yield "calls tools, which only the assistant does"
    if not _is_unicode([message.content, message.name, *message.tool_calls]):
        yield "has half a character in it, which no file can hold"


def _message(message: Message) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role}
    if message.content or not message.tool_calls:
        written["content"] = message.content
    if message.tool_calls:
        written["tool_calls"] = [_call(call) for call in message.tool_calls]
    return written | {key: value for key, nothing in _KEPT if (value := getattr(message, key)) != nothing}


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call as the API spells it: its arguments are a text."""
    function = call["function"]
    return {**call, "function": {**function, "arguments": json.dumps(function["arguments"], ensure_ascii=False)}}


def _is_unicode(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True

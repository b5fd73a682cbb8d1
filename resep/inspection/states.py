"""What a row says at one moment: its texts, each under the name that a reader knows it by."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from resep.formats import texts_of
from resep.formats.texts import said

State = tuple[tuple[str, str], ...]  # (label, text): prompt, response, or the roles of a conversation in their order

_TEXTS = ("prompt", "response", "messages", "tools", "system")


def state_of(fields: Mapping[str, Any], named: Collection[str]) -> State:
    """The texts of a row, and of the further fields that steps name. A list of steps is a text of one step per line."""
    return (*_conversation(fields), *_further(fields, named))


def state_of_example(example: Mapping[str, Any], like: State) -> State:
    """The texts of a prepared example under the labels of a state that the same row had before."""
    labels = {label for label, _ in like}
    messages = example["messages"]
    fields: dict[str, Any] = {**example["metadata"], "messages": messages}
    if "response" in labels:
        fields = {**example["metadata"], "response": example["target"]}
        fields |= {"prompt": messages[-2]["content"]} if "prompt" in labels else {}
    if messages[0]["role"] == "system" and "response" in labels and "system" in labels:
        fields["system"] = messages[0]["content"]
    if messages[0]["role"] == "system" and "response" not in labels and "system" not in labels:
        fields["messages"] = messages[1:]  # the recipe's own, which no step has seen
    return state_of(fields, labels)


def _conversation(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "messages" in fields:
        yield from ((message["role"], said(message)) for message in fields["messages"])
        return
    for name in ("system", "prompt", "response"):
        if name in fields:
            yield name, _as_text(fields[name])


def _further(fields: Mapping[str, Any], named: Collection[str]) -> Iterator[tuple[str, str]]:
    for name in fields:
        if name in named and name not in _TEXTS and (texts := texts_of(fields, name)):
            yield name, _as_text(texts)


def _as_text(value: str | Sequence[str]) -> str:
    return value if isinstance(value, str) else "\n".join(value)

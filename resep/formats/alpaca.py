"""Alpaca: an instruction, perhaps an input to it, and the output; perhaps a system text and the turns before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resep.formats.form import Form
from resep.formats.messages import conversation
from resep.formats.values import BadRowError, check_answer, check_text, field, optional_text


def read(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """`prompt`, `response` and perhaps `system`; `messages` where the row has a history.

    The input stands below the instruction, after a blank line.
    """
    prompt, answer = _prompt(values, names), field(values, "response", names["response"])
    check_answer(answer, f"field {names['response']!r}")
    system = optional_text(values, names["system"])
    if history := values.get(names["history"]):
        return {"messages": _with_history(system, history, prompt, answer, names)}
    fields = {"prompt": prompt, "response": answer}
    return {**fields, "system": system} if system else fields


def _prompt(values: Mapping[str, Any], names: Mapping[str, str]) -> str:
    instruction, given = field(values, "prompt", names["prompt"]), optional_text(values, names["input"])
    if not given or instruction:
        check_text(instruction, f"field {names['prompt']!r}")
    return f"{instruction}\n\n{given}" if instruction and given else instruction or given


def _with_history(
    system: str, history: Any, prompt: str, answer: Any, names: Mapping[str, str]
) -> list[dict[str, Any]]:
    if not isinstance(answer, str):
        raise BadRowError(f"field {names['response']!r} is a list of steps in a row with a history: write it as a text")
    turns = conversation(history, f"field {names['history']!r}")
    last = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    return [*([{"role": "system", "content": system}] if system else []), *turns, *last]


FORM = Form(
    wants="instruction and output, perhaps input, system and history",
    fields={"prompt": "instruction", "response": "output"},
    read=read,
    optional={"input": "input", "system": "system", "history": "history"},
)

"""One question and one answer per row; the answer is a text, a list of ordered steps, or made of further fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resep.formats.form import Form
from resep.formats.values import check_answer, check_text, field, optional_text


def read(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """`prompt` and `response`, and `system` where it is mapped and says something."""
    name = names["prompt"]
    prompt = values[name] if name in values else field(values, "prompt", name)
    if prompt.__class__ is not str or not prompt or prompt.isspace():
        check_text(prompt, f"field {name!r}")
    name = names["response"]
    response = values[name] if name in values else field(values, "response", name)
    if response.__class__ is not str or not response or response.isspace():
        check_answer(response, f"field {name!r}")
    if "system" in names and (system := optional_text(values, names["system"])):
        return {"prompt": prompt, "response": response, "system": system}
    return {"prompt": prompt, "response": response}


def read_question(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The same without `response`, where the answer is made of other fields."""
    name = names["prompt"]
    prompt = field(values, "prompt", name)
    check_text(prompt, f"field {name!r}")
    system = optional_text(values, names["system"]) if "system" in names else ""
    return {"prompt": prompt, "system": system} if system else {"prompt": prompt}


FORM = Form(
    wants="prompt (a text) and response (a text or a list of steps)",
    fields={"prompt": "prompt", "response": "response"},
    read=read,
    takes=frozenset({"system"}),
)

QUESTION = Form(
    wants="prompt (a text)",
    fields={"prompt": "prompt"},
    read=read_question,
    takes=frozenset({"system"}),
)

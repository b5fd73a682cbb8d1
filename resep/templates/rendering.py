"""Jinja chat templates in a sandbox, rendered as Hugging Face renders them, with a limit on what they may spend.

`{% generation %}...{% endgeneration %}` surrounds what the assistant says, its end token included, as in transformers.
A rendering carries one character before and one after each such block (`Marks`), chosen by the caller so that no
message contains them. A template is data from a stranger: it may loop, but not for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jinja2
from jinja2.exceptions import SecurityError

from resep.errors import ResepError
from resep.templates import budget
from resep.templates.budget import Budget
from resep.templates.sandbox import Marks, current_marks, environment

__all__ = ["Marks", "Template", "compile_template", "render"]

MAX_SOURCE = 200_000  # characters of a template; those of the well-known models have up to 20,000

# Whatever a template's expressions may raise: a template is the user's to repair, never our bug.
_TEMPLATE_ERRORS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    SyntaxError,  # "too many statically nested blocks": jinja2 writes Python
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Template:
    """A chat template ready to render. `marks_answers`: whether it says itself where the assistant speaks."""

    name: str
    source: str
    marks_answers: bool
    compiled: jinja2.Template = field(repr=False, compare=False)


def compile_template(name: str, source: str) -> Template:
    """The compiled template, or a ResepError that names the line of its syntax error."""
    if len(source) > MAX_SOURCE:
        raise ResepError(f"chat template '{name}' has {len(source):,} characters; {MAX_SOURCE:,} are allowed")
    marks_answers = re.search(r"\{%[-+]?\s*generation\s*[-+]?%\}", source) is not None
    try:
        return Template(name, source, marks_answers, environment().from_string(source))
    except jinja2.TemplateSyntaxError as error:
        raise ResepError(f"chat template '{name}', line {error.lineno}: {error.message}") from error
    except RecursionError as error:
        raise ResepError(f"chat template '{name}' is nested too deeply") from error
    except _TEMPLATE_ERRORS as error:
        raise ResepError(f"chat template '{name}': {_explain(error)}") from error


def render(
    template: Template,
    messages: Sequence[Mapping[str, Any]],
    special_tokens: Mapping[str, str],
    marks: Marks,
    *,
    generation_prompt: bool,
    tools: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The rendered conversation with marks; a ResepError names the template and says what went wrong.

    `special_tokens` are the variables bos_token, eos_token, ... ; messages are {role, content}, and tools and what
    else a message holds as OpenAI has them.
    """
    spendable = Budget(sum(map(_size, messages)) + _size(tools))
    variables = {
        **special_tokens,
        "messages": list(messages),
        "tools": list(tools) or None,
        "documents": None,
        "add_generation_prompt": generation_prompt,
    }
    before = budget.current.set(spendable), current_marks.set(marks)
    try:
        return "".join(_within(spendable.limit, template.compiled.generate(variables)))
    except _TEMPLATE_ERRORS as error:
        raise ResepError(f"chat template '{template.name}': {_explain(error)}") from error
    finally:
        budget.current.reset(before[0])
        current_marks.reset(before[1])


def _size(value: Any) -> int:
    """Characters, and marks of JSON, that a value takes when it is written."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(_size(name) + _size(item) + 6 for name, item in value.items())
    return sum(_size(item) + 2 for item in value) if isinstance(value, list | tuple) else 1


def _within(limit: int, parts: Iterable[str]) -> Iterator[str]:
    size = 0
    for part in parts:
        size += len(part)
        if size > limit:
            raise SecurityError(f"it rendered more than {limit:,} characters: stopped")
        yield part


def _explain(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "its macros call each other without end"
    if "strftime_now" in str(error):
        return (
            "it asks for today's date (strftime_now), which would make every day's data different; "
            "copy it to a .jinja file beside the recipe and write a fixed date"
        )
    return f"{error}" if isinstance(error, jinja2.TemplateError) else f"{type(error).__name__}: {error}"

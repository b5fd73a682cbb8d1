"""Jinja chat templates in a sandbox, rendered as Hugging Face renders them, with a limit on what they may spend.

`{% generation %}...{% endgeneration %}` surrounds what the assistant says, its end token included, as in transformers.
A rendering carries one character before and one after each such block (`Marks`), chosen by the caller so that no
message contains them. A template is data from a stranger: it may loop, but not for ever.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from resep.errors import ResepError

MAX_LOOP_PASSES = 1_000_000
MAX_GROWTH = 20  # characters of output per character of input, beyond a fixed allowance
ALLOWANCE = 100_000  # characters

# Whatever a template's expressions may raise: a template is the user's to repair, never our bug.
_TEMPLATE_ERRORS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Marks:
    """Two characters that stand before and after what the assistant says in a rendering."""

    begin: str
    end: str


@dataclass(frozen=True)
class Template:
    """A chat template ready to render. `marks_answers`: whether it says itself where the assistant speaks."""

    name: str
    source: str
    marks_answers: bool
    compiled: jinja2.Template = field(repr=False, compare=False)


def compile_template(name: str, source: str) -> Template:
    """The compiled template, or a ResepError that names the line of its syntax error."""
    marks_answers = re.search(r"\{%[-+]?\s*generation\s*[-+]?%\}", source) is not None
    try:
        return Template(name, source, marks_answers, _environment().from_string(source))
    except jinja2.TemplateSyntaxError as error:
        raise ResepError(f"chat template '{name}', line {error.lineno}: {error.message}") from error


def render(
    template: Template,
    messages: Sequence[Mapping[str, str]],
    special_tokens: Mapping[str, str],
    marks: Marks,
    *,
    generation_prompt: bool,
) -> str:
    """The rendered conversation with marks; a ResepError names the template and says what went wrong.

    `special_tokens` are the variables bos_token, eos_token, ... ; messages are {role, content}.
    """
    limit = ALLOWANCE + MAX_GROWTH * sum(len(message["content"]) for message in messages)
    variables = {
        **special_tokens,
        "messages": list(messages),
        "tools": None,
        "documents": None,
        "add_generation_prompt": generation_prompt,
        "_marks": marks,
        "_passes": _Passes(),
    }
    try:
        return "".join(_within(limit, template.compiled.generate(variables)))
    except _TEMPLATE_ERRORS as error:
        raise ResepError(f"chat template '{template.name}': {_explain(error)}") from error


class _Passes:
    """How many loop passes one rendering has made."""

    def __init__(self) -> None:
        self.made = 0

    def spend(self) -> None:
        self.made += 1
        if self.made > MAX_LOOP_PASSES:
            raise SecurityError(f"its loops ran more than {MAX_LOOP_PASSES:,} times: stopped")


class _Generation(Extension):
    """`{% generation %}`: puts a mark before and after what its block renders."""

    tags = {"generation"}  # noqa: RUF012 (jinja2 declares it so)

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        call = self.call_method("_mark", [nodes.ContextReference()])
        return nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _mark(self, context: Context, caller: Macro) -> str:
        marks: Marks = context["_marks"]
        return f"{marks.begin}{caller()}{marks.end}"


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox, with counted loops and bounded multiplication (`'x' * 10**10` would fill the memory)."""

    intercepted_binops = frozenset({"*", "**"})

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = nodes.Filter(loop.iter, "_counted", [], [], None, None, lineno=loop.lineno)
        return tree

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and abs(right) > 64:
            raise SecurityError("a power above 64 is refused")
        sized, times = (left, right) if hasattr(left, "__len__") else (right, left)
        if operator == "*" and hasattr(sized, "__len__") and len(sized) * times > ALLOWANCE:
            raise SecurityError(f"a repetition to more than {ALLOWANCE:,} elements is refused")
        return super().call_binop(context, operator, left, right)


def _environment() -> jinja2.Environment:
    environment = _Environment(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols])
    environment.filters["tojson"] = _to_json
    environment.filters["_counted"] = _counted
    environment.globals["raise_exception"] = _raise_exception
    del environment.globals["lipsum"]
    return environment


@jinja2.pass_context
def _counted(context: Context, items: Iterable[Any]) -> Iterator[Any]:
    passes: _Passes = context["_passes"]
    for item in items:
        passes.spend()
        yield item


def _within(limit: int, parts: Iterable[str]) -> Iterator[str]:
    size = 0
    for part in parts:
        size += len(part)
        if size > limit:
            raise SecurityError(f"it rendered more than {limit:,} characters: stopped")
        yield part


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateRuntimeError(message)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Jinja's own `tojson` escapes HTML characters, which no model has seen; the parameters are transformers' own."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _explain(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "its macros call each other without end"
    if "strftime_now" in str(error):
        return (
            "it asks for today's date (strftime_now), which would make every day's data different; "
            "copy it to a .jinja file beside the recipe and write a fixed date"
        )
    return f"{error}" if isinstance(error, jinja2.TemplateError) else f"{type(error).__name__}: {error}"

"""The Jinja environment of chat templates: Hugging Face's extensions and filters in a sandbox that counts and weighs.

What a template builds, repeats, joins or calls goes through budget.py; filters that only multiply sizes are not there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.filters import do_indent, do_replace, sync_do_join
from jinja2.parser import Parser
from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from resep.templates import budget

_WIDEST = 16  # indentation of JSON: it counts once per element and level

# Not in any model's template; they multiply sizes, draw lots or only serve HTML.
_REMOVED_FILTERS = ("center", "filesizeformat", "format", "pprint", "random", "urlize", "wordwrap", "xmlattr")


@dataclass(frozen=True)
class Marks:
    """Two characters that stand before and after what the assistant says in a rendering.

    A third, the `breaker`, stands in the control tokens that a row's own text contains.
    """

    begin: str
    end: str
    breaker: str = ""


current_marks: ContextVar[Marks] = ContextVar("marks")  # not among the variables: a template can set those


def environment() -> jinja2.Environment:
    """A new environment; its templates render only where budget.current and current_marks are set."""
    made = _Environment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols], finalize=budget.written
    )
    for name in _REMOVED_FILTERS:
        del made.filters[name]
    made.filters |= {"tojson": _to_json, "join": _join, "replace": _replace, "indent": _indent}
    made.filters = {name: budget.measured(function) for name, function in made.filters.items()}
    tests: dict[str, Any] = made.tests
    made.tests = {name: budget.measured(function) for name, function in tests.items()}
    made.filters |= {
        "_counted": budget.counted,
        "_concatenated": budget.concatenated,
        "_weighed": budget.weighed,
    }
    made.globals["raise_exception"] = _raise_exception
    del made.globals["lipsum"]
    return made


class _Generation(Extension):
    """`{% generation %}`: puts a mark before and after what its block renders."""

    tags = {"generation"}  # noqa: RUF012 (jinja2 declares it so)

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_mark"), [], [], body).set_lineno(line)

    def _mark(self, caller: Macro) -> str:
        marks = current_marks.get()
        return f"{marks.begin}{caller()}{marks.end}"


class _Guard(NodeTransformer):
    """Rewrites a template so that its loops are counted, and what it puts together is weighed."""

    def visit_For(self, loop: nodes.For) -> nodes.Node:
        text = sum(len(data.data) for data in loop.find_all(nodes.TemplateData))
        self.generic_visit(loop)
        loop.iter = _filtered(loop.iter, "_counted", nodes.Const(text))
        return loop

    def visit_Concat(self, concat: nodes.Concat) -> nodes.Node:
        self.generic_visit(concat)
        return _filtered(nodes.List(concat.nodes, lineno=concat.lineno), "_concatenated")

    def visit_List(self, built: nodes.Expr) -> nodes.Node:
        self.generic_visit(built)
        return built if _is_constant(built) else _filtered(built, "_weighed")

    visit_Dict = visit_List

    def visit_Tuple(self, built: nodes.Tuple) -> nodes.Node:
        return self.visit_List(built) if built.ctx == "load" else built


def _filtered(value: nodes.Node, name: str, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(value, name, list(arguments), [], None, None, lineno=value.lineno)


def _is_constant(value: nodes.Expr) -> bool:
    try:
        value.as_const()
    except nodes.Impossible:
        return False
    return True


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox; whatever could grow a value without end asks the budget first."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree: nodes.Template = _Guard().visit(super()._parse(source, name, filename))
        return tree

    def call(self, context: Context, obj: Any, *arguments: Any, **named: Any) -> Any:
        arguments = budget.method_arguments(obj, arguments)
        called = super().call
        return budget.paid(budget.current.get(), lambda *a, **n: called(context, obj, *a, **n), arguments, named)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        budget.require_operation(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> Any:
        found = super().wrap_str_format(value)
        return _refused_format if found else found


@jinja2.pass_eval_context
def _join(context: nodes.EvalContext, value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
    return sync_do_join(context, budget.require_joined(value, d), d, attribute)


@jinja2.pass_eval_context
def _replace(context: nodes.EvalContext, s: Any, old: str, new: str, count: int | None = None) -> str:
    budget.require_replacement(str(s), old, new)
    return do_replace(context, s, old, new, count)


def _indent(s: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    budget.require_indented(s, width)
    return do_indent(s, width, first, blank)


def _refused_format(*_: Any, **__: Any) -> NoReturn:
    raise SecurityError("the method format of a text is refused: write it with ~")


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
    if budget.current.get().weigh(separators, str(indent)) > _WIDEST or (isinstance(indent, int) and indent > _WIDEST):
        raise SecurityError(f"an indentation or separator of more than {_WIDEST} characters is refused")
    text = json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
    if ensure_ascii and (breaker := current_marks.get().breaker):
        text = text.replace(json.dumps(breaker)[1:-1], breaker)  # so that it is found, and taken out again
    return text

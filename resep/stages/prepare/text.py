"""A recipe's text steps as one function: the same for training rows, for what a user types, and for what is scored."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from resep import plugins
from resep.detectors.writing import Found, noting
from resep.errors import ResepError
from resep.numbering import number_row
from resep.placeholders import hide, reveal, scrub
from resep.plugins.source import TEXT_SHAPES

if TYPE_CHECKING:
    from resep.recipe import StepSpec

TextFunction = Callable[[str], str]
TextsFunction = Callable[[Sequence[str]], list[str]]

# Not a placeholder: a control token of the Mistral family that stands in a text.
_CONTROL = "INST|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CONTENT|SYSTEM_PROMPT|PREFIX|MIDDLE|SUFFIX|IMG"
_INSIDE = r"[^{}\x00-\x1f\x7f-\x9f\u2028\u2029]"  # any script, on one line
PLACEHOLDER = re.compile(
    rf"\[(?!(?:{_CONTROL})\])[A-Z][A-Z0-9_]{{0,31}}(?:#[0-9a-f]{{16}})?\]|\{{\{{{_INSIDE}{{1,64}}\}}\}}"
)


def text_pipeline(steps: Sequence[StepSpec], field: str) -> TextFunction:
    """The text steps that name `field`, in order, for one text that stands alone: typed by a user, or to be scored.

    Placeholders in the text come through unchanged; those that a step wants numbered are numbered within the text.
    A step's bad option is a ResepError at once.
    """
    chosen = [(step, function) for step in steps if field in step.fields and (function := text_function(step))]
    clean = fused([function for _, function in chosen])
    if all(step.options.get("numbering", "none") == "none" for step, _ in chosen):
        return clean
    return lambda text: number_row([clean(text)])[0]


def text_function(step: StepSpec) -> TextFunction | None:
    """What a step makes of a text, its options understood, or None for a step of another shape."""
    module = open_step(step)
    shape = next((shape for shape in TEXT_SHAPES if hasattr(module, shape)), None)
    if shape is None:
        return None
    try:
        function = _bound(module, shape, step.options)
        result: object = function("any text")
    except ResepError:
        raise
    except ValueError as error:
        raise ResepError(f"preprocessing.{step.name}: {error}") from error
    except Exception as error:
        raise ResepError(f"preprocessing.{step.name}: fails on any text: {type(error).__name__}: {error}") from error
    if not isinstance(result, str):
        raise ResepError(f"preprocessing.{step.name}: {shape} returns {type(result).__name__}, not a text")
    return function


def texts_function(step: StepSpec, function: TextFunction) -> TextsFunction:
    """What a step makes of many texts: its own way to do so, where it has one, else `function` on each of them."""
    module = open_step(step)
    if hasattr(module, "make_transforms"):
        return cast(TextsFunction, module.make_transforms(**step.options))
    return lambda texts: [function(text) for text in texts]


def _bound(module: ModuleType, shape: str, options: Mapping[str, Any]) -> TextFunction:
    if shape == "make_transform":
        return cast(TextFunction, module.make_transform(**options))
    return partial(module.transform_text, **options)


def open_step(step: StepSpec) -> ModuleType:
    """The module of a step's plug-in: the one beside the recipe if that is meant, else ours."""
    return plugins.open_plugin(step.file or plugins.find("preprocessing", step.name))


def private_values(step: StepSpec) -> Callable[[str], Found]:
    """What finds the (kind, value) pairs that a text step replaces by placeholders in a text that `protect` was over.

    The values are raw: digest them at once.
    """
    function = text_function(step)
    assert function is not None, f"{step.name} is no text step"

    def values(text: str) -> Found:
        with noting() as found:
            function(text)
        return found

    return values


def fused(functions: Sequence[TextFunction]) -> TextFunction:
    """The functions one after another, on a text whose placeholders are hidden from them.

    A placeholder that is still to be numbered leaves with its digest: resep.numbering takes it from there.
    """
    if not functions:
        return lambda text: text

    def clean(text: str) -> str:
        text = protect(text)
        for function in functions:
            text = function(text)
        return text if text.isascii() else reveal(text)

    return clean


def protect(text: str) -> str:
    """The text with its placeholders hidden from the steps; `reveal` brings them back."""
    if not text.isascii():
        text = scrub(text)
    if "[" in text or "{{" in text:
        text = PLACEHOLDER.sub(_hidden, text)
    return text


def protect_all(texts: Sequence[str]) -> list[str]:
    """`protect` for each text, in a third of the time where none of them holds a placeholder."""
    whole = "".join(texts)
    if "[" in whole or "{{" in whole or scrub(whole) != whole:
        return [protect(text) for text in texts]
    return list(texts)


def _hidden(found: re.Match[str]) -> str:
    return hide(found.group())

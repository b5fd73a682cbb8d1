"""What the first rows of the sources say against a recipe: fields that are not there, or hold something else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.formats import FIRST_ROWS as TELLING_ROWS
from resep.formats import has_tools, mapping_of
from resep.preflight.fields import Source, condition_has_its_fields, missing_fields
from resep.preflight.lookup import NotJoined, joined
from resep.recipe.draft import Finding
from resep.sources import local_source, read_rows
from resep.steps import parse_steps

if TYPE_CHECKING:
    from resep.document.places import KeyPath
    from resep.recipe import Recipe

FIRST_ROWS = 50
_ENOUGH = 20  # rows: fewer may differ in every field by chance


def data_findings(recipe: Recipe) -> Iterator[Finding]:
    """Everything that the first rows of the sources say against the recipe."""
    for index in range(len(recipe["data.sources"])):
        yield from _of_source(recipe, index)


def _of_source(recipe: Recipe, index: int) -> Iterator[Finding]:
    at: KeyPath = ("data", "sources", index)
    source = recipe["data.sources"][index]
    try:
        name, read = _first_rows(recipe, index)
    except ResepError as error:
        key = "hub" if source.get("hub") else "path"
        yield Finding((*at, key), str(error).removeprefix(f"{source.get('path')}: "))
        return
    try:
        table, rows = joined(recipe, index, name, read)
    except NotJoined as error:
        yield Finding((*at, *error.key), str(error))
        return
    if not rows:
        return
    try:
        found = Source(name, at, mapping_of(source, partial(list, read[:TELLING_ROWS]), table), rows)
    except ResepError as error:
        yield Finding((*at, "format"), str(error).removeprefix(f"{source.get('path')}: "))
        return
    yield from missing_fields(found)
    yield from condition_has_its_fields(found)
    for check in CHECKS:
        yield from check(recipe, found)


def _first_rows(recipe: Recipe, index: int) -> tuple[str, list[Mapping[str, Any]]]:
    """The name of a source and its first rows; none where it is not on this machine yet."""
    found = local_source(recipe, index)
    if found is None:
        return "", []
    return found.name, [row.values for row in islice(read_rows(found), FIRST_ROWS) if not row.problem]


def sorting_fields_repeat(recipe: Recipe, source: Source) -> Iterator[Finding]:
    """A field that splits or slices are made by has to repeat from row to row."""
    named: list[tuple[KeyPath, str | None]] = [
        (("split", "stratify_by"), recipe["split.stratify_by"]),
        *((("evaluation", "slices", index), field) for index, field in enumerate(recipe["evaluation.slices"])),
    ]
    for path, field in named:
        values = [json.dumps(value, sort_keys=True, default=str) for value in source.values(field)] if field else []
        if len(values) >= _ENOUGH and len(set(values)) == len(values):
            message = (
                f"'{field}' is another in each of the first {len(values)} rows of '{source.name}': it sorts nothing"
            )
            yield Finding(path, message, "warning")


def answers_have_steps(recipe: Recipe, source: Source) -> Iterator[Finding]:
    """Order accuracy compares the order of steps: one step has none."""
    if "order_accuracy" not in recipe.evaluators:
        return
    answers = [_as_steps(answer) for answer in _answers(source)]
    if answers and max(answers) < 2:
        message = (
            f"none of the first {len(answers)} responses of '{source.name}' has two steps, and a single step has no "
            "order; give responses as lists of steps or numbered lines, or leave this evaluator out"
        )
        yield Finding(("evaluation", "evaluators", "order_accuracy"), message, "warning")


def structure_survives(recipe: Recipe, source: Source) -> Iterator[Finding]:
    """Stripping punctuation from a JSON answer leaves words."""
    for index, step in enumerate(recipe.steps):
        if step.name != "strip_punctuation" or "response" not in step.fields:
            continue
        count = sum(_is_json(answer) for answer in _answers(source))
        if count > len(source.rows) / 2:
            what = f"the responses of '{source.name}' are JSON, and this step takes its punctuation"
            message = f"{what}; write fields: [prompt]"
            yield Finding(("preprocessing", index), message, "warning")


def tools_have_a_place(recipe: Recipe, source: Source) -> Iterator[Finding]:
    """A chat template that writes no tools would refuse the rows that have some, once the model is there."""
    if not any(has_tools(fields) for fields in source.read):
        return
    from resep.stages.chat_template import chat_template
    from resep.templates import find_template

    name, folder = chat_template(recipe)
    path = find_template(name, folder)
    if path is not None and "tool_calls" not in path.read_text(encoding="utf-8"):
        message = (
            f"rows of '{source.name}' have tools or call them, and chat template '{name}' has no place for that; take "
            "mistral, or native where the model's own template has one"
        )
        yield Finding(("prompt", "chat_template"), message)


CHECKS: tuple[Callable[[Recipe, Source], Iterator[Finding]], ...] = (
    sorting_fields_repeat,
    answers_have_steps,
    structure_survives,
    tools_have_a_place,
)


def _answers(source: Source) -> list[Any]:
    """The last answer of each row that can be read."""
    return [fields["response"] if "response" in fields else fields["messages"][-1]["content"] for fields in source.read]


def _as_steps(answer: Any) -> int:
    if isinstance(answer, list):
        return len(answer)
    return len(parse_steps(answer).steps) if isinstance(answer, str) else 0


def _is_json(answer: Any) -> bool:
    if not isinstance(answer, str) or answer.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(answer)
    except ValueError:
        return False
    return True

"""What the first rows of the sources say against a recipe: fields that are not there, or hold something else."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.recipe.draft import Finding
from resep.stages.prepare.rows import TEXT_FIELDS, Mapped
from resep.stages.prepare.sources import read_source
from resep.steps import parse_steps
from resep.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from resep.document.places import KeyPath
    from resep.recipe import Recipe

FIRST_ROWS = 50
_LARGEST_JSON = 64_000_000  # bytes: a .json file is read as a whole
_ENOUGH = 20  # rows: fewer may differ in every field by chance
# What columns of prompts and of responses are called elsewhere.
_PROMPTS = ("question", "instruction", "query", "input", "user", "text", "prompt", "q")
_RESPONSES = ("answer", "output", "completion", "response", "steps", "assistant", "target", "chosen", "a")


@dataclass(frozen=True)
class Source:
    """The first rows of one source, as its file has them. `at`: where the source stands in the recipe."""

    name: str
    at: KeyPath
    mapped: Mapped
    rows: Sequence[Mapping[str, Any]]

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(column for row in self.rows for column in row))

    def values(self, ours: str) -> list[Any]:
        """What stands in a field of ours, row by row; nothing for rows without it."""
        theirs = self.mapped.fields.get(ours, ours)
        return [row[theirs] for row in self.rows if theirs in row]


def data_findings(recipe: Recipe) -> Iterator[Finding]:
    """Everything that the first rows of the sources say against the recipe."""
    for index, source in enumerate(recipe["data.sources"]):
        at: KeyPath = ("data", "sources", index)
        if "path" not in source or source["path"] is None:
            continue  # a source of the hub
        try:
            found = _first_rows(recipe, source, at)
        except ResepError as error:
            yield Finding((*at, "path"), str(error).removeprefix(f"{source['path']}: "))
            continue
        if found is not None and found.rows:
            yield from missing_fields(found)
            for check in CHECKS:
                yield from check(recipe, found)


def _first_rows(recipe: Recipe, source: Mapping[str, Any], at: KeyPath) -> Source | None:
    """None for a .json file that is too large to be read for its first rows alone."""
    path = recipe.locate(f"data.sources[{at[-1]}].path")
    if path.suffix.lower() == ".json" and path.is_file() and path.stat().st_size > _LARGEST_JSON:
        return None
    rows = islice(read_source(path, source["path"]), FIRST_ROWS)
    return Source(source["path"], at, Mapped.from_source(source), [row.values for row in rows if not row.problem])


def missing_fields(source: Source) -> Iterator[Finding]:
    """Mapped fields that none of the first rows has: the mapping is wrong, not a row."""
    columns, count = source.columns, len(source.rows)
    missing = {ours: theirs for ours, theirs in source.mapped.fields.items() if theirs not in columns}
    rows = f"none of the first {count} rows of '{source.name}' has" if count > 1 else f"'{source.name}' has not"
    has = f"{'they have' if count > 1 else 'its row has'} {listed(columns).replace(' or ', ' and ')}"
    meant = _meant_columns(source, missing)
    if meant and missing.keys() >= set(TEXT_FIELDS[source.mapped.format]):  # one mistake, told once
        texts = [f"'{missing.pop(ours)}'" for ours in TEXT_FIELDS[source.mapped.format]]
        noun = "the fields" if len(texts) > 1 else "a field"
        yield Finding((*source.at, "fields"), f"{rows} {noun} {listed(texts)}; {has}{meant}")
    for ours, theirs in missing.items():
        hint = meant if ours in TEXT_FIELDS[source.mapped.format] else ""
        hint = hint or did_you_mean(theirs, columns)
        yield Finding((*source.at, "fields", ours), f"{rows} a field '{theirs}'; {has}{hint}")


def _meant_columns(source: Source, missing: Collection[str]) -> str:
    """The mapping, or the format, that the columns of the file speak for."""
    columns = {column.lower(): column for column in source.columns}
    if source.mapped.format == "prompt_response" and "messages" in columns:
        return "; write format: messages"
    if "conversations" in columns:
        return "; ShareGPT's 'conversations' of from/value have to be renamed to 'messages' of role/content first"
    taken = {theirs for ours, theirs in source.mapped.fields.items() if ours not in missing}
    free = {name: column for name, column in columns.items() if column not in taken}
    wanted = {"prompt": _PROMPTS, "response": _RESPONSES}
    found = {
        ours: next((free[name] for name in names if name in free), None)
        for ours, names in wanted.items()
        if source.mapped.format == "messages" or ours in missing
    }
    if not found or None in found.values():
        return ""
    other = "format: prompt_response, " if source.mapped.format == "messages" else ""
    return f"; write {other}fields: {{{', '.join(f'{ours}: {theirs}' for ours, theirs in found.items())}}}"


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


CHECKS: tuple[Callable[[Recipe, Source], Iterator[Finding]], ...] = (
    sorting_fields_repeat,
    answers_have_steps,
    structure_survives,
)


def _answers(source: Source) -> list[Any]:
    """The last answer of each row."""
    if source.mapped.format == "prompt_response":
        return source.values("response")
    turns = [messages[-1] for messages in source.values("messages") if isinstance(messages, list) and messages]
    return [turn["content"] for turn in turns if isinstance(turn, dict) and "content" in turn]


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

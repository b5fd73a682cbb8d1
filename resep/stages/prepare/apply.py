"""Apply a recipe's steps, in order, to a stream of rows. A row that is dropped leaves the stream with its reason.

Neighbouring text steps run as one; the rows between any two steps carry plain text, placeholders written out.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.records import Row
from resep.stages.prepare.text import TextFunction, fused, open_step, text_function

if TYPE_CHECKING:
    from resep.recipe import StepSpec

Drop = Callable[[Row], None]
FIELD_OF_ROLE = {"system": "prompt", "user": "prompt", "assistant": "response"}


@dataclass
class StepCount:
    """What a step did: rows that came in and went on, and rows whose text it changed."""

    name: str
    rows_in: int = 0
    rows_out: int = 0
    changed: int = 0


def apply_steps(rows: Iterable[Row], steps: Sequence[StepSpec], drop: Drop) -> tuple[Iterator[Row], list[StepCount]]:
    """The rows that are left after all steps, lazily, and the counts, which are complete when the rows are used up.

    `drop` receives every row that a step drops. Raises ResepError where a step's options are wrong, or where it fails.
    """
    counts = [StepCount(step.name) for step in steps]
    stream = iter(rows)
    functions = [text_function(step) for step in steps]
    planned = list(zip(steps, functions, counts, strict=True))
    for is_text, group in groupby(planned, key=lambda item: item[1] is not None):
        if is_text:
            stream = _transform(stream, list(group), drop)
        else:
            for step, _, count in group:
                stream = _other_shape(stream, step, count, drop)
    return stream, counts


def _transform(rows: Iterable[Row], run: Sequence[Any], drop: Drop) -> Iterator[Row]:
    """Neighbouring text steps in one pass. `run` holds (step, function, count) of each."""
    touched = [False] * len(run)
    cleaners: dict[str, TextFunction] = {
        field: fused([_watched(f, i, step.name, touched) for i, (step, f, _) in enumerate(run) if field in step.fields])
        for field in sorted({field for step, _, _ in run for field in step.fields})
    }
    for row in rows:
        try:
            cleaned = Row(row.id, clean_fields(row.fields, cleaners), row.origin)
        except _StepFailedError as error:
            raise ResepError(f"{row.origin}: {error}") from error
        empty = _empty_part(cleaned)
        for index, (_, _, count) in enumerate(run):
            count.rows_in += 1
            count.rows_out += not empty
            count.changed += touched[index]
            touched[index] = False
        if empty:
            drop(replace(cleaned, dropped=f"{empty} is empty after preprocessing"))
        else:
            yield cleaned


def clean_fields(fields: Mapping[str, Any], cleaners: Mapping[str, TextFunction]) -> dict[str, Any]:
    """The fields with their texts cleaned: `prompt` and `response` also speak of the messages of a conversation.

    A step of a list that is empty after cleaning is left out: there is nothing left to number.
    """
    cleaned = dict(fields)
    for field, clean in cleaners.items():
        if field in cleaned:
            cleaned[field] = _cleaned(cleaned[field], clean)
    if "messages" in cleaned:
        cleaned["messages"] = [_cleaned_message(message, cleaners) for message in cleaned["messages"]]
    return cleaned


def _cleaned_message(message: dict[str, str], cleaners: Mapping[str, TextFunction]) -> dict[str, str]:
    clean = cleaners.get(FIELD_OF_ROLE[message["role"]])
    return {**message, "content": clean(message["content"])} if clean else message


def _cleaned(value: Any, clean: TextFunction) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [text for item in value if (text := _cleaned(item, clean)) != ""]
    return value


def _empty_part(row: Row) -> str | None:
    """The first part of the row that no longer says anything."""
    if "messages" in row.fields:
        contents = [message["content"] for message in row.fields["messages"]]
        return next((f"message {number}" for number, text in enumerate(contents, 1) if not text.strip()), None)
    for field in ("prompt", "response"):
        value = row.fields[field]
        if not (value.strip() if isinstance(value, str) else value):
            return field
    return None


def _watched(function: TextFunction, index: int, name: str, touched: list[bool]) -> TextFunction:
    def watch(text: str) -> str:
        try:
            result = function(text)
        except Exception as error:
            raise _StepFailedError(_failure(name, error)) from error
        if not isinstance(result, str):
            raise _StepFailedError(f"preprocessing step '{name}' returned {type(result).__name__}, not a text")
        if result != text:
            touched[index] = True
        return result

    return watch


class _StepFailedError(Exception):
    """A step raised. The message holds no text of the row: it may be personal."""


def _failure(name: str, error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"line {last.lineno} of {Path(last.filename).name}"
    return f"preprocessing step '{name}' failed with {type(error).__name__} at {place}"


def _other_shape(rows: Iterator[Row], step: StepSpec, count: StepCount, drop: Drop) -> Iterator[Row]:
    module = open_step(step)
    counted = _counted(rows, count)
    if hasattr(module, "check_row"):
        judged = _checked(counted, partial(module.check_row, **step.options))
    else:
        judged = _all_returned(module.process_rows(counted, **step.options), count)
    return _kept(_guarded(judged, step.name), count, drop)


def _counted(rows: Iterable[Row], count: StepCount) -> Iterator[Row]:
    for row in rows:
        count.rows_in += 1
        yield row


def _checked(rows: Iterable[Row], check: Callable[[Row], str | None]) -> Iterator[Row]:
    for row in rows:
        reason = check(row)
        yield replace(row, dropped=reason) if reason else row


def _all_returned(rows: Iterable[Row], count: StepCount) -> Iterator[Row]:
    returned = 0
    for row in rows:
        returned += 1
        yield row
    if returned != count.rows_in:
        raise ResepError(
            f"preprocessing step '{count.name}' was given {count.rows_in} rows and returned {returned}: "
            "a row that shall not go on is yielded with `dropped` set to the reason"
        )


def _guarded(rows: Iterable[Row], name: str) -> Iterator[Row]:
    try:
        yield from rows
    except ResepError:
        raise
    except Exception as error:
        raise ResepError(_failure(name, error)) from error


def _kept(rows: Iterable[Row], count: StepCount, drop: Drop) -> Iterator[Row]:
    for row in rows:
        if row.dropped:
            drop(row)
        else:
            count.rows_out += 1
            yield row

"""Whether the output is JSON, fits a schema, and says the same as the reference, field by field.

Strict: what the arm really wrote is one JSON value and nothing else. Lenient: the longest object or list in it, out of
a code fence or from between words, a comma before a closing bracket forgiven; nothing else is repaired. A nested
object is taken apart into its fields (`slots.city`), a list is one field and is compared whole. An output that cannot
be read has every field wrong; a reference that is no JSON gives no score for fields. Of a repeated key the last value
counts, NaN is no JSON, 1 equals 1.0 but not "1".
schema: a JSON Schema, written into the recipe
schema_file: the same in a file of JSON, relative to the recipe
reading: by which reading schema and fields are judged
ignore_case: upper and lower case, and the amount of white space, are the same in the values of fields
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from resep import Context, Metric, Sample, Score, target_text
from resep.digests import digest_json
from resep.errors import ResepError
from resep.json_answers import Json, fields, read_lenient, read_strict, same, spelt
from resep.json_schemas import Schema, compile_schema

METRICS = (
    Metric("json_valid", direction="higher", low=0, high=1, kind="binary", help="the output is JSON, nothing else"),
    Metric("json_valid_lenient", direction="higher", low=0, high=1, kind="binary", help="JSON can be found in it"),
    Metric("json_schema", direction="higher", low=0, high=1, kind="binary", help="it fits the schema"),
    Metric("json_match", direction="higher", low=0, high=1, kind="binary", help="it says what the reference says"),
    Metric("json_field_accuracy", direction="higher", low=0, high=1, help="fields of the reference that are right"),
    Metric("json_keys_missing", direction="lower", low=0, unit="fields", help="of the reference, not in the output"),
    Metric("json_keys_extra", direction="lower", low=0, unit="fields", help="in the output, not in the reference"),
)
TEXTS = "raw"

_MOST_TOLD = 20  # extra fields of one output: a model may write thousands
_MOST_ROWS = 40  # of a table


def metrics(options: Mapping[str, Any]) -> tuple[Metric, ...]:
    """`json_schema` only where there is a schema."""
    has_schema = options["schema"] is not None or bool(options["schema_file"])
    return METRICS if has_schema else tuple(metric for metric in METRICS if metric.name != "json_schema")


def evaluate(
    samples: Iterable[Sample],
    context: Context,  # noqa: ARG001
    *,
    schema: dict | None = None,  # type: ignore[type-arg]
    schema_file: str | None = None,
    reading: Literal["lenient", "strict"] = "lenient",
    ignore_case: bool = True,
) -> Iterator[Score]:
    compiled = open_schema(schema, schema_file)
    for sample in samples:
        strict = read_strict(sample.output)
        found = strict or read_lenient(sample.output)
        answer = strict if reading == "strict" else found
        wanted = read_strict(target_text(sample.target, "json"))
        values, detail = compare(answer, wanted, ignore_case)
        values |= {"json_valid": float(strict is not None), "json_valid_lenient": float(found is not None)}
        detail["read"] = "as it is" if strict else "leniently" if found else "not at all"
        if compiled is not None:
            fault = "no JSON" if answer is None else compiled.fault(answer.value)
            values["json_schema"] = float(fault is None)
            detail |= {"schema": fault} if fault else {}
        yield Score(sample.id, sample.arm, values, detail=detail)


def signature(
    context: Context,  # noqa: ARG001
    *,
    schema: dict | None = None,  # type: ignore[type-arg]
    schema_file: str | None = None,
    reading: Literal["lenient", "strict"] = "lenient",
    ignore_case: bool = True,
) -> str:
    given = read_schema(schema, schema_file)
    digest = "none" if given is None else f"#{digest_json(given)[:12]}"
    return f"json_format|schema:{digest}|reading:{reading}|ignore_case:{ignore_case}|version:1"


def summarise(samples: Sequence[Sample], scores: Sequence[Score], context: Context, **options: Any) -> dict[str, Any]:  # noqa: ARG001
    """Tables: each field's accuracy, how the outputs read, and where they leave the schema; rows or shares per arm."""
    arms = list(dict.fromkeys(score.arm for score in scores))
    without = len({row.id for row, score in zip(samples, scores, strict=True) if "right" not in score.detail})
    total = len({row.id for row in samples})
    message = f"json_format: references that are not JSON: {without} of {total}; their fields have no score"
    tables = [
        field_table(scores, arms),
        count_table("How the outputs read as JSON", "reading", "read", scores, arms),
        count_table("Where outputs leave the schema", "place and rule", "schema", scores, arms),
    ]
    return {"tables": [table for table in tables if table["rows"]], "warnings": [message] if without else []}


def compare(
    answer: Json | None, wanted: Json | None, ignore_case: bool
) -> tuple[dict[str, float | None], dict[str, Any]]:
    """The values that need a reference, and which fields are right, wrong, missing or extra."""
    names = ("json_match", "json_field_accuracy", "json_keys_missing", "json_keys_extra")
    if wanted is None:
        return dict.fromkeys(names), {}
    asked, given = fields(wanted.value), {} if answer is None else fields(answer.value)
    right = [path for path, value in asked.items() if path in given and same(value, given[path], ignore_case)]
    missing = [path for path in asked if path not in given]
    wrong = [path for path in asked if path in given and path not in set(right)]
    extra = [path for path in given if path and path not in asked and given[path] != {}]
    is_match = answer is not None and same(answer.value, wanted.value, ignore_case)
    numbers = (is_match, len(right) / len(asked), len(missing), None if answer is None else len(extra))
    told = {"right": right, "wrong": wrong, "missing": missing, "extra": extra[:_MOST_TOLD]}
    values = {name: None if number is None else float(number) for name, number in zip(names, numbers, strict=True)}
    return values, {
        "right": [],
        **{fate: [spelt(path)[:120] for path in paths] for fate, paths in told.items() if paths},
    }


def field_table(scores: Sequence[Score], arms: Sequence[str]) -> dict[str, Any]:
    """The share of rows in which each of the reference's fields is right, the most frequent fields first."""
    asked: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    for score in scores:
        asked.update((score.arm, name) for fate in ("right", "wrong", "missing") for name in score.detail.get(fate, ()))
        right.update((score.arm, name) for name in score.detail.get("right", ()))
    rows = Counter({name: max(asked[arm, name] for arm in arms) for _, name in asked})
    shares = [
        [name, count, *(right[arm, name] / asked[arm, name] if asked[arm, name] else None for arm in arms)]
        for name, count in rows.most_common(_MOST_ROWS)
    ]
    return {"title": "Fields that are right", "columns": ["field", "rows", *arms], "rows": shares}


def count_table(title: str, column: str, key: str, scores: Sequence[Score], arms: Sequence[str]) -> dict[str, Any]:
    """How many rows of each arm have each value of a detail."""
    counted = Counter((score.arm, score.detail[key]) for score in scores if key in score.detail)
    whole = Counter(score.detail[key] for score in scores if key in score.detail)
    rows = [[name, *(counted[arm, name] for arm in arms)] for name, _ in whole.most_common(_MOST_ROWS)]
    return {"title": title, "columns": [column, *arms], "rows": rows}


def open_schema(schema: Mapping[str, Any] | None, schema_file: str | None) -> Schema | None:
    given = read_schema(schema, schema_file)
    try:
        return None if given is None else compile_schema(given)
    except ValueError as error:
        raise ResepError(f"evaluator json_format: {schema_file or 'schema'}: {error}") from error


def read_schema(schema: Mapping[str, Any] | None, schema_file: str | None) -> Any:
    if schema is not None and schema_file:
        raise ResepError("evaluator json_format: both schema and schema_file are given; leave one of them out")
    if not schema_file:
        return schema
    try:
        return json.loads(Path(schema_file).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ResepError(f"evaluator json_format: {schema_file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ResepError(f"evaluator json_format: {schema_file}: not JSON: {error}") from error

"""JSON Schemas that a stranger's recipe brings: nothing is fetched for them, and no text makes them run away.

The jsonschema library by itself would open the address of a `$ref`, a file's included, run `pattern` on an engine whose
time may explode, and compare list items each with each. Draft 2020-12 unless `$schema` says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from resep.json_answers import frozen
from resep.patterns import compile_search

# Keywords below which the keys are names, or the values no schemas: {"properties": {"pattern": ...}} is no pattern.
_NAMED = frozenset(("properties", "$defs", "definitions", "dependentSchemas"))
_VALUES = frozenset(("enum", "const", "default", "examples", "required"))
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


@dataclass(frozen=True)
class Schema:
    """A schema that can be applied."""

    validator: Any

    def fault(self, value: Any) -> str | None:
        """The first fault of a value, as its place and the keyword that it fails (`slots[].city: type`), or None.

        No value is told: it may be personal. RecursionError for a schema that refers to itself without end.
        """
        error = next(self.validator.iter_errors(value), None)
        return None if error is None else f"{_place(error.absolute_path)}: {error.validator}"


def compile_schema(schema: Any) -> Schema:
    """The schema, ready to be applied. Raises ValueError, which says what is wrong with it."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import extend, validator_for
    from referencing import Registry

    if not isinstance(schema, Mapping | bool):
        raise ValueError("not a JSON Schema: an object is needed")
    kind: Any = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"not a JSON Schema: {_place(error.absolute_path)}: {error.message}") from error
    patterns = _checked_patterns(schema)
    safe: Any = extend(  # type: ignore[no-untyped-call]
        kind, {"pattern": _pattern(patterns), "uniqueItems": _unique_items}
    )
    _require_references(schema, kind)
    return Schema(safe(schema, registry=Registry()))


def _checked_patterns(schema: Any) -> dict[str, Any]:
    patterns = {}
    for keyword, value in _keywords(schema):
        if keyword == "patternProperties":
            raise ValueError("patternProperties is not understood here: name the keys in properties")
        if keyword == "pattern":
            try:
                patterns[value] = compile_search(value)
            except ValueError as error:
                raise ValueError(f"pattern {value!r}: {error}") from error
    return patterns


def _require_references(schema: Any, kind: Any) -> None:
    """Only places within the schema itself may be referred to, and they have to be there."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import specification_with

    specification = specification_with(kind.META_SCHEMA["$schema"])
    resolver = Registry().with_resource("", specification.create_resource(schema)).resolver()
    for keyword, value in _keywords(schema):
        if keyword not in _REFERENCES:
            continue
        if not str(value).startswith("#"):
            raise ValueError(f"{keyword} {value!r} leads elsewhere: nothing is fetched; put it under $defs")
        try:
            resolver.lookup(value)
        except Unresolvable as error:
            raise ValueError(f"{keyword} {value!r} leads nowhere in this schema") from error


def _keywords(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every keyword of the schema and of those within it, with its value."""
    if isinstance(schema, list):
        for inner in schema:
            yield from _keywords(inner)
    for keyword, value in schema.items() if isinstance(schema, Mapping) else ():
        yield keyword, value
        if keyword in _NAMED and isinstance(value, Mapping):
            yield from _keywords(list(value.values()))
        elif keyword not in _VALUES:
            yield from _keywords(value)


def _pattern(compiled: Mapping[str, Any]) -> Callable[..., Iterator[Any]]:
    from jsonschema import ValidationError

    def pattern(validator: Any, wanted: str, value: Any, schema: Any) -> Iterator[Any]:  # noqa: ARG001
        if isinstance(value, str) and not compiled[wanted].occurs(value):
            yield ValidationError("does not match")

    return pattern


def _unique_items(validator: Any, wanted: bool, value: Any, schema: Any) -> Iterator[Any]:  # noqa: ARG001
    from jsonschema import ValidationError

    if wanted and isinstance(value, list) and len({frozen(item) for item in value}) < len(value):
        yield ValidationError("has an item twice")


def _place(path: Any) -> str:
    """`slots[].city`: the numbers of list items left out, so that equal faults are counted together."""
    text = "".join("[]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
    return text[:120].encode("utf-8", "replace").decode() or "(all)"

"""Checks that the fields of a row that a recipe speaks of are those that its sources give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from resep.document.places import KeyPath
from resep.recipe.checks.split import OWN_TEXT, fields_spoken_of
from resep.recipe.draft import Check, Draft, Finding
from resep.suggest import did_you_mean, listed

_STEPS_OF_ONE_FIELD = ("series", "split_steps")
_EVALUATORS_OF_A_FIELD = ("contains", "regex")
_TEXT_FIELDS = ("prompt", "response")


def fields_are_mapped(draft: Draft) -> Iterator[Finding]:
    """Fields that splits, slices, clusters and evaluators speak of have to come from every source."""
    maps = dict(_mapped(draft))
    for path, field in chain(fields_spoken_of(draft), _fields_of_evaluators(draft)):
        without = [f"data.sources[{at}].fields" for at, fields in maps.items() if field not in fields]
        add = f"add '{field}: <its name in the file>' to 'fields'"
        if without and len(without) < len(maps):
            has_none = f", or 'values: {{{field}: ...}}' where the file has none"
            yield Finding(
                path, f"'{field}' is not a field that {listed(without)} maps: {add}{has_none}{draft.undoing(path)}"
            )
        elif without:
            further = sorted(set.intersection(*map(set, maps.values())) - set(OWN_TEXT))
            has = f"every source has {', '.join(further)}" if further else "no source maps a further field"
            near = did_you_mean(field, further) if path != ("split", "by") else ""  # by: split can have no other name
            hint = near or f"; {has}: {add}"
            yield Finding(path, f"'{field}' is not a field that data.sources[].fields maps{hint}{draft.undoing(path)}")


def values_are_no_fields_of_the_file(draft: Draft) -> Iterator[Finding]:
    for index, source in draft.sources():
        fields, values = source.get("fields"), source.get("values")
        for name in values if isinstance(values, dict) else ():
            path = ("data", "sources", index, "values", name)
            if name in OWN_TEXT or name == "id":
                yield Finding(path, f"'{name}' differs from row to row: map it in 'fields'", of_key=True)
            elif isinstance(fields, dict) and name in fields:
                yield Finding(path, f"'fields' maps '{name}' already; leave one of the two out", of_key=True)


def fields_fit_the_format(draft: Draft) -> Iterator[Finding]:
    """`messages` in a source of questions and answers, `prompt` in one of conversations."""
    from resep.formats import FORMS, foreign_fields

    for index, source in draft.sources():
        form, fields = FORMS.get(str(source.get("format"))), source.get("fields")
        if form is None or not isinstance(fields, dict):
            continue
        if source.get("answer") and source["format"] != "prompt_response":  # answers.py says so
            continue
        for name in foreign_fields(form, fields):
            message = f"format {source['format']} does not read '{name}'; its rows have {form.wants}"
            yield Finding(("data", "sources", index, "fields", name), message, of_key=True)


def step_fields_exist(draft: Draft) -> Iterator[Finding]:
    maps = [fields for _, fields in _mapped(draft)]
    known = {*_TEXT_FIELDS, *(name for fields in maps for name in fields)}
    for index, (name, options) in draft.steps():
        fields = options.get("fields")
        named: list[tuple[KeyPath, Any]] = []
        named += [(("fields", at), field) for at, field in enumerate(fields if isinstance(fields, list) else [])]
        named += [(("field",), options.get("field"))] if name in _STEPS_OF_ONE_FIELD else []
        for at, field in named:
            if isinstance(field, str) and field not in known:
                hint = did_you_mean(field, known) or f"; fields are {', '.join(sorted(known))}"
                yield Finding(("preprocessing", index, name, *at), f"no source has a field '{field}'{hint}")


def _mapped(draft: Draft) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(index, the fields that its rows have) of every source whose mapping can be read."""
    for at, source in draft.sources():
        values = source.get("values")
        if isinstance(source.get("fields"), dict):
            yield at, {**source["fields"], **(values if isinstance(values, dict) else {})}


def _fields_of_evaluators(draft: Draft) -> Iterator[tuple[KeyPath, str]]:
    for name in _EVALUATORS_OF_A_FIELD:
        if (field := draft.value(f"evaluation.evaluators.{name}.field", str)) is not None:
            yield ("evaluation", "evaluators", name, "field"), field


CHECKS: tuple[Check, ...] = (
    fields_are_mapped,
    values_are_no_fields_of_the_file,
    fields_fit_the_format,
    step_fields_exist,
)

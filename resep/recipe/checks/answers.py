"""Checks across the keys of a source whose answers are made of its fields, or that looks up columns in a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from resep.document.places import KeyPath
from resep.recipe.draft import Check, Draft, Finding
from resep.recipe.paths import is_address
from resep.recipe.remote import holds_credentials
from resep.suggest import did_you_mean, listed

_NO_FURTHER_FIELDS = ("prompt", "response", "system", "messages", "tools", "id")


def answers_are_made_of_further_fields(draft: Draft) -> Iterator[Finding]:
    for at, source in _sources(draft):
        maps = [each for each in (source.get("fields"), source.get("values")) if isinstance(each, dict)]
        further = [name for each in maps for name in each if name not in _NO_FURTHER_FIELDS]
        for index, name in enumerate(_answer(source)):
            path = (*at, "answer", index)
            if not isinstance(name, str):
                continue
            if name in _NO_FURTHER_FIELDS:
                message = f"'{name}' is no further field: map its column under another name, and name that here"
                yield Finding(path, message)
            elif name not in further:
                has = f"'fields' maps {', '.join(further)}" if further else "'fields' maps no further field"
                hint = did_you_mean(name, further) or f"; {has}: add '{name}: <its name in the file>'"
                yield Finding(path, f"'{name}' is not a field that this source maps{hint}")


def answers_take_the_place_of_the_response(draft: Draft) -> Iterator[Finding]:
    for at, source in _sources(draft):
        fields = source.get("fields")
        if _answer(source) and isinstance(fields, dict) and "response" in fields:
            made_of = listed(map(str, _answer(source))).replace(" or ", " and ")
            message = f"the response is made of {made_of} ('answer'); leave one of the two out"
            yield Finding((*at, "fields", "response"), message, of_key=True)


def answers_belong_to_questions(draft: Draft) -> Iterator[Finding]:
    for at, source in _sources(draft):
        if _answer(source) and isinstance(source.get("format"), str) and source["format"] != "prompt_response":
            message = (
                f"'answer' makes the response of a prompt, and this source is read as {source['format']}: write "
                "'format: prompt_response', or leave 'answer' out"
            )
            yield Finding((*at, "format"), message)


def tables_lie_beside_the_recipe(draft: Draft) -> Iterator[Finding]:
    for at, source in _sources(draft):
        lookup, path = source.get("lookup"), (*at, "lookup", "path")
        text = lookup.get("path") if isinstance(lookup, dict) else None
        if not isinstance(text, str):
            continue
        if is_address(text):
            shown = "an address" if holds_credentials(text) else f"'{text}'"
            yield Finding(path, f"{shown}: a table is not fetched; put the file beside the recipe, and name that")
        elif reason := draft.escape(path):
            yield Finding(path, f"'{text}' {reason}")


def tables_are_looked_up_by_one_column(draft: Draft) -> Iterator[Finding]:
    for at, source in _sources(draft):
        lookup = source.get("lookup")
        by = lookup.get("by") if isinstance(lookup, dict) else None
        if isinstance(by, dict) and len(by) > 1:
            named = listed(map(str, by)).replace(" or ", " and ")
            message = f"rows are looked up by one column, and these are {len(by)} ({named}); leave one of them"
            yield Finding((*at, "lookup", "by"), message)


def _sources(draft: Draft) -> Iterator[tuple[KeyPath, Mapping[str, Any]]]:
    return ((("data", "sources", index), source) for index, source in draft.sources())


def _answer(source: Mapping[str, Any]) -> list[Any]:
    answer = source.get("answer")
    return answer if isinstance(answer, list) else []


CHECKS: tuple[Check, ...] = (
    answers_are_made_of_further_fields,
    answers_take_the_place_of_the_response,
    answers_belong_to_questions,
    tables_lie_beside_the_recipe,
    tables_are_looked_up_by_one_column,
)

"""Two recipes side by side: which values differ in meaning, which stage each steers, which stages would run again.

Values are compared resolved, so that order, comments and defaults that are written out make no difference. A file that
both read and that differs in content is a difference like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from resep.digests import digest_tree
from resep.document.places import KeyPath, Place, dotted
from resep.errors import ResepError
from resep.recipe import Recipe
from resep.recipe.values import ABSENT, with_value_at
from resep.ripple import changed_files, in_order, outline, ripple, words
from resep.store import Stage

_STEPS = "preprocessing"


@dataclass(frozen=True)
class Change:
    """What differs. `old` or `new` is None where it is not set, the digest of its content where it is a file.

    `stage` is the first one whose result it steers; empty where that could not be told.
    """

    key: str
    old: Any
    new: Any
    old_origin: Place | None
    new_origin: Place | None
    stage: str


@dataclass(frozen=True)
class Comparison:
    """`changes` are in the order of the pipeline. `stages`: every stage of either recipe -> why it would run again
    after the first recipe has run; () means reuse. None where the stages could not be told; `note` says why.
    """

    changes: tuple[Change, ...]
    stages: Mapping[str, tuple[str, ...]] | None
    note: str = ""


@dataclass(frozen=True)
class _Difference:
    """A difference between resolved recipes: the name of the value, and where it is in each of them."""

    name: KeyPath
    old_path: KeyPath
    new_path: KeyPath
    old: Any
    new: Any


def compare(old: Recipe, new: Recipe) -> Comparison:
    """What differs between two recipes, and what that costs. Nothing is run; neither data nor model has to be here."""
    differences = list(_differences(old.data, new.data))
    try:
        before, after = outline(old), outline(new)
    except ResepError as error:
        return Comparison(tuple(_change(old, new, each, "") for each in differences), None, str(error))
    order = in_order(before, after)
    values = [_change(old, new, each, _stage_of(old, new, each, before, after)) for each in differences]
    changes = sorted([*values, *_file_changes(before, after)], key=lambda change: order.index(change.stage))
    return Comparison(tuple(changes), ripple(before, after))


def _change(old: Recipe, new: Recipe, found: _Difference, stage: str) -> Change:
    before, after = (None if value is ABSENT else value for value in (found.old, found.new))
    old_origin, new_origin = old.origin(dotted(found.old_path)), new.origin(dotted(found.new_path))
    return Change(dotted(found.name), before, after, old_origin, new_origin, stage)


def _stage_of(old: Recipe, new: Recipe, found: _Difference, before: Sequence[Stage], after: Sequence[Stage]) -> str:
    """The first stage that differs when nothing but this value does, in the company of the old values or of the new.

    Both are tried: a temperature steers nothing beside `do_sample: false`.
    """
    moved = replace(old, data=with_value_at(old.data, found.old_path, found.new))
    back = replace(new, data=with_value_at(new.data, found.new_path, found.old))
    affected = {*_affected(before, _outline(moved)), *_affected(_outline(back), after)}
    return next((name for name in in_order(before, after) if name in affected), before[-1].name)


def _affected(before: Sequence[Stage], after: Sequence[Stage]) -> list[str]:
    return [name for name, reasons in ripple(before, after).items() if reasons] if before and after else []


def _outline(recipe: Recipe) -> list[Stage]:
    """No stages for a recipe that cannot be, because two values that belong together were parted."""
    try:
        return outline(recipe)
    except ResepError:
        return []


def _differences(old: Any, new: Any, path: KeyPath = ()) -> Iterator[_Difference]:
    if path == (_STEPS,):
        yield from _step_differences(old, new)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in words(old, new):
            yield from _differences(old.get(key, ABSENT), new.get(key, ABSENT), (*path, key))
    elif _is_list_of_maps(old) and _is_list_of_maps(new):
        for index in range(max(len(old), len(new))):
            before, after = (items[index] if index < len(items) else ABSENT for items in (old, new))
            yield from _differences(before, after, (*path, index))
    elif old != new and not (old is ABSENT and new is None) and not (old is None and new is ABSENT):
        yield _Difference(path, path, path, old, new)


def _step_differences(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> Iterator[_Difference]:
    """Steps go by their names: first which there are and in which order, then the options of those in both."""
    names = [[next(iter(step)) for step in steps] for steps in (old, new)]
    if names[0] != names[1]:
        yield _Difference((_STEPS,), (_STEPS,), (_STEPS,), list(old), list(new))
    for name in names[0]:
        if [each.count(name) for each in names] != [1, 1]:
            continue
        at, to = (each.index(name) for each in names)
        for found in _differences(old[at][name], new[to][name], (name,)):
            old_path, new_path = (_STEPS, at, *found.old_path), (_STEPS, to, *found.new_path)
            yield _Difference((_STEPS, *found.name), old_path, new_path, found.old, found.new)


def _is_list_of_maps(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _file_changes(before: Sequence[Stage], after: Sequence[Stage]) -> Iterator[Change]:
    """The files that both recipes call by one name and that differ, each under the first stage that reads it."""
    known, seen = {stage.name: stage for stage in before}, set[str]()
    for stage in (stage for stage in after if stage.name in known):
        other = known[stage.name]
        for word in changed_files(other, stage):
            if word in other.reads and word in stage.reads and word not in seen:
                seen.add(word)
                yield Change(word, _digest(other.reads[word]), _digest(stage.reads[word]), None, None, stage.name)


def _digest(file: Path) -> str | None:
    return f"sha256:{digest_tree(file)[:12]}" if file.exists() else None

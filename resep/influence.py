"""What a key of a recipe leads to: which keys of the trainer's config, and which stages.

Nothing of this is written down anywhere: the recipe is rendered as it is and with other values that the schema allows
the key, and what differs is what the key steers. A table could be forgotten; this cannot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from resep.errors import ResepError
from resep.hardware import Profile
from resep.plugins import find, open_plugin
from resep.recipe import Recipe
from resep.recipe.keys import KeyHelp
from resep.recipe.pass_through import OWNED
from resep.recipe.values import value_at, with_value_at
from resep.ripple import outline, ripple
from resep.store import Stage

_FEW = {"rows": 200, "tokens": 20_000, "longest": 160}
_MANY = {"rows": 20_000, "tokens": 6_000_000, "longest": 160}
_CPU = Profile("cpu", 0, 16.0, "a CPU", 8)
_GPU = Profile("cuda", 1, 16.0, "a GPU", 8, (8, 0))
# Some of each kind of machine, with few rows and with many: what all of a kind agree on is the recipe's doing alone.
_MACHINES: Mapping[str, tuple[tuple[Profile, Mapping[str, int]], ...]] = {
    "a CPU": ((_CPU, _FEW), (_CPU, _MANY)),
    "a GPU": ((_GPU, _FEW), (_GPU, _MANY), (replace(_GPU, memory_gib=80.0), _MANY)),
}
_SPECIAL_TOKENS = {"eos_token": "</s>", "pad_token": "</s>"}
# The words of the schema that decide on a value; `enum` beside `if` is what the branch of the present value says.
_JUDGED = (
    *("type", "enum", "items", "if", "then", "else", "pattern", "minLength", "minItems", "uniqueItems"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
)

_DECIDES = "training.trainer"  # which other keys there are: a recipe with another one is another recipe

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Rendered:
    """One key of the trainer's config: machine -> its value there, None where it is left out.

    A machine is missing where its memory or the number of rows decides as well: the value is known when data is there.
    """

    key: str
    values: Mapping[str, Any]


def rendered(recipe: Recipe, help_: KeyHelp) -> list[Rendered]:
    """The keys of the trainer's config that this key of the recipe steers, in their order."""
    before = _configs(recipe)
    steered = set[str]()
    for value in other_values(recipe, help_):
        after = _configs(_with(recipe, help_, value))
        steered |= {key for machine in before for key in _differing(before[machine], after[machine])}
    order = [key for configs in before.values() for config in configs for key in config or ()]
    # The model goes by a fixed word in the config: no other model changes it.
    steered = steered or {*OWNED.get(help_.name, "").split()} & {*order}
    return [_rendered(key, before) for key in dict.fromkeys([*order, *sorted(steered)]) if key in steered]


def stages_steered(recipe: Recipe, help_: KeyHelp) -> list[str]:
    """The stages that run again when this key changes, or one below it, in the order of the pipeline.

    A stage that names the key in its config depends on it, even where no other value could be tried; for a section,
    also one that names a key above or below it.
    """
    before, others = outline(recipe), other_values(recipe, help_)
    if help_.name == _DECIDES:
        return [stage.name for stage in before if stage.kind not in ("prepare", "choose")]
    tried = (_outline(_with(recipe, help_, value)) for value in others)
    affected = {name for after in tried if after for name, reasons in ripple(before, after).items() if reasons}
    for stage in before:
        named = any(_is_below(key, help_.name) or (not others and _is_below(help_.name, key)) for key in stage.config)
        if named or affected & set(stage.needs):
            affected.add(stage.name)
    return [stage.name for stage in before if stage.name in affected]


def other_values(recipe: Recipe, help_: KeyHelp) -> list[Any]:
    """Some other values that the schema allows this key: enough to see what it steers. For a section, none."""
    from jsonschema import Draft7Validator

    if help_.keys or "$ref" in str(help_.node.get("items")) or help_.name == _DECIDES:
        return []
    judged = [word for word in _JUDGED if word in help_.node and not (word == "enum" and "if" in help_.node)]
    validator = Draft7Validator({word: help_.node[word] for word in judged})
    now = value_at(recipe.data, help_.path)
    candidates = [*help_.node.get("examples", ()), *_candidates(help_.node, now)]
    return [value for value in candidates if value != now and validator.is_valid(value)]


def _is_below(key: str, name: str) -> bool:
    return key == name or key.startswith((f"{name}.", f"{name}["))


def _with(recipe: Recipe, help_: KeyHelp, value: Any) -> Recipe:
    return replace(recipe, data=with_value_at(recipe.data, help_.path, value))


def _candidates(node: Mapping[str, Any], now: Any) -> Iterator[Any]:
    yield from node.get("enum", ())
    if isinstance(now, bool):
        yield not now
    elif isinstance(now, int):
        yield from (now * 2, now // 2, now + 1, now - 1)
    elif isinstance(now, float):
        yield from (now * 2, now / 2, now + 1.0)
    elif isinstance(now, str):
        yield from (f"x{now}", ["q_proj"])
    elif isinstance(now, list):
        yield from ([*now, "x"], now[:-1])
    else:
        yield from (True, 1, 2, 64, 0.5, "x", ["x"])


def _configs(recipe: Recipe) -> dict[str, list[Config | None]]:
    """Per kind of machine, the trainer's config on each of them; None where the recipe cannot be trained there."""
    converter = open_plugin(find("converters", recipe["training.trainer"], recipe.folder))
    return {
        name: [_config(converter, recipe, profile, rows) for profile, rows in machines]
        for name, machines in _MACHINES.items()
    }


def _config(converter: Any, recipe: Recipe, profile: Profile, rows: Mapping[str, int]) -> Config | None:
    prepared = {"splits": {"train": rows, "validation": rows}, "special_tokens": _SPECIAL_TOKENS}
    try:
        files = converter.convert(recipe, prepared, profile)
    except ResepError:
        return None
    return {key: value for text in files.values() for key, value in yaml.safe_load(text).items()}


def _differing(before: list[Config | None], after: list[Config | None]) -> Iterator[str]:
    for old, new in zip(before, after, strict=True):
        if old is not None and new is not None:
            yield from (key for key in {*old, *new} if old.get(key) != new.get(key))


def _rendered(key: str, configs: Mapping[str, list[Config | None]]) -> Rendered:
    found = {machine: [config.get(key) for config in each if config is not None] for machine, each in configs.items()}
    return Rendered(key, {name: each[0] for name, each in found.items() if each and each.count(each[0]) == len(each)})


def _outline(recipe: Recipe) -> list[Stage]:
    """The stages of a recipe; none where a value that was tried cannot be."""
    try:
        return outline(recipe)
    except ResepError:
        return []

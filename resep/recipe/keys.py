"""What the schema says of one key: description, type and bounds in words, default, its names in other tools."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resep.document.inline import inline
from resep.document.places import KeyPath, dotted
from resep.errors import ResepError
from resep.recipe import pass_through
from resep.recipe.habits import other_names, plain
from resep.recipe.key_suggestions import explain_unknown_key
from resep.recipe.schema import RecipeSchema, parts_at
from resep.recipe.values import value_at
from resep.suggest import listed

_SEGMENT = re.compile(r"\[(\d{1,6})\]|\.?([^.\[\]\s]+)")
_NOUNS = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "a map",
    "null": "null",
}
_ITEMS = {"string": "texts", "number": "numbers", "integer": "whole numbers", "object": "maps"}


@dataclass(frozen=True)
class KeyHelp:
    """One key as the schema describes it: `type` and `bounds` in words (`a number`, `above 0, at most 1`).

    `has_default` tells a default of null from none. `also` are its names in other tools, `keys` those below it.
    """

    path: KeyPath
    description: str
    type: str
    bounds: str
    default: Any
    has_default: bool
    required: bool
    also: tuple[str, ...]
    keys: tuple[str, ...]
    node: Mapping[str, Any]

    @property
    def name(self) -> str:
        return dotted(self.path)


def key_help(schema: RecipeSchema, data: Any, path: KeyPath) -> KeyHelp:
    """What the schema says of the key at `path` of `data`. Raises ResepError, with a hint, where there is none."""
    given = without_absent(data)
    for depth in range(1, len(path) + 1):
        if not parts_at(schema, given, path[:depth]):
            raise _unknown(schema, given, path[:depth])
    node = merged(parts_at(schema, given, path))
    above = merged(parts_at(schema, given, path[:-1])) if path else {}
    return describe(path, node, is_required=bool(path) and path[-1] in above.get("required", ()))


def describe(path: KeyPath, node: Mapping[str, Any], *, is_required: bool) -> KeyHelp:
    """The help that a part of the schema holds."""
    return KeyHelp(
        path=path,
        description=node.get("description", ""),
        type=type_in_words(node),
        bounds=bounds_in_words(node),
        default=node.get("default"),
        has_default="default" in node,
        required=is_required,
        also=other_names(plain(path)),
        keys=tuple(node.get("properties", ())),
        node=node,
    )


def option_help(path: KeyPath) -> KeyHelp:
    """The help that Axolotl's own schema holds for an option that is passed through to it.

    Raises ResepError, with the nearest name, where Axolotl has no such option.
    """
    option = str(path[-1])
    description, expected = pass_through.describe(option)
    return KeyHelp(path, description, expected, "", None, False, False, (), (), {})


def read_path(text: str, data: Any) -> KeyPath:
    """`data.sources[0].path` -> ("data", "sources", 0, "path").

    What `data` holds helps to read it: a key with dots of its own (`expect.order_accuracy.delta`), a step by its name
    (`preprocessing.lowercase.fields`), a list without a number, whose first item is meant (`data.sources.path`).
    Raises ResepError for a text that is no key.
    """
    path: list[str | int] = []
    at = 0
    while at < len(text) or not path:
        own = next((key for key in _keys_with_dots(data) if text[at:].lstrip(".") == key), None)
        match = _SEGMENT.match(text, at)
        if match is None or (not path and text.startswith((".", "["))):
            raise ResepError(f"'{text}' is no key: write it like training.learning_rate or data.sources[0].path")
        part: str | int = own or (int(match[1]) if match[1] else match[2])
        at = len(text) if own else match.end()
        is_below_a_list = isinstance(data, list) and isinstance(part, str)
        for name in (_item(data, path, str(part)), part) if is_below_a_list else (part,):
            path.append(name)
            data = value_at(data, (name,))
    return tuple(path)


def merged(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Several parts of the schema about one value as one: of each word the first, of properties and required all."""
    whole: dict[str, Any] = {}
    for part in parts:
        for word, said in part.items():
            if word == "properties":
                whole[word] = _with_properties(whole.get(word, {}), said)
            elif word == "required":
                whole[word] = [*whole.get(word, ()), *said]
            else:
                whole.setdefault(word, said)
    return whole


def type_in_words(node: Mapping[str, Any]) -> str:
    """`a whole number`, `a list of texts`, `qlora, lora or full`."""
    kinds = node.get("type", "object")
    if isinstance(kinds, list):
        return listed(_kind_in_words(kind, _branch(node, kind)) for kind in kinds)
    if "enum" in node:
        return listed(inline(choice) for choice in node["enum"])
    return _kind_in_words(kinds, node)


def bounds_in_words(node: Mapping[str, Any]) -> str:
    """`above 0, at most 1`; an empty text where there are none."""
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and high is not None:
        return f"from {inline(low)} to {inline(high)}"
    words = {"exclusiveMinimum": "above", "minimum": "at least", "maximum": "at most", "exclusiveMaximum": "below"}
    said = [f"{word} {inline(node[bound])}" for bound, word in words.items() if bound in node]
    said += ["not empty"] if node.get("minItems") or node.get("minProperties") else []
    return ", ".join(said)


def without_absent(data: Any) -> Any:
    """A resolved recipe without the keys that nobody set: as the schema's branches want to see it."""
    if isinstance(data, Mapping):
        return {key: without_absent(value) for key, value in data.items() if value is not None}
    return [without_absent(item) for item in data] if isinstance(data, list | tuple) else data


def _with_properties(known: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """A branch may add a word, such as a default, or keys to a key that is described elsewhere."""
    both = {name: merged([node, more[name]]) if name in more else node for name, node in known.items()}
    return {**both, **{name: node for name, node in more.items() if name not in known}}


def _kind_in_words(kind: str, node: Mapping[str, Any]) -> str:
    if kind == "array":
        kinds = node.get("items", {}).get("type", "object")
        return f"a list of {listed(_ITEMS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))}"
    return type_in_words({"enum": node["enum"]}) if "enum" in node else _NOUNS[kind]


def _branch(node: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Of a key that may be a text or a list, what holds for one of the two (`if: {type: ...}`)."""
    if "if" not in node:
        return {word: said for word, said in node.items() if word != "enum"}
    taken: Mapping[str, Any] = node["then" if node["if"].get("type") == kind else "else"]
    return taken


def _unknown(schema: RecipeSchema, data: Any, path: KeyPath) -> ResepError:
    *above, name = path
    here = merged(parts_at(schema, data, tuple(above)))
    if isinstance(name, int) or not (here.get("properties") or not above):
        return ResepError(f"there is no key {dotted(path)}: {dotted(above)} is {type_in_words(here)}")
    return ResepError(f"{dotted(path)}: {explain_unknown_key(name, here, schema.recipe, scope=plain(tuple(above)))}")


def _keys_with_dots(data: Any) -> Iterator[str]:
    yield from (key for key in data if "." in key) if isinstance(data, Mapping) else ()


def _item(items: Sequence[Any], path: Sequence[str | int], name: str) -> int:
    """Which item of a list is meant by a name below it: the step of this name, one more where there is none."""
    if path != ["preprocessing"]:
        return 0
    return next((at for at, item in enumerate(items) if name in item), len(items))

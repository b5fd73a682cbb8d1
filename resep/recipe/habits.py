"""What people bring along from other tools: their names for our keys and values, kept in `schemas/habits.txt`.

Read only when something is wrong with a recipe. A guess by spelling comes after this table, never before it: `lr` is
nearest to many keys and means one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from resep.document.inline import inline
from resep.document.places import KeyPath
from resep.document.scalars import read_scalar
from resep.paths import data_folder

FILE = "habits.txt"
ANY, ANOTHER = "*", "?"  # any value; a value that means something else and has to be thought of anew
_LONGEST = 60  # characters of a value that is repeated in a suggestion
_NO_TOOLS = ("in general", "Resep, one level too high", "Resep", "British spelling", "American spelling")
_TRUE, _FALSE = ("true", "yes", "on", "y"), ("false", "no", "off", "n")

Accepts = Callable[[str, Any], bool]  # (key of ours, value): whether a recipe may say so


@dataclass(frozen=True)
class Habit:
    """One line of the table: `name` (in `scope`, or in any section) with `value` means `key` with `ours`.

    `value`: the spelling of one value, ANY, or None for a line that speaks of the name alone. `key` is dotted, without
    the numbers of list items; empty where nothing is the counterpart and `advice` says what to do. `ours`: the value
    as written, ANOTHER, or None where the user's own goes along.
    """

    scope: str | None
    name: str
    value: str | None
    key: str
    ours: str | None
    tools: str
    advice: str = ""

    @property
    def origin(self) -> str:
        """`lora_r in Axolotl, TRL and others`; an empty text where no tool in particular is behind it."""
        first, second, *others = [*self.tools.split(", "), ""]
        if first in _NO_TOOLS:
            return ""
        return f"{self.name} in {first}" + (
            f", {second} and others" if any(others) else f" and {second}" * bool(second)
        )

    @property
    def written(self) -> str:
        """The left side of its line."""
        name = f"{self.scope}.{self.name}" if self.scope else self.name
        return name if self.value is None else f"{name}: {self.value}"


@cache
def habits() -> tuple[Habit, ...]:
    """The whole table, in its order."""
    text = (data_folder("schemas") / FILE).read_text(encoding="utf-8")
    return tuple(_read_line(line) for line in text.splitlines() if line.strip() and not line.startswith("#"))


def habit_of(name: str, value: Any, scope: str) -> Habit | None:
    """The habit behind a key that recipes do not have. What speaks of this section goes before what speaks of any,
    and what speaks of this value before what speaks of the name alone.
    """
    found = [habit for habit in _by_name().get(spelling(name), ()) if habit.scope in (None, scope)]
    found = [habit for habit in found if habit.value in (None, ANY, spelling(value))]
    return min(found, key=lambda habit: (habit.scope is None, _generality(habit)), default=None)


def habit_of_value(path: KeyPath, value: Any) -> Habit | None:
    """The habit behind a value that a key of ours cannot take."""
    scope, _, name = plain(path).rpartition(".")
    found = [habit for habit in _by_name().get(spelling(name), ()) if (habit.scope or "") == scope and habit.value]
    found = [habit for habit in found if habit.value in (ANY, spelling(value))]
    is_item = isinstance(path[-1], int) if path else True
    found = [habit for habit in found if habit.key or habit.value != ANY or not is_item]  # such advice is for the whole
    return min(found, key=_generality, default=None)


def other_names(key: str) -> tuple[str, ...]:
    """The names that other tools have for a key of ours, for the documentation of it."""
    about = [habit for habit in habits() if habit.key == key]
    # A line about a key of ours, or of a section above it, is about a wrong value: no name for the key.
    return tuple(dict.fromkeys(h.name for h in about if not f"{key}.".startswith(f"{h.written.partition(':')[0]}.")))


def names_in(section: str) -> dict[str, str]:
    """What other tools call the keys of a section -> the key: a misspelt key may be one of these names, misspelt."""
    here = [habit for habit in habits() if habit.key.rpartition(".")[0] == section and habit.value is None]
    return {habit.name: habit.key.rpartition(".")[2] for habit in here}


def instruction(habit: Habit, value: Any, scope: str, accepts: Accepts, *, origin: str = "") -> str:
    """What to do, as an order: `write 'r: 8' under training.lora`. Never what `accepts` would refuse in its turn.

    `origin` is put in brackets with the habit's own advice.
    """
    if not habit.key:
        return habit.advice.replace("{value}", str(value))
    remarks = "; ".join(remark for remark in (habit.advice, origin) if remark)
    more = f" ({remarks})" if remarks else ""
    where, _, name = habit.key.rpartition(".")
    place = "" if where == scope else f" under {where}" if where else " at the top level, without indentation"
    item = "- " if where == "data.sources" and scope != where else ""
    return f"write '{item}{name}{_shown(_value(habit, value, accepts))}'{place}{more}"


def spelling(value: Any) -> str:
    """A name or value without what people write differently: capitals, dashes, underscores, spaces; yes is true."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value) if _is_negative(str(value)) else re.sub(r"[-_\s]", "", str(value)).lower()
    return "true" if text in _TRUE else "false" if text in _FALSE else text


def plain(path: KeyPath) -> str:
    """`("data", "sources", 0, "path")` -> `data.sources.path`, as the table writes it."""
    return ".".join(part for part in path if isinstance(part, str))


def _value(habit: Habit, value: Any, accepts: Accepts) -> Any:
    """The value to suggest; None where the person has to choose one."""
    if habit.ours is not None:
        return None if habit.ours == ANOTHER else read_scalar(habit.ours)
    return value if isinstance(value, str | int | float) and accepts(habit.key, value) else None


def _shown(value: Any) -> str:
    """`: value` as it would be written in YAML; dots where it is too long to repeat."""
    text = "..." if value is None else inline(value)
    return f": {text if len(text) <= _LONGEST else '...'}"


def _is_negative(text: str) -> bool:
    return re.fullmatch(r"-[0-9.]+", text) is not None


def _generality(habit: Habit) -> int:
    """0 for one value, 1 for a name alone, 2 for any value."""
    return 1 if habit.value is None else 2 if habit.value == ANY else 0


@cache
def _by_name() -> dict[str, Sequence[Habit]]:
    table: dict[str, list[Habit]] = {}
    for habit in habits():
        table.setdefault(spelling(habit.name), []).append(habit)
    return {name: tuple(found) for name, found in table.items()}


def _read_line(line: str) -> Habit:
    written, here, tools, *advice = (column.strip() for column in line.split("|"))
    left, value = _key_and_value(written)
    scope, _, name = left.rpartition(".")
    if here.startswith("- "):
        return Habit(scope or None, name, value, "", None, tools, here.removeprefix("- "))
    key, ours = _key_and_value(here)
    is_text_for_one = value is not None and value != ANY
    return Habit(scope or None, name, spelling(value) if is_text_for_one else value, key, ours, tools, " ".join(advice))


def _key_and_value(text: str) -> tuple[str, str | None]:
    key, colon, value = text.partition(": ")
    return key, value if colon else None

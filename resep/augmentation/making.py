"""The order of augmentation: wishes, answers, refusals, in a few rounds, until there are enough children."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from resep.augmentation.asking import Ask, Tally, asker, fulfil
from resep.augmentation.forms import Texts, child_fields, instruction_of, name_of
from resep.augmentation.refusals import Child, Clean, Judge, placeholder_fault
from resep.augmentation.settings import Settings
from resep.augmentation.wishes import Group, Wish, groups_of
from resep.digests import digest_json
from resep.drawing import MOST_LABELS
from resep.errors import ResepError
from resep.records import Row

_ROUNDS = 4  # refused children are made up for in the next round; each goes through all rows once
_ENOUGH_TO_TELL = 10


class TrainingRows(Protocol):
    """What a step after the split is given: the training rows, and the others in `held_out`."""

    @property
    def held_out(self) -> Iterable[Row]: ...

    def __iter__(self) -> Iterator[Row]: ...


@dataclass
class _Making:
    """One call of the step, as far as it has come."""

    settings: Settings
    instruction: str
    ask: Ask
    clean: Clean
    judge: Judge
    tally: Tally = field(default_factory=Tally)
    refused: Counter[str] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)

    @property
    def prompt_name(self) -> str:
        return name_of(self.settings.what, self.instruction)


def make_children(rows: TrainingRows, settings: Settings) -> Generator[Row, None, dict[str, Any]]:
    """The children of the training rows, and as the generator's value the findings.

    Raises ResepError where the model cannot be asked, or where nothing that it answers can be used.
    """
    instruction = instruction_of(settings.what, settings.instruction)
    groups = groups_of(rows, settings)
    clean: Clean = getattr(rows, "cleaned", _as_it_is)
    judge = Judge(rows, rows.held_out, settings.near)
    making = _Making(settings, instruction, asker(settings, instruction), clean, judge)
    waiting = {name: group.wishes(settings) for name, group in groups.items()}
    for _ in range(_ROUNDS):
        wishes = [
            (name, wish)
            for name, group in groups.items()
            for wish in islice(waiting[name], group.wanted - making.made[name])
        ]
        if not wishes:
            break
        yield from _round(making, wishes)
    _require_some(making)
    return _findings(making, groups)


def _round(making: _Making, wishes: list[tuple[str, Wish]]) -> Iterator[Row]:
    answers = fulfil([wish for _, wish in wishes], making.ask, making.settings, making.instruction, making.tally)
    children = []
    for (group, wish), texts in zip(wishes, answers, strict=True):
        if texts is None:
            continue  # counted already: failed, or unreadable
        fault = placeholder_fault(wish.shown, texts)
        row = None if fault else making.clean(_child(wish, texts, making))
        if row is None or row.dropped:
            making.refused[fault or "dropped by the recipe's steps"] += 1
        else:
            children.append(Child(row, group))
    for child, reason in zip(children, making.judge.judge(children), strict=True):
        if reason:
            making.refused[reason] += 1
        else:
            making.made[child.group] += 1
            yield child.row


def _child(wish: Wish, texts: Texts, making: _Making) -> Row:
    made_by = {
        "model": making.settings.model,
        "prompt": making.prompt_name,
        "seed": wish.seed,
        "parent": wish.parent.id,
    }
    name = digest_json([made_by, making.settings.endpoint, wish.turn, making.settings.decoding])[:12]
    fields = {**child_fields(wish.parent, texts), "made_by": made_by}
    return Row(f"{wish.parent.id}~{name}", fields, wish.parent.origin, parent=wish.parent.id)


def _as_it_is(row: Row) -> Row:
    return row


def _require_some(making: _Making) -> None:
    """A model that cannot do what it is asked for is told now, not found out after the training."""
    tally = making.tally
    if making.made or tally.asked < _ENOUGH_TO_TELL or making.refused:
        return
    failures = [f"{count} failed ({reason})" for reason, count in tally.failed.most_common(3)]
    what = "; ".join([f"{tally.unreadable} were not the JSON that was asked for", *failures])
    raise ResepError(
        f"preprocessing.augment: of {tally.asked} answers of {making.settings.model} none could be used: {what}; "
        "try a more capable model, a larger max_new_tokens or another instruction"
    )


def _findings(making: _Making, groups: dict[str, Group]) -> dict[str, Any]:
    """What stands in statistics.json: numbers and names, and the instruction, which is the recipe's; no row's text."""
    tally, settings = making.tally, making.settings
    shown = dict(list(groups.items())[:MOST_LABELS])
    return {
        "model": settings.model,
        "endpoint": settings.endpoint,
        "prompt": making.prompt_name,
        "instruction": making.instruction,
        "decoding": settings.decoding,
        "wanted": sum(group.wanted for group in groups.values()),
        "made": making.made.total(),
        "groups": {
            name: {"rows": group.count, "wanted": group.wanted, "made": making.made[name]}
            for name, group in shown.items()
        },
        "asked": tally.asked,
        "answered": tally.answered,
        "cached": tally.cached,
        "refused": {**dict(sorted(making.refused.items())), "unreadable": tally.unreadable},
        "failed": dict(tally.failed),
        "served_as": dict(tally.served_as),
        "tokens": tally.tokens,
        "cost": tally.cost(settings.price),
        "seconds": round(tally.seconds, 1),
    }

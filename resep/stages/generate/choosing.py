"""Which training rows an arm is shown. Never a test row, nor one that asks what a test row asks; each question once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import zip_longest

from resep.errors import ResepError
from resep.records import Example, Message
from resep.splits.keys import normalised
from resep.stages.generate.shots import Choice, Shots

_ROLES = {"system", "user", "assistant"}


def choose(choice: Choice, train: Iterable[Example], test: Sequence[Example]) -> Shots:
    """The examples that an arm is shown, whatever the order of the training rows.

    Raises ResepError where there are fewer than asked for.
    """
    asked = {question(example) for example in test}
    usable = (example for example in train if _is_usable(example) and question(example) not in asked)
    if choice.choose == "nearest":
        return _nearest(choice, _one_per_question(usable, choice), test)
    chosen = _lowest(usable, choice) if choice.choose == "drawn" else _in_turn(usable, choice)
    _require(choice, len(chosen))
    return Shots(tuple((example.id, _turns(example)) for example in chosen))


def question(example: Example) -> str:
    """What the user of a conversation asks, without the differences of capitals and white space."""
    return normalised("\n".join(message.content for message in example.prompt if message.role == "user"))


def _nearest(choice: Choice, usable: Sequence[Example], test: Sequence[Example]) -> Shots:
    from resep.stages.generate.nearest import nearest

    _require(choice, len(usable))
    found = nearest([question(example) for example in usable], [question(example) for example in test], choice.count)
    shown = sorted({at for each in found for at in each})
    place = {at: number for number, at in enumerate(shown)}
    # The most alike stands last, next to the question.
    of = {example.id: [place[at] for at in reversed(each)] for example, each in zip(test, found, strict=True)}
    return Shots(tuple((usable[at].id, _turns(usable[at])) for at in shown), of)


def _lowest(examples: Iterable[Example], choice: Choice) -> list[Example]:
    """The examples whose questions have the lowest ranks. Holds no more of them than it returns."""
    kept: dict[bytes, tuple[bytes, Example]] = {}
    highest = b""
    for example in examples:
        place, among = _rank(choice.seed, question(example)), _rank(choice.seed, example.id)
        if place in kept:
            kept[place] = min(kept[place], (among, example), key=lambda one: one[0])
        elif len(kept) < choice.count or place < highest:
            kept[place] = (among, example)
            if len(kept) > choice.count:
                del kept[highest]
            highest = max(kept)
    return [kept[place][1] for place in sorted(kept)]


def _in_turn(examples: Iterable[Example], choice: Choice) -> list[Example]:
    """One of each class in turn, the largest class first."""
    by_class: dict[str, list[Example]] = {}
    for example in _one_per_question(examples, choice):
        by_class.setdefault(str(example.metadata.get(choice.classes or "")), []).append(example)
    order = sorted(by_class, key=lambda name: (-len(by_class[name]), name))
    turns = zip_longest(*(by_class[name][: choice.count] for name in order))
    return [example for turn in turns for example in turn if example is not None][: choice.count]


def _one_per_question(examples: Iterable[Example], choice: Choice) -> list[Example]:
    """All examples by the rank of their question; of those that ask the same, the one of the lowest rank."""
    kept: dict[bytes, tuple[bytes, Example]] = {}
    for example in examples:
        place, own = _rank(choice.seed, question(example)), (_rank(choice.seed, example.id), example)
        kept[place] = min(kept.get(place, own), own, key=lambda one: one[0])
    return [kept[place][1] for place in sorted(kept)]


def _require(choice: Choice, found: int) -> None:
    if found < choice.count:
        raise ResepError(
            f"generation.arms.{choice.arm}.examples: {choice.count} are to be shown, and the training rows have "
            f"{found} that can be: questions with answers, without tools, each question once and none of a test row"
        )


def _is_usable(example: Example) -> bool:
    is_answered = len(example.messages) > 1 and not example.tools
    return is_answered and all(turn.role in _ROLES and not turn.tool_calls for turn in example.messages)


def _turns(example: Example) -> tuple[Message, ...]:
    return tuple(Message(turn.role, turn.content) for turn in example.messages if turn.role != "system")


def _rank(seed: int, text: str) -> bytes:
    return blake2b(f"{seed}\0{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()

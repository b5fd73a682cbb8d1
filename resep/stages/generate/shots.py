"""Few-shot: the training rows that an arm is shown before each question, as the stage `choose:<arm>`.

A stage of its own, so that an arm's answers are kept for as long as the rows that it is shown stay the same, whatever
else changes in the training data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from resep.digests import write_json
from resep.errors import ResepError, StageError
from resep.records import Example, Message, read_jsonl
from resep.store import Emit, Stage, Task

FILE = "shots.json"
_REVISION = 1


@dataclass(frozen=True)
class Choice:
    """How an arm's examples are chosen. `classes`: the field that holds them, for `per_class`. `seed` is the lot's."""

    arm: str
    count: int
    choose: Literal["drawn", "per_class", "nearest"]
    classes: str | None
    seed: int

    @property
    def stage_name(self) -> str:
        return f"choose:{self.arm}"


@dataclass(frozen=True)
class Shots:
    """The rows that are shown, as (id, turns), and for each test row which of them; None: all of them to every row."""

    rows: tuple[tuple[str, tuple[Message, ...]], ...]
    of: Mapping[str, Sequence[int]] | None = None

    def before(self, example: Example) -> Example:
        """The example with the rows that it is shown as earlier turns, after its own system message."""
        chosen = range(len(self.rows)) if self.of is None else self.of[example.id]
        turns = [turn for at in chosen for turn in self.rows[at][1]]
        head = [message for message in example.messages[:1] if message.role == "system"]
        messages = (*head, *turns, *example.messages[len(head) :])
        return Example(example.id, messages, example.target, example.metadata, example.tools)


def stages(choices: Sequence[Choice]) -> list[Stage]:
    """`choose:<arm>` for every arm that is shown examples."""
    run = partial(_run, choices={choice.stage_name: choice for choice in choices})
    return [
        Stage(
            name=choice.stage_name,
            run=run,
            config=_config(choice),
            outputs=(FILE,),
            needs={"prepare": ("train.jsonl", "test.jsonl")},
            revision=_REVISION,
        )
        for choice in choices
    ]


def read_shots(file: Path) -> Shots:
    """What the stage wrote."""
    found = json.loads(file.read_text(encoding="utf-8"))
    rows = tuple((row["id"], tuple(Message(**turn) for turn in row["turns"])) for row in found["rows"])
    return Shots(rows, found["of"])


def _config(choice: Choice) -> dict[str, object]:
    key = f"generation.arms.{choice.arm}"
    drawn = {} if choice.choose == "nearest" else {"seed": choice.seed}
    classes = {"split.stratify_by": choice.classes} if choice.classes else {}
    return {f"{key}.examples": choice.count, f"{key}.choose": choice.choose, **classes, **drawn}


def _run(tasks: Sequence[Task], emit: Emit, *, choices: Mapping[str, Choice]) -> Iterator[Task]:  # noqa: ARG001
    from resep.stages.generate.choosing import choose

    for task in tasks:
        folder = task.inputs["prepare"]
        test = list(read_jsonl(folder / "test.jsonl", Example))
        try:
            shots = choose(choices[task.name], read_jsonl(folder / "train.jsonl", Example), test)
        except ResepError as error:
            raise StageError(task.name, str(error)) from error
        rows = [{"id": name, "turns": [vars(turn) for turn in turns]} for name, turns in shots.rows]
        write_json(task.out / FILE, {"rows": rows, "of": shots.of})
        yield task

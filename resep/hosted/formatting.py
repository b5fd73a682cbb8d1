"""The stage `tokenise` for a service, which tokenises itself: rows become what is uploaded, checked and counted.

train.jsonl and validation.jsonl hold a conversation per line, as the converter writes it; both are always there. Rows
go through one by one. statistics.json, lengths.json and ledger.jsonl say the same as those of a training on this
machine; `counted_by` says whether their tokens were counted or estimated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.hosted.counting import ESTIMATE, RULE, Counting, counting_for, encoding_here
from resep.plugins import open_plugin
from resep.records import Example, read_jsonl
from resep.store import Emit, Stage, Task

if TYPE_CHECKING:
    from resep.recipe import Recipe
    from resep.stages.tokenise.counts import Lengths, Tally

UPLOADED = ("train.jsonl", "validation.jsonl")
OUTPUTS = (*UPLOADED, "statistics.json", "lengths.json", "ledger.jsonl")
_SHOWN = 5  # rows that are named in an error
_EVERY = 1000  # rows between two reports of progress


def stage(recipe: Recipe) -> Stage:
    """The stage of a recipe. The model's name decides how long a conversation may be, and how tokens are counted."""
    converter = recipe.plugin("converters", recipe["training.trainer"])
    return Stage(
        name="tokenise",
        run=partial(_run, converter=converter),
        config={
            **recipe.pick("model.base", "training.sequence_len", "training.overflow"),
            "counted_by": encoding_here(recipe["model.base"]) or ESTIMATE,
        },
        outputs=OUTPUTS,
        needs={"prepare": ("train.jsonl", "validation.jsonl", "test.jsonl", "ledger.jsonl")},
        reads={f"converters/{converter.name}": converter},
    )


@dataclass(frozen=True)
class _Rules:
    """How the rows of a task are judged. `limit`: most tokens of a conversation, None where nobody knows one."""

    converter: Any
    counting: Counting
    limit: int | None
    drops: bool

    @property
    def about(self) -> str:
        return "" if self.counting.is_exact else "about "


@dataclass
class _Faults:
    """Rows that cannot be sent: how many, and of the first few (split, id, what is wrong)."""

    count: int = 0
    too_long: int = 0
    shown: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, split: str, row: str, fault: str) -> None:
        self.count += 1
        if self.count <= _SHOWN:
            self.shown.append((split, row, fault))


def _run(tasks: Sequence[Task], emit: Emit, *, converter: Path) -> Iterator[Task]:
    for task in tasks:
        model, limit = task.config["model.base"], task.config["training.sequence_len"]
        plugin = open_plugin(converter)
        drops = task.config["training.overflow"] == "drop"
        _format(task, _Rules(plugin, counting_for(model), limit or plugin.token_limit(model), drops), emit)
        yield task


def _format(task: Task, rules: _Rules, emit: Emit) -> None:
    """Fill `task.out`. Raises ResepError for rows that break the published rules, or that are too long or too few."""
    from resep.stages.tokenise import counts
    from resep.stages.tokenise.write import write_ledger

    prepared, faults = task.inputs["prepare"], _Faults()
    tallies = {Path(name).stem: _write(prepared / name, task.out / name, rules, faults, emit) for name in UPLOADED}
    test = _counted(prepared / "test.jsonl", rules, faults)
    if faults.count:
        raise ResepError(_complaint(faults, prepared))
    _check_sizes(tallies["train"].rows, [task.out / name for name in UPLOADED], rules)
    overflow = [entry for tally in tallies.values() for entry in tally.overflow]
    found = {
        "splits": counts.split_statistics(tallies, test),
        "sequence_len": {},
        "overflow": overflow,
        "counted_by": rules.counting.name,
        "rule": "" if rules.counting.is_exact else RULE,
        "warnings": _warnings(overflow, rules),
    }
    for warning in found["warnings"]:
        emit({"event": "warning", "message": warning})
    _write_json(task.out / "statistics.json", found)
    _write_json(task.out / "lengths.json", counts.lengths(tallies, test))
    given_up = {entry["id"]: entry["tokens"] for entry in overflow}
    write_ledger(prepared / "ledger.jsonl", given_up, rules.limit or 0, task.out / "ledger.jsonl")


def _write(source: Path, target: Path, rules: _Rules, faults: _Faults, emit: Emit) -> Tally:
    """The rows of a split that may be sent, one by one, and what was seen of all."""
    from resep.stages.tokenise.counts import Tally

    tally, split = Tally(), source.stem
    with target.open("w", encoding="utf-8", newline="") as file:
        for number, example in enumerate(read_jsonl(source, Example), 1):
            if fault := next(rules.converter.faults(example), None):
                faults.add(split, example.id, fault)
            elif _fits(example, split, rules, tally, faults):
                file.write(rules.converter.line(example))
            if number % _EVERY == 0:
                emit({"event": "progress", "done": number, "total": None, "unit": f"{split} rows"})
    return tally


def _fits(example: Example, split: str, rules: _Rules, tally: Tally, faults: _Faults) -> bool:
    """Whether the row is written. It is counted either way."""
    tokens, answers = rules.counting.of_conversation(example), rules.counting.of_answers(example)
    tally.lengths.add(tokens, answers)
    if rules.limit is None or tokens <= rules.limit:
        tally.rows += 1
        tally.tokens += tokens
        tally.trained_tokens += answers
        return True
    if rules.drops:
        tally.overflow.append({"id": example.id, "split": split, "tokens": tokens, "kept": 0, "lost": "the whole row"})
    else:
        faults.too_long += 1
        faults.add(split, example.id, f"has {rules.about}{tokens} tokens, the limit is {rules.limit}")
    return False


def _counted(source: Path, rules: _Rules, faults: _Faults) -> Lengths:
    """Of the test rows, which are not sent now: but their questions are, once the training is paid for."""
    from resep.stages.tokenise.counts import Lengths

    lengths = Lengths()
    for example in read_jsonl(source, Example):
        if fault := _cannot_be_asked(example, rules):
            faults.add("test", example.id, fault)
        lengths.add(rules.counting.of_conversation(example), rules.counting.of_answers(example))
    return lengths


def _cannot_be_asked(example: Example, rules: _Rules) -> str | None:
    if example.tools:
        return "has tools, which base and tuned cannot be asked with at a service: move such rows to training"
    return next(rules.converter.faults(example), None)


def _complaint(faults: _Faults, prepared: Path) -> str:
    from resep.stages.tokenise.counts import places

    where = places(prepared, {row for _, row, _ in faults.shown})
    more = faults.count - len(faults.shown)
    advice = "set training.overflow to drop, " if faults.too_long else ""
    broken = f"{faults.count} row{'s break' if faults.count != 1 else ' breaks'}"
    return "\n".join(
        [
            f"{broken} the rules that the service has published for conversations:",
            *(f"  {split} row {row}{where.get(row, '')}: {fault}" for split, row, fault in faults.shown),
            *([f"  and {more} more"] if more else []),
            f"mend them in the data, {advice}or leave them out with a step (`resep list preprocessing`)",
        ]
    )


def _check_sizes(rows: int, files: Sequence[Path], rules: _Rules) -> None:
    least, most = rules.converter.LEAST_ROWS, rules.converter.MOST_BYTES
    if rows < least:
        raise ResepError(
            f"there are {rows} training rows, and the service wants at least {least}: give it more data, or a larger "
            "split.fractions.train"
        )
    for file in files:
        if (size := file.stat().st_size) > most:
            raise ResepError(
                f"{file.name} has {size:,} bytes, and the service takes files of {most:,} at most: keep fewer rows "
                f"with split.max_rows.{file.stem}"
            )


def _warnings(overflow: Sequence[Mapping[str, Any]], rules: _Rules) -> list[str]:
    if not overflow:
        return []
    how = "" if rules.counting.is_exact else " by estimate"
    rows = f"{len(overflow)} rows have" if len(overflow) != 1 else "1 row has"
    return [
        f"{rows} more than {rules.limit} tokens{how}, and no place in what is sent "
        "(training.overflow: drop; statistics.json names each)"
    ]


def _write_json(file: Path, value: Any) -> None:
    file.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

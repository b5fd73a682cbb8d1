"""What preparation does with rows, as a value that workers receive: passes over rows, and what lies between them.

A pass runs the steps that look at one row at a time, in parallel, and ends where a step has to see all rows: it is
judged from digests that the pass left, or it receives the rows themselves from disk. The last pass renders.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resep import plugins
from resep.formats import Mapped
from resep.private_digests import private_key
from resep.sources import source_name
from resep.splits.given import Files
from resep.stages.prepare.step_files import located_steps

if TYPE_CHECKING:
    from resep.recipe import Recipe, StepSpec

READ, MIX, SPLIT = "read", "weight", "split"  # what drops a row and is no step of the recipe


@dataclass(frozen=True)
class Planned:
    """A step of the recipe, where it stands among them, its shape, and its name (`#2` where it comes again)."""

    at: int
    spec: StepSpec
    shape: str
    name: str


@dataclass(frozen=True)
class Pass:
    """`steps` look at each row alone; then the rows are judged by `judges` in turn, or all go through `stream`."""

    steps: tuple[Planned, ...] = ()
    judges: tuple[Planned, ...] = ()
    stream: Planned | None = None


@dataclass(frozen=True)
class SplitKeys:
    """What the split is decided by: the fields of a row that it needs, and the salt of its hashes."""

    by: str
    salt: str
    group_by: str | None
    stratify_by: str | None
    files: Files | None = None


@dataclass(frozen=True)
class Plan:
    """All that a worker has to know. It is pickled: only values, no path of the run, no open file."""

    passes: tuple[Pass, ...]
    after_split: tuple[Planned, ...]
    mapped: tuple[Mapped, ...]  # one per source
    source_names: tuple[str, ...]
    on_bad_row: str
    keys: SplitKeys
    system: str | None
    response_format: str
    placeholder_names: frozenset[str]
    pinned: Mapping[str, str]  # a plug-in's file -> the sha256 that it must have
    private: tuple[bytes, str] | None = None  # key and salt of digests, where a step replaces personal data

    @property
    def step_names(self) -> list[str]:
        planned = [step for each in self.passes for step in (*each.steps, *each.judges, *filter(None, [each.stream]))]
        return [step.name for step in sorted([*planned, *self.after_split], key=lambda step: step.at)]

    @property
    def renders_early(self) -> bool:
        """Whether the last pass can write the lines that the splits hold: nothing comes after the split."""
        return not self.after_split


def plan_of(recipe: Recipe, mapped: Sequence[Mapped]) -> Plan:
    """The plan of a recipe whose sources are mapped as given."""
    passes, after_split = passes_of(located_steps(recipe))
    names = names_of_placeholders(recipe.steps)
    files = [recipe.plugin("preprocessing", step.name) for step in recipe.steps]
    return Plan(
        passes=passes,
        after_split=after_split,
        mapped=tuple(mapped),
        on_bad_row=recipe["data.on_bad_row"],
        source_names=tuple(map(source_name, recipe["data.sources"])),
        keys=_split_keys(recipe["split"]),
        system=recipe["prompt.system"],
        response_format=recipe["prompt.response_format"],
        placeholder_names=names,
        pinned={str(file.resolve()): plugins.content_hash(file) for file in files},
        private=(private_key(), recipe["name"]) if names else None,
    )


def _split_keys(section: Mapping[str, Any]) -> SplitKeys:
    files = Files.from_section(section["files"]) if section.get("files") else None
    return SplitKeys(section["by"], section["salt"], section["group_by"], section["stratify_by"], files)


def passes_of(steps: Sequence[StepSpec]) -> tuple[tuple[Pass, ...], tuple[Planned, ...]]:
    """The passes over all rows, and the steps that see the training rows only, after the split."""
    planned = list(_planned(steps))
    after_split = tuple(step for split, step in planned if split == "train")
    passes = [Pass()]
    for step in (step for split, step in planned if split is None):
        last = passes[-1]
        if step.shape == "process_rows":
            passes[-1:] = [*_closed(last), Pass()]
            passes[-2] = Pass(passes[-2].steps, (), step)
        elif step.shape == "digest_rows":
            passes[-1] = Pass(last.steps, (*last.judges, step))
        elif last.judges:
            passes.append(Pass((step,)))
        else:
            passes[-1] = Pass((*last.steps, step))
    return tuple(passes), after_split


def _closed(last: Pass) -> list[Pass]:
    """The pass that a stream of all rows can end: a new one where rows are judged first."""
    return [last, Pass()] if last.judges else [last]


def _planned(steps: Sequence[StepSpec]) -> Iterator[tuple[str | None, Planned]]:
    """Each step, and the split that it is for."""
    seen: Counter[str] = Counter()
    for at, step in enumerate(steps):
        described = plugins.describe(step.file or plugins.find("preprocessing", step.name))
        seen[step.name] += 1
        name = step.name if seen[step.name] == 1 else f"{step.name}#{seen[step.name]}"
        yield described.split, Planned(at, step, described.shape, name)


def names_of_placeholders(steps: Sequence[StepSpec]) -> frozenset[str]:
    """The names that the steps may write. Others stand in the data itself, and could be anything, even a person."""
    options: list[Mapping[str, Any]] = [step.options for step in steps]
    detectors = {name.upper() for given in options for key in ("detectors", "entities") for name in given.get(key, ())}
    own = {name for given in options for key in ("patterns", "words") for name in given.get(key, {})}
    return frozenset(f"[{name}]" for name in detectors | own)

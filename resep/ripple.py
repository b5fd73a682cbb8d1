"""Which stages would run again if a recipe became another: what differs in a stage, and what follows from that.

Stages are compared as the store would compare them: a stage runs again if its own config or a file that it reads
differs, or if a stage that it needs runs again. Nothing is run, and neither data nor model has to be here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from resep import pipeline
from resep.digests import digest_tree
from resep.errors import ResepError
from resep.hardware import Profile, detect
from resep.recipe import Recipe
from resep.store import Stage

NEW, GONE = "new", "gone"


def outline(recipe: Recipe) -> list[Stage]:
    """The stages as they would be on this machine; a GPU that a recipe wants and that is not here is made up."""
    wanted = recipe["compute.profile"]
    try:
        profile = detect(wanted)
    except ResepError:
        profile = Profile("cuda", 1, 24.0, "a GPU", 8, (8, 0))
    return pipeline.outline(recipe, profile)


def ripple(before: Sequence[Stage], after: Sequence[Stage]) -> dict[str, tuple[str, ...]]:
    """Stage -> what makes it run again: keys and files of its own, stages that it needs, `new`, `gone`; () if nothing.

    A stage that gives the same bytes again spares those after it: this is the most that would run.
    """
    known = {stage.name: stage for stage in before}
    reasons: dict[str, tuple[str, ...]] = {}
    for stage in after:
        if stage.name not in known:
            reasons[stage.name] = (NEW,)
            continue
        needed = [name for name in stage.needs if reasons.get(name)]
        reasons[stage.name] = tuple(dict.fromkeys([*own_differences(known[stage.name], stage), *needed]))
    gone = [stage.name for stage in before if stage.name not in reasons]
    return {**reasons, **dict.fromkeys(gone, (GONE,))}


def own_differences(before: Stage, after: Stage) -> list[str]:
    """What differs between two stages of one name by themselves: keys of their config, files, the stages they need."""
    return [
        *differing(before.config, after.config),
        *changed_files(before, after),
        *differing(before.needs, after.needs),
    ]


def changed_files(before: Stage, after: Stage) -> list[str]:
    """The files, by the words that the stages call them, that only one of them reads or that differ in content."""
    return [word for word in words(before.reads, after.reads) if not _reads_alike(before, after, word)]


def in_order(before: Sequence[Stage], after: Sequence[Stage]) -> list[str]:
    """The names of all stages of two recipes, in the order of the pipeline, each once."""
    stages = [*before, *after]
    kinds = dict.fromkeys(stage.kind for stage in stages)
    return list(dict.fromkeys(stage.name for kind in kinds for stage in stages if stage.kind == kind))


def in_words(stages: Iterable[str]) -> str:
    """`train, generate (tuned), evaluate (bertscore, length), report`."""
    kinds: dict[str, list[str]] = {}
    for name in stages:
        kind, _, instance = name.partition(":")
        kinds.setdefault(kind, []).extend([instance] if instance else [])
    return ", ".join(f"{kind} ({', '.join(each)})" if each else kind for kind, each in kinds.items())


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The keys of either map whose values differ."""
    return [word for word in words(one, other) if one.get(word) != other.get(word)]


def words(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The keys of both maps, each once, in the order of the first."""
    return list(dict.fromkeys([*one, *other]))


def _reads_alike(before: Stage, after: Stage, word: str) -> bool:
    return word in before.reads and word in after.reads and _same_content(before.reads[word], after.reads[word])


def _same_content(one: Path, other: Path) -> bool:
    """Whether two files say the same. Of files that are not here only the name is known, and that is the same."""
    if one.resolve() == other.resolve() or not (one.exists() or other.exists()):
        return True
    if not (one.exists() and other.exists()) or one.stat().st_size != other.stat().st_size:
        return False
    return digest_tree(one) == digest_tree(other)

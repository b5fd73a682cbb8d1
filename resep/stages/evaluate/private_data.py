"""What was personal in a run's data, for evaluators: the digests that `prepare` keeps beside its rows, and what finds.

The digests are no declared output of `prepare` (who has another key must not prepare again), so they may not be there,
or be those of somebody else's key: then nothing can be told, which is not the same as that nothing leaked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from resep import plugins
from resep.context import NotAvailable
from resep.plugins.source import TEXT_SHAPES
from resep.private_digests import (
    FACTS,
    PRIVATE,
    Values,
    digests_of,
    key_check,
    leaks_in,
    private_key,
    read_digests,
    read_facts,
)

if TYPE_CHECKING:
    from resep.recipe import Recipe

_FINDS = ("detectors", "entities", "patterns", "words")  # the options of a step that takes values out


def private_steps(recipe: Recipe) -> list[dict[str, Any]]:
    """The steps of a recipe that write placeholders for personal data: {"name", "options"}."""
    return [
        {"name": step.name, "options": dict(step.options)}
        for step in recipe.steps
        if any(step.options.get(option) for option in _FINDS)
        and plugins.describe(recipe.plugin("preprocessing", step.name)).shape in TEXT_SHAPES
    ]


@dataclass(frozen=True)
class DigestedData:
    """context.PrivateData: values are found, digested and counted; they are kept nowhere."""

    values: Values
    digests: Set[bytes]
    key: bytes
    salt: str

    def leaked(self, text: str) -> Counter[str]:
        return leaks_in(text, self.values, self.digests, self.key, self.salt)

    def new(self, text: str) -> Counter[str]:
        found = {(kind, digest) for kind, value in self.values(text) for digest in self._digest(kind, value)}
        return Counter(kind for kind, digest in sorted(found) if digest not in self.digests)

    def _digest(self, kind: str, value: str) -> Iterable[bytes]:
        return digests_of([(kind, value)], self.key, self.salt)


def open_private_data(request: Mapping[str, Any]) -> DigestedData:
    """From `folder` of the stage prepare and `steps` with their plug-ins' files. Raises NotAvailable."""
    if not request["steps"]:
        raise NotAvailable("no step of the recipe takes personal data out, so none is known: add `placeholders`")
    folder = Path(request["folder"])
    if not (folder / PRIVATE).exists() or not (folder / FACTS).exists():
        raise NotAvailable(
            "prepare kept no digests of personal data beside these rows (an earlier version prepared them)"
        )
    facts, key = read_facts(folder / FACTS), private_key()
    if facts["check"] != key_check(key, facts["salt"]):
        raise NotAvailable(
            "the digests of personal data were made with another key than yours: ask who prepared the rows for it, "
            "and name its file in RESEP_PRIVATE_KEY"
        )
    return DigestedData(_finder(request["steps"]), read_digests(folder / PRIVATE), key, facts["salt"])


def _finder(steps: Sequence[Mapping[str, Any]]) -> Values:
    from resep.stages.prepare.text import private_values, protect

    opened: Any = [SimpleNamespace(**{**step, "file": Path(step["file"])}) for step in steps]
    finders = [private_values(step) for step in opened]

    def values(text: str) -> Iterator[tuple[str, str]]:
        hidden = protect(text)
        for find in finders:
            yield from find(hidden)

    return values

"""The key of a rating: which side of which item is whose. It never lies beside the sheets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from resep.digests import digest_json, write_json
from resep.errors import ResepError
from resep.rubric import Criterion, read_criteria

FOLDER = "rating"  # within the run folder


@dataclass(frozen=True)
class Item:
    """One row to rate, by the number that raters see: `a` and `b` are the arms behind the two sides."""

    number: int
    id: str
    a: str
    b: str

    def arm(self, side: str) -> str:
        return {"A": self.a, "B": self.b}[side]


@dataclass(frozen=True)
class Key:
    """All that the sheets do not say. `arms` are baseline and candidate, `criteria` as a recipe writes them."""

    run_id: str
    seed: int
    arms: tuple[str, str]
    raters: tuple[str, ...]
    criteria: Mapping[str, Any]
    items: tuple[Item, ...]

    @property
    def code(self) -> str:
        """What every row of the sheets carries, so that no sheet is taken for one of another rating."""
        return digest_json(
            [self.run_id, self.seed, list(self.arms), dict(self.criteria), list(map(asdict, self.items))]
        )[:8]

    @property
    def questions(self) -> tuple[Criterion, ...]:
        return read_criteria(self.criteria)


def make_key(
    run_id: str,
    seed: int,
    arms: tuple[str, str],
    raters: int,
    criteria: Mapping[str, Any],
    rows: Sequence[str],
    sides: Sequence[tuple[str, str]],
) -> Key:
    items = tuple(Item(at, row, *pair) for at, (row, pair) in enumerate(zip(rows, sides, strict=True), 1))
    names = tuple(f"rater-{number}" for number in range(1, raters + 1))
    spelt_out = {criterion.name: criterion.option for criterion in read_criteria(criteria)}
    return Key(run_id, seed, arms, names, spelt_out, items)


def write_key(key: Key, run: Path) -> Path:
    """Write the key into the run folder and return its file."""
    file = run / FOLDER / f"key-{key.code}.json"
    write_json(file, {"sheet": key.code, **asdict(key)})
    return file


def read_key(file: Path) -> Key:
    """Read a key. Raises ResepError where the file is none, or was changed."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        code = data.pop("sheet")
        items = tuple(Item(**item) for item in data.pop("items"))
        key = Key(**{**data, "arms": tuple(data["arms"]), "raters": tuple(data["raters"]), "items": items})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResepError(
            f"{file} is not the key of a rating: name the key-....json that came with the sheets"
        ) from error
    if key.code != code:
        raise ResepError(f"{file} was changed since it was written: it does not fit its own code {code}")
    return key


def key_of(run: Path, code: str, named: Path | None) -> Key:
    """The key of the sheets with this code: the file that the person names, else the one in the run folder.

    Raises ResepError where there is none, and where it belongs to other sheets.
    """
    file = named or run / FOLDER / f"key-{code}.json"
    if named is None and not file.is_file():
        known = sorted(path.stem.removeprefix("key-") for path in (run / FOLDER).glob("key-*.json"))
        has = f"this run's keys are for {', '.join(known)}" if known else "this run has no key at all"
        raise ResepError(
            f"the sheets carry the code {code}, and {has}: they belong to another run, or the key was moved; "
            "name the run that they were written for, or the key with --key FILE"
        )
    key = read_key(file)
    if key.code != code:
        raise ResepError(f"{file} is the key of sheets with the code {key.code}, and these carry {code}")
    return key

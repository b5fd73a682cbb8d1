"""Splits that the data brings along: each row says its own, or the recipe says it of whole files.

Light: `check` reads it too.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from resep.errors import ResepError
from resep.records import Row
from resep.splits import SPLITS, TRAIN

FIELD = "split"  # the mapped field that `split.by: split` reads
_REVISION = re.compile(r"^(hub:[^@]+)@[^/]+")
# How published sets call them.
NAMES: Mapping[str, str] = {
    **{name: name for name in SPLITS},
    "training": "train",
    **dict.fromkeys(("valid", "val", "dev", "development", "eval", "evaluation"), "validation"),
    "testing": "test",
}


def given_split(row: Row) -> int:
    """The code of the split that the row's field `split` names. Raises ResepError with its place, not its value."""
    value = row.fields.get(FIELD)
    name = NAMES.get(value.strip().lower()) if isinstance(value, str) else None
    if name is None:
        what = "is missing" if value in (None, "") else "is none of train, validation and test (nor valid, val, dev)"
        raise ResepError(f"{row.origin}: the field '{FIELD}' {what}, and `split.by: split` goes by it")
    return SPLITS.index(name)


@dataclass(frozen=True)
class Files:
    """`split.files`: split -> the sources, files or patterns that it names. Without `train`: all that is not named."""

    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    _found: dict[tuple[str, str], list[str]] = field(default_factory=dict, compare=False, repr=False)  # asked per row

    @classmethod
    def from_section(cls, files: Mapping[str, Any]) -> Files:
        """The section as it stands in the recipe: one name or a list of them per split."""
        given = {split: files.get(split) for split in SPLITS}
        return cls({split: (each,) if isinstance(each, str) else tuple(each) for split, each in given.items() if each})

    def split_of(self, source: str, file: str = "") -> int:
        """The code of a file's split. Raises ResepError where it is in two, or in none though `train` is given.

        `source` is the path of its source as the recipe has it, `file` its own where a source has many. A file that is
        named goes before its source, and that before a pattern.
        """
        found = self.splits_of(source, file)
        if len(found) == 1:
            return SPLITS.index(found[0])
        if found:
            raise ResepError(f"split.files has '{file or source}' in {' and in '.join(found)}")
        if "train" in self.names:
            raise ResepError(f"split.files has no split for '{file or source}': name it there, or leave 'train' out")
        return TRAIN

    def splits_of(self, source: str, file: str = "") -> list[str]:
        """Every split that names it equally well: more than one is a mistake."""
        if (source, file) not in self._found:
            self._found[source, file] = self._looked_up(source, file)
        return self._found[source, file]

    def is_used(self, name: str, sources: Sequence[str]) -> bool:
        """Whether a name can mean one of the sources, or a file of a source that is a pattern itself."""
        return any(
            _is_name(source)(name) or _is_pattern(source)(name) or fnmatchcase(_plain(name), _plain(source))
            for source in sources
        )

    def _looked_up(self, source: str, file: str) -> list[str]:
        for names in (_is_name(file), _is_name(source), _is_pattern(file or source)):
            found = [split for split, each in self.names.items() if any(map(names, each))]
            if found:
                return found
        return []


def _is_name(path: str) -> Any:
    return lambda name: bool(path) and _plain(name) == _plain(path)


def _is_pattern(path: str) -> Any:
    return lambda name: fnmatchcase(_plain(path), _plain(name))


def _plain(path: str) -> str:
    """`a//b.csv` as `a/b.csv`; data of the hub without its revision: hub:owner/name/split."""
    return _REVISION.sub(r"\1", posixpath.normpath(path))

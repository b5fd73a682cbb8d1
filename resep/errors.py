"""What a user can repair, and nothing else. Only `cli.main` turns these into exits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


class ResepError(Exception):
    """Something the user can repair: the message says where, what, and what to do next."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a recipe. `line` and `column` count from 1; 0 means the whole file.

    `where` is the dotted path of the key (`training.learning_rte`), `source` the line of text for the caret.
    """

    file: str
    line: int
    column: int
    where: str
    message: str
    severity: Literal["error", "warning"] = "error"
    source: str = ""


class RecipeError(ResepError):
    """A recipe that cannot be run, with every problem found, in the order of its lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column)))
        super().__init__("\n".join(f"{p.file}:{p.line}:{p.column}: {p.where}: {p.message}" for p in self.problems))


class StageError(ResepError):
    """A stage that failed, why, and where its log is. `goes_on`: what it finished is kept for the same command."""

    def __init__(self, stage: str, message: str, log: Path | None = None, *, goes_on: bool = True) -> None:
        self.stage, self.log, self.goes_on = stage, log, goes_on
        super().__init__(message)

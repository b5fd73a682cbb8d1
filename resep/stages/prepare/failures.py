"""What goes wrong in a step's code, told with its place and without any text of a row."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from resep.errors import ResepError


@contextmanager
def guarded(name: str) -> Iterator[None]:
    """A block in which a step's code runs: what goes wrong there is told without any text of a row."""
    try:
        yield
    except ResepError:
        raise
    except Exception as error:
        raise ResepError(failure(name, error)) from error


def failure(name: str, error: Exception) -> str:
    """A step's failure in words: its kind and line, without the message, which may repeat what the row says."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"line {last.lineno} of {Path(last.filename).name}"
    return f"preprocessing step '{name}' failed with {type(error).__name__} at {place}"

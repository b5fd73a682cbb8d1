"""Which files hold a model's weights, and how large it is, from their headers alone: nothing is loaded."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

from resep.errors import ResepError

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
_PLAIN = re.compile(r"[\w-][\w.-]*\.safetensors")  # no folder, and none of the signs that stand for other names
_LONGEST_HEADER = 100_000_000  # bytes, as the format allows


def weight_names(folder: Path) -> list[str]:
    """The names of the files that hold the weights of the model in this folder, whether they are there or not."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        named = sorted({str(name) for name in index["weight_map"].values()})
    except FileNotFoundError:
        return [WHOLE]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResepError(f"its {INDEX} does not say where its weights are: {type(error).__name__}: {error}") from error
    odd = [name for name in named if not _PLAIN.fullmatch(name)]
    if odd:
        raise ResepError(f"its {INDEX} names {odd[0]!r}, which is no file of weights beside it")
    return named


def count_parameters(folder: Path) -> int:
    """All weights of the model in a folder, each once: tied ones, and those that lie there under a second name, too.

    Raises ResepError where a file is broken.
    """
    named = [folder / name for name in weight_names(folder)]
    files = named if all(file.is_file() for file in named) else sorted(folder.glob("*.safetensors"))
    return sum(map(_count, files))


def _count(file: Path) -> int:
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        try:
            header = json.loads(opened.read(length)) if length <= _LONGEST_HEADER else None
        except ValueError:
            header = None
    if not isinstance(header, dict):
        raise ResepError(f"{file} is not a whole safetensors file: remove it, and fetch the model again")
    return sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")

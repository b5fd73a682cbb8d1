"""The recipes that came with resep, each as a card: what it is for, its model, how much data, its tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resep.paths import data_folder
from resep.recipe.extends import gather
from resep.recipe.files import read_recipe, recipe_file

_FOLDERS = (".", "base")  # recipes to run, then those to extend; templates are for `resep new`


@dataclass(frozen=True)
class Card:
    """A shipped recipe under the name that `extends` knows. `model` and `rows` are empty where it leaves them open."""

    name: str
    path: Path
    description: str
    model: str
    rows: str
    tags: tuple[str, ...]


def cards() -> list[Card]:
    """A card for every shipped recipe, in alphabetical order, those to extend last."""
    ours = data_folder("recipes")
    return [_card(path, ours) for folder in _FOLDERS for path in sorted((ours / folder).glob("*.yaml"))]


def _card(path: Path, ours: Path) -> Card:
    document, _ = read_recipe(recipe_file(path))
    data: Mapping[str, Any] = gather(recipe_file(path), document).document.data
    return Card(
        name=path.relative_to(ours).with_suffix("").as_posix(),
        path=path,
        description=data.get("description") or _first_comment(path),
        model=data.get("model", {}).get("base", ""),
        rows=", ".join(_sizes(path.parent, data.get("data", {}).get("sources", ()))),
        tags=tuple(data.get("tags", ())),
    )


def _sizes(folder: Path, sources: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """How much there is in each source: rows where lines are rows, else megabytes."""
    for source in sources:
        if source.get("hub"):
            yield f"hub:{source['hub']}"
            continue
        file = folder / source["path"]
        if not file.is_file():
            yield f"{source['path']}: not here"
        elif file.suffix == ".jsonl":
            with file.open("rb") as lines:
                yield f"{sum(1 for line in lines if line.strip())} rows"
        else:
            yield f"{file.stat().st_size / 1e6:.1f} MB"


def _first_comment(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = (line.lstrip("# ") for line in lines if line.startswith("#") and "yaml-language-server" not in line)
    return next(comments, "")

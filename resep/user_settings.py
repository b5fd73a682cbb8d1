"""What the person at the keyboard sets once for all recipes: `resep/config.yaml` in their configuration folder.

    store: /mnt/team/resep-store          # a store that a team shares
    axolotl_python: /opt/axolotl/bin/python   # the Axolotl of another environment

Never part of a recipe: a recipe says what is done, not where on whose machine.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from pathlib import Path

from resep.document import read_document
from resep.errors import RecipeError, ResepError
from resep.paths import config_folder
from resep.suggest import did_you_mean


@dataclass(frozen=True)
class UserSettings:
    store: Path = Path("runs/.store")
    axolotl_python: str = sys.executable


def user_settings() -> UserSettings:
    """The settings, defaults where the file or a key is missing. Raises ResepError for a key that there is not."""
    file = config_folder() / "config.yaml"
    if not file.exists():
        return UserSettings()
    document = read_document(file.read_bytes(), str(file))
    if errors := [problem for problem in document.problems if problem.severity == "error"]:
        raise RecipeError(errors)
    given = document.data or {}
    known = [field.name for field in fields(UserSettings)]
    for key, value in given.items():
        if key not in known:
            raise ResepError(f"{file}: there is no setting '{key}'{did_you_mean(key, known)}")
        if not isinstance(value, str):
            raise ResepError(f"{file}: {key} is a path, written as text")
    defaults = UserSettings()
    return UserSettings(
        Path(given.get("store", defaults.store)).expanduser(), given.get("axolotl_python", defaults.axolotl_python)
    )

"""The whole screen that a person sees for each of many common mistakes, held as golden files."""

from __future__ import annotations

from pathlib import Path

import pytest

from resep.errors import RecipeError
from resep.problems import format_problems
from resep.recipe import load
from tests.conftest import Golden
from tests.mistakes import AXOLOTL, MISTAKES, with_mistake
from tests.recipe_texts import EXAMPLE, write_recipe


def screen(path: Path, *overrides: str) -> str:
    try:
        found = load(path, overrides).warnings
    except RecipeError as error:
        found = error.problems
    return format_problems(found).replace(str(path), "recipe.yaml") + "\n"


@pytest.mark.parametrize("name", MISTAKES)
def test_the_error_screen_of_a_common_mistake(name: str, tmp_path: Path, golden: Golden) -> None:
    golden(f"recipe/{name}.txt", screen(write_recipe(tmp_path, with_mistake(name))))


def test_the_config_of_another_tool_is_translated_line_by_line(tmp_path: Path, golden: Golden) -> None:
    golden("recipe/axolotl_config.txt", screen(write_recipe(tmp_path, AXOLOTL)))


@pytest.mark.parametrize("override", ["training.lr=1e-4", "training.learning_rate=fast", "training.method=q-lora"])
def test_an_argument_is_shown_as_a_line_is(override: str, tmp_path: Path, golden: Golden) -> None:
    name = override.partition("=")[0].replace(".", "_")
    golden(f"recipe/set_{name}.txt", screen(write_recipe(tmp_path, EXAMPLE), override))


def test_every_mistake_has_one_screen_and_every_screen_one_mistake() -> None:
    kept = {file.stem for file in (Path(__file__).parent / "golden" / "recipe").glob("*.txt")}
    assert len(MISTAKES) >= 40
    assert set(MISTAKES) == {name for name in kept if not name.startswith("set_")} - {"axolotl_config"}


def test_every_mistake_is_reported_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    names = ("misspelt_key", "misspelt_choice", "unknown_step", "unmeasured_primary", "fractions_beyond_one")
    text = EXAMPLE
    for name in names:
        text = with_mistake(name, text)
    with pytest.raises(RecipeError) as caught:
        load(write_recipe(tmp_path, text))
    lines = [problem.line for problem in caught.value.problems]
    assert len(lines) == len(names)
    assert lines == sorted(lines)

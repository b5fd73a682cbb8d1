"""docs/data.md: its recipes are recipes, and its four steps do what it says of them."""

import json
import re
import textwrap
from pathlib import Path

import pytest

from resep import plugins
from resep.recipe import load
from tests.preparing import EVALUATION, HEAD, SOURCE, examples, ledger, prepared, recipe, row, statistics, write_rows

PAGE = (Path(__file__).parent.parent / "docs" / "data.md").read_text(encoding="utf-8")
STEPS = dict(re.findall(r"`preprocessing/(\w+)\.py`:\n\n```python\n(.*?)```", PAGE, re.DOTALL))
RECIPES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def page(tmp_path: Path, consent: None) -> Path:  # noqa: ARG001
    """A folder with the steps of the page beside the recipe."""
    (tmp_path / "preprocessing").mkdir()
    for name, code in STEPS.items():
        (tmp_path / "preprocessing" / f"{name}.py").write_text(code, encoding="utf-8")
    return tmp_path


def test_the_page_has_a_step_of_every_shape() -> None:
    functions = [re.findall(r"^def (\w+)", code, re.MULTILINE) for code in STEPS.values()]
    assert functions == [["transform_text"], ["check_row"], ["digest_rows", "judge_rows"], ["process_rows"]]


@pytest.mark.parametrize("text", RECIPES, ids=range(len(RECIPES)))
def test_every_recipe_of_the_page_is_one(tmp_path: Path, text: str) -> None:
    rest = "" if text.startswith("data:") else SOURCE
    (tmp_path / "recipe.yaml").write_text(HEAD + rest + text + EVALUATION)
    assert load(tmp_path / "recipe.yaml").warnings == ()


def test_the_page_has_recipes() -> None:
    assert len(RECIPES) == 4


@pytest.mark.parametrize("name", STEPS)
def test_every_step_of_the_page_has_help_and_options(page: Path, name: str) -> None:
    described = plugins.describe(page / "preprocessing" / f"{name}.py")
    assert described.help.endswith(".")
    assert all(option.help for option in described.options.values())


def test_one_space_where_there_were_several(page: Path) -> None:
    write_rows(page, [row(number, prompt=f"How  do\tI do {number}?") for number in range(60)])
    found = examples(prepared(recipe(page, SOURCE + "preprocessing: [one_space]\n"), page))
    assert {re.sub("[0-9]+", "N", example.messages[0].content) for example in found} == {"How do I do N?"}


def test_rows_without_an_answer_are_dropped(page: Path) -> None:
    rows = [row(number, response="Yes.") for number in range(60)]
    write_rows(page, [*rows, row(1, response="We will get back to you."), row(2, response="Soon.")])
    text = SOURCE + "preprocessing: [answered, {answered: {phrase: soon}}]\n"
    out = prepared(recipe(page, text), page)
    assert [entry["line"] for entry in ledger(out) if entry["status"] == "dropped"] == [61, 62]
    assert statistics(out)["dropped"] == {"not answered": 2}


def test_the_first_row_of_each_value_is_kept(page: Path) -> None:
    write_rows(page, [row(number, category=f"c{number % 40}") for number in range(60)])
    out = prepared(recipe(page, SOURCE + "preprocessing: [{first_of: {field: category}}]\n"), page)
    assert statistics(out)["dropped"] == {"repeats the category": 20}
    assert ledger(out)[40]["reason"] == "repeats the category of rows.jsonl:1"


def test_every_training_row_gets_a_loud_one(page: Path) -> None:
    write_rows(page, [row(number) for number in range(60)])
    out = prepared(recipe(page, SOURCE + "preprocessing: [and_loud]\n"), page)
    counts = statistics(out)
    assert counts["splits"]["train"] == 2 * counts["rows_made"]
    made = [entry for entry in ledger(out) if "parent" in entry]
    assert made[0]["id"] == f"{made[0]['parent']}-loud"
    asked = [json.loads(line)["messages"][0]["content"] for line in (out / "train.jsonl").read_text().splitlines()]
    assert "HOW DO I DO 1?" in asked


def test_the_account_that_the_page_shows_is_one_that_was_printed() -> None:
    shown = re.search(r"```\n(rows\n.*?)\n\.\.\.", PAGE, re.DOTALL)
    assert shown is not None
    screen = (Path(__file__).parent / "golden" / "data" / "screen.txt").read_text(encoding="utf-8")
    assert textwrap.dedent(shown[1]) in screen

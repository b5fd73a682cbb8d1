"""`resep list`: what there is to name in a recipe, in aligned columns."""

import re
from pathlib import Path

import pytest

from resep import cli, plugins
from resep.recipe.gallery import cards


def _shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["list", *arguments]) == 0
    return capsys.readouterr().out


def test_recipes_are_shown_with_model_size_and_tags_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _shown(capsys, "recipes").splitlines()
    header, quickstart = lines[1], next(line for line in lines if line.startswith("  quickstart "))
    assert re.search(r"smollm2-135m-instruct +348 rows +steps, cpu", quickstart)
    assert header.index("MODEL") == quickstart.index("smollm2")
    assert header.index("TAGS") == quickstart.index("steps, cpu")
    assert any(line.startswith("  base/mistral-7b-qlora") and "mistralai/" in line for line in lines)


def test_every_shipped_recipe_says_what_it_is_for() -> None:
    found = cards()
    assert len(found) >= 3
    for card in found:
        assert len(card.description) > 20, card.name
        assert card.tags or card.name.startswith("base/"), card.name
        assert "not here" not in card.rows, card.name


def test_plug_ins_are_shown_with_their_options_and_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    shown = _shown(capsys, "evaluators")
    for name in plugins.names("evaluators"):
        plugin = plugins.describe(plugins.find("evaluators", name))
        assert plugin.help in shown
        assert all(f"    {option}: " in shown for option in plugin.options)
    assert re.search(r"^    layer: 6 +which layer's vectors are compared", shown, re.M)


def test_all_kinds_are_listed_in_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs" / "mine" / "abc").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "abc" / "results.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    shown = _shown(capsys)
    for words in ("recipes:", "tasks:", "chat-templates:", "  runs/mine/abc", "  mistral ", "  classification "):
        assert words in shown
    assert "layer: 6" not in shown


def test_tasks_come_with_the_command_that_begins_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert "resep new NAME --task TASK" in _shown(capsys, "tasks")

"""`docs/recipe.md` is the schema and the plug-ins, readable; an editor finds the same without our code."""

import fnmatch
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from resep import cli, plugins
from resep.document import parse
from resep.paths import data_folder
from resep.recipe.reference import reference
from tests.conftest import Golden
from tests.test_recipe_schema import KEYS

ROOT = Path(__file__).parent.parent
SCHEMAS = data_folder("schemas")
RECIPES = sorted(path for path in data_folder("recipes").rglob("*.yaml"))


def test_the_reference_in_docs_is_up_to_date(golden: Golden) -> None:
    golden("../../docs/recipe.md", reference())


def test_the_reference_is_printed_for_those_who_have_no_clone(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["schema", "--markdown"]) == 0
    assert capsys.readouterr().out == reference()


def test_every_key_and_every_option_of_a_shipped_plug_in_is_in_the_reference() -> None:
    page = reference()
    assert len(KEYS) > 70
    for path, node in KEYS:
        row = next((line for line in page.splitlines() if f"{path.rpartition('.')[2]}` | " in line), "")
        assert row or f"## `{path}`" in page, path
        assert node["description"][:20] in page, path
    for kind in ("preprocessing", "evaluators"):
        for name in plugins.names(kind):
            plugin = plugins.describe(plugins.find(kind, name))
            assert f"`{plugin.name}`\n\n{plugin.help}" in page
            assert all(f"| `{option}` |" in page for option in plugin.options)


def test_every_example_of_the_reference_is_a_part_of_a_recipe() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", reference(), re.S)
    assert len(examples) > 8
    for text in examples:
        document = parse(text, "example")
        assert document.problems == ()
        assert {*document.data} <= {path for path, _ in KEYS}


def test_every_table_of_the_reference_has_four_columns() -> None:
    rows = [line for line in reference().splitlines() if line.startswith("|")]
    assert len(rows) > 90
    for row in rows:
        assert len(re.findall(r"(?<!\\)\|", row)) == 5, row


def _read(uri: str) -> Resource[Any]:
    return DRAFT7.create_resource(json.loads(Path(uri.removeprefix("file://")).read_text(encoding="utf-8")))


def _as_an_editor(schema: Path, data: Any) -> list[str]:
    """What a plain draft-07 validator says that knows nothing but the schema's file, and follows references by path."""
    registry: Registry[Any] = Registry(retrieve=_read)  # type: ignore[call-arg]
    validator = Draft7Validator({"$ref": schema.as_uri()}, registry=registry)
    return [error.message for error in validator.iter_errors(data)]


def _schema_of(recipe: Path) -> Path:
    """The schema that the first line of a recipe leads an editor to."""
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", recipe.read_text(encoding="utf-8").splitlines()[0])
    assert found is not None, recipe
    return (recipe.parent / found[1]).resolve()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.relative_to(data_folder("recipes")).as_posix())
def test_a_shipped_recipe_leads_an_editor_to_a_schema_that_accepts_it(recipe: Path) -> None:
    schema = _schema_of(recipe)
    assert schema.parent == SCHEMAS.resolve()
    assert _as_an_editor(schema, parse(recipe.read_text(encoding="utf-8"), recipe.name).data) == []


def test_an_editor_sees_the_options_of_plug_ins_through_the_reference_to_their_file() -> None:
    whole = parse((data_folder("recipes") / "quickstart.yaml").read_text(encoding="utf-8"), "quickstart").data
    whole["evaluation"]["evaluators"]["bertscore"]["lyer"] = 3
    whole["preprocessing"].append({"deduplicate": {"by": "pears"}})
    whole["evaluation"]["evaluators"]["of_somebody_else"] = {"any": "option"}
    messages = _as_an_editor(SCHEMAS / "recipe.schema.json", whole)
    assert len(messages) == 2
    assert any("lyer" in message for message in messages)
    assert any("pears" in message for message in messages)


def test_the_settings_for_vs_code_cover_every_shipped_recipe_as_its_first_line_does() -> None:
    settings = json.loads((ROOT / ".vscode" / "settings.json").read_text(encoding="utf-8"))
    assert "redhat.vscode-yaml" in (ROOT / ".vscode" / "extensions.json").read_text(encoding="utf-8")
    schemas = settings["yaml.schemas"]
    assert all((ROOT / schema).is_file() for schema in schemas)
    for recipe in RECIPES:
        name = recipe.relative_to(ROOT).as_posix()
        assert any(fnmatch.fnmatch(name, pattern) for patterns in schemas.values() for pattern in patterns), name

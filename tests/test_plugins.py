from __future__ import annotations

import sys
from pathlib import Path

import pytest

from resep.errors import ResepError
from resep.plugins import KINDS, content_hash, describe, find, is_shipped, names, open_plugin, option_values
from resep.plugins.option_types import UnknownType, schema_of
from resep.records import Metric

STEP = '''\
"""Turn the text round.

times: how often
words: which words to leave alone,
    in any order
"""

from typing import Literal

WORDS = ("a", "b")


def transform_text(
    text: str,
    *,
    times: int = 1,
    words: list[str] = WORDS,
    how: Literal["all", "first"] = "all",
    share: float | None = None,
) -> str:
    return text[::-1]
'''


def write(folder: Path, source: str, kind: str = "preprocessing", name: str = "reverse") -> Path:
    path = folder / kind / f"{name}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(source, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ResepError) as caught:
        describe(path)
    return str(caught.value)


def test_the_signature_is_the_options(tmp_path: Path) -> None:
    plugin = describe(write(tmp_path, STEP))
    assert (plugin.name, plugin.kind, plugin.shape) == ("reverse", "preprocessing", "transform_text")
    assert plugin.help == "Turn the text round."
    assert {name: (o.type, o.default) for name, o in plugin.options.items()} == {
        "times": ("int", 1),
        "words": ("list[str]", ["a", "b"]),
        "how": ("Literal['all', 'first']", "all"),
        "share": ("float | None", None),
    }
    assert plugin.options["how"].choices == ("all", "first")
    assert plugin.options["words"].help == "which words to leave alone, in any order"


def test_given_values_are_laid_over_the_defaults(tmp_path: Path) -> None:
    plugin = describe(write(tmp_path, STEP))
    assert option_values(plugin, {"times": 3}) == {"times": 3, "words": ["a", "b"], "how": "all", "share": None}


def test_describing_a_plugin_never_executes_it(tmp_path: Path) -> None:
    path = write(tmp_path, "raise SystemExit('executed')\ndef transform_text(text: str) -> str: ...\n")
    assert describe(path).shape == "transform_text"


def test_metrics_are_read_where_they_are_literal(tmp_path: Path) -> None:
    function = "def evaluate(samples, context): ...\n"
    path = write(tmp_path, f'METRICS = (Metric("m", direction="higher", low=0, high=1),)\n{function}', "evaluators")
    assert describe(path).metrics == (Metric("m", direction="higher", low=0, high=1),)
    path = write(tmp_path, f"METRICS = tuple(Metric(n) for n in 'ab')\n{function}", "evaluators", "made")
    assert describe(path).metrics is None


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1", "this file has none"),
        ("def transform_text(t): ...\ndef check_row(r): ...", "transform_text and check_row"),
        ("def transform_text(t, **options): ...", "name each option"),
        ("def transform_text(t, *, n): ...", "option 'n': it has no type"),
        ("def transform_text(t, *, n: int): ...", "option 'n': it has no default"),
        ("def transform_text(t, *, n: int = f()): ...", "'f()' is not a literal"),
        ("def transform_text(t, *, n: bytes = b''): ...", "the type 'bytes'"),
        ("def transform_text(t, *, n: Literal[x] = 1): ...", "option 'n'"),
        ("def transform_text(t, *, fields: str = ''): ...", "the runner's own"),
        ("def transform_text(t:", "not Python"),
        ("a\0b", "not Python"),
    ],
)
def test_a_plugin_that_breaks_its_contract_is_told_how(tmp_path: Path, source: str, words: str) -> None:
    assert words in refusal(write(tmp_path, source))


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        ("bool", {"type": "boolean"}),
        ("float", {"type": "number"}),
        ("list", {"type": "array"}),
        ("list[int]", {"type": "array", "items": {"type": "integer"}}),
        ("tuple[str, ...]", {"type": "array", "items": {"type": "string"}}),
        ("dict[str, list[str]]", {"type": "object", "additionalProperties": schema_of("list[str]")}),
        ("Literal['a', 2]", {"enum": ["a", 2]}),
        ("list[Literal['a']]", {"type": "array", "items": {"enum": ["a"]}}),
        ("str | None", {"type": ["string", "null"]}),
        ("Literal['a'] | None", {"enum": ["a", None]}),
    ],
)
def test_annotations_become_json_schema(annotation: str, schema: object) -> None:
    assert schema_of(annotation) == schema


@pytest.mark.parametrize("annotation", ["Any", "int | str", "dict[str]", "set[int]", "a.b", "Path"])
def test_an_annotation_that_a_recipe_cannot_write_is_refused(annotation: str) -> None:
    with pytest.raises(UnknownType):
        schema_of(annotation)


def test_a_plugin_beside_the_recipe_is_found_and_is_not_shipped(tmp_path: Path) -> None:
    path = write(tmp_path, STEP)
    assert find("preprocessing", "reverse", tmp_path) == path
    assert "reverse" in names("preprocessing", tmp_path)
    assert not is_shipped(path)


def test_a_shipped_plugin_is_found_without_a_folder() -> None:
    path = find("preprocessing", "lowercase", None)
    assert path.is_file()
    assert is_shipped(path)


def test_a_shipped_name_cannot_be_shadowed(tmp_path: Path) -> None:
    write(tmp_path, STEP, name="lowercase")
    with pytest.raises(ResepError, match="shipped"):
        find("preprocessing", "lowercase", tmp_path)


def test_a_recipe_in_our_own_folder_shadows_nothing() -> None:
    ours = find("preprocessing", "lowercase", None)
    assert find("preprocessing", "lowercase", ours.parent.parent) == ours


@pytest.mark.parametrize(
    "name", ["../evaluators/length", "a/b", "", "lowercase.py", "/etc/passwd", "lower\0case", "__init__"]
)
def test_a_name_never_leads_to_another_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ResepError, match="there is no preprocessing step"):
        find("preprocessing", name, tmp_path)


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(ResepError, match="did you mean 'strip_punctuation'"):
        find("preprocessing", "strip-punctuaton", None)


@pytest.mark.usefixtures("consent")
def test_a_plugin_is_opened_under_a_mangled_name_that_its_dataclasses_can_find(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "from __future__ import annotations\nfrom dataclasses import dataclass\n\n"
        "@dataclass\nclass Pair:\n    a: int\n\n"
        "def transform_text(text: str) -> str:\n    return text + str(Pair(1).a)\n",
        name="axolotl",
    )
    module = open_plugin(path)
    assert module.transform_text("x") == "x1"
    assert module.__name__.startswith("resep_plugin_preprocessing_axolotl_")
    assert "axolotl" not in sys.modules or sys.modules["axolotl"] is not module
    assert open_plugin(path) is module


@pytest.mark.usefixtures("consent")
def test_a_changed_plugin_is_opened_anew_and_a_compiled_file_beside_it_is_never_believed(tmp_path: Path) -> None:
    path = write(tmp_path, "def transform_text(text: str) -> str:\n    return 'old'\n")
    assert open_plugin(path).transform_text("") == "old"
    write(tmp_path, "def transform_text(text: str) -> str:\n    return 'new'\n")
    assert open_plugin(path).transform_text("") == "new"
    assert not (path.parent / "__pycache__").exists()


@pytest.mark.usefixtures("consent")
def test_a_plugin_that_cannot_be_imported_says_why_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = write(tmp_path, "import no_such_module\n\n\ndef transform_text(text: str) -> str: ...\n", name="broken")
    with pytest.raises(ResepError, match="no_such_module"):
        open_plugin(path)
    assert not [name for name in sys.modules if name.startswith("resep_plugin_preprocessing_broken")]


def test_the_content_hash_follows_the_content(tmp_path: Path) -> None:
    before = content_hash(write(tmp_path, STEP))
    assert content_hash(write(tmp_path, STEP)) == before
    assert content_hash(write(tmp_path, STEP + "\n")) != before


@pytest.mark.parametrize("kind", KINDS)
def test_every_shipped_plugin_keeps_its_contract_and_describes_its_options(kind: str) -> None:
    described = [describe(find(kind, name, None)) for name in names(kind)]
    assert described
    for plugin in described:
        assert plugin.help, plugin.path
        assert all(option.help for option in plugin.options.values()), plugin.path
        assert kind != "evaluators" or plugin.metrics is not None, plugin.path

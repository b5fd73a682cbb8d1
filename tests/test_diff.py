"""`resep diff`: what differs in meaning, which stage each value steers, and what would run again."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resep import cli, pipeline
from resep.comparison import Comparison, compare
from resep.digests import digest_json, digest_tree
from resep.hardware import detect
from resep.recipe import Recipe, load
from resep.ripple import GONE, NEW, in_words, outline
from resep.store import Emit, Stage, Store, Task
from tests.conftest import Golden
from tests.recipe_texts import EXAMPLE, write_recipe

OVERRIDES = [
    "training.learning_rate=3e-4",
    "training.method=lora",
    "generation.do_sample=true",
    "generation.temperature=0.7",
    "split.salt=two",
    "tags=[a]",
    "preprocessing=[lowercase, placeholders]",
    "evaluation.evaluators.exact_match.ignore_case=true",
    "evaluation.evaluators.bertscore=null",
    "evaluation.evaluators.length={}",
    "generation.arms=[base, tuned]",
    "prompt.chat_template=chatml",
    "data.sources[0].limit=10",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with an example recipe in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    write_recipe(tmp_path, EXAMPLE)
    return tmp_path


def _compared(*overrides: str) -> Comparison:
    return compare(load(Path("recipe.yaml")), load(Path("recipe.yaml"), overrides))


def _due(comparison: Comparison) -> set[str]:
    assert comparison.stages is not None
    return {name for name, reasons in comparison.stages.items() if reasons}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("override", "key", "stage", "due"),
    [
        ("training.learning_rate=3e-4", "training.learning_rate", "configure", "configure, train, generate (tuned)"),
        ("training.sequence_len=300", "training.sequence_len", "tokenise", "tokenise, configure, train"),
        ("training.method=lora", "training.method", "configure", "configure, train, generate (base, tuned"),
        ("split.salt=two", "split.salt", "prepare", "prepare, tokenise, configure, train"),
        ("generation.max_new_tokens=99", "generation.max_new_tokens", "generate:base", "generate (base, tuned"),
        (
            "evaluation.evaluators.bertscore.layer=5",
            "evaluation.evaluators.bertscore.layer",
            "evaluate:bertscore",
            "evaluate (bertscore), report",
        ),
        ("evaluation.primary=exact_match", "evaluation.primary", "report", "report"),
        ("tags=[a]", "tags", "report", "report"),
        ("model.base=./elsewhere", "model.base", "tokenise", "tokenise, configure, train, generate (base, tuned"),
    ],
)
def test_a_value_stands_under_the_stage_that_it_steers_and_says_what_runs_again(
    override: str, key: str, stage: str, due: str
) -> None:
    comparison = _compared(override)
    [change] = comparison.changes
    assert (change.key, change.stage) == (key, stage)
    assert str(change.new_origin) == "--set #1"
    names = [name for name in comparison.stages or {} if name in _due(comparison)]
    assert in_words(names).startswith(due)
    assert names[0] == stage


@pytest.mark.usefixtures("folder")
def test_a_knob_that_another_change_brings_to_life_stands_with_it() -> None:
    changes = _compared("generation.do_sample=true", "generation.temperature=0.7").changes
    assert [change.stage for change in changes] == ["generate:base", "generate:base"]
    [alone] = _compared("generation.temperature=0.7").changes
    assert alone.stage == "report"


def test_order_comments_and_written_defaults_make_no_difference(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line.partition("  #")[0] for line in EXAMPLE.splitlines() if not line.startswith("#")]
    head, tail = lines[: lines.index("split:")], lines[lines.index("split:") :]
    text = "\n".join([*tail, *head]).replace("num_epochs: 1", "num_epochs: 1.0").replace('salt: "1"', "salt: '1'")
    (folder / "other.yaml").write_text(text.replace("training:\n", "training:\n  weight_decay: 0\n"))
    assert cli.main(["diff", "recipe.yaml", "other.yaml"]) == 0
    assert capsys.readouterr().out == "no difference in meaning\n"


def test_the_screen_groups_by_stage_with_origins_and_says_what_runs_again(
    folder: Path, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    child = [
        "resep: 1",
        "extends: recipe.yaml",
        "name: faster",
        "training:",
        "  learning_rate: 3e-4",
        "  max_steps: 20",
    ]
    child += ["  num_epochs: null", "preprocessing: [placeholders, deduplicate]", "evaluation:", "  evaluators:"]
    child += ["    bertscore: null", "    length: {}", "generation: {max_new_tokens: 96}"]
    (folder / "faster.yaml").write_text("\n".join(child))
    assert cli.main(["diff", "recipe.yaml", "faster.yaml", "--set", "seed=1"]) == 0
    golden("explain/diff.txt", capsys.readouterr().out)


@pytest.mark.usefixtures("folder")
def test_a_recipe_is_compared_with_itself_and_an_override(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diff", "recipe.yaml", "--set", "seed=1"]) == 0
    shown = capsys.readouterr().out
    assert "recipe.yaml -> the same with --set" in shown
    assert "42 -> 1" in shown
    assert "and reuse: prepare, tokenise, generate (base, base@native-template)." in shown


@pytest.mark.usefixtures("folder")
def test_the_difference_is_there_for_programs_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diff", "recipe.yaml", "--json", "--set", "split.salt=two"]) == 0
    shown = json.loads(capsys.readouterr().out)
    [change] = shown["changes"]
    assert (change["key"], change["old"], change["new"], change["stage"]) == ("split.salt", "1", "two", "prepare")
    assert change["old_origin"]["file"] == "recipe.yaml"
    assert shown["runs_again"]["prepare"] == ["split.salt"]


@pytest.mark.usefixtures("folder")
def test_evaluators_and_arms_come_and_go() -> None:
    comparison = _compared("evaluation.evaluators.bertscore=null", "evaluation.evaluators.length={}")
    assert comparison.stages is not None
    assert comparison.stages["evaluate:length"] == (NEW,)
    assert comparison.stages["evaluate:bertscore"] == (GONE,)
    assert comparison.stages["evaluate:exact_match"] == ()
    assert _due(_compared("generation.arms=[base, tuned]")) >= {"evaluate:exact_match", "generate:base@native-template"}


@pytest.mark.usefixtures("folder")
def test_steps_go_by_their_names() -> None:
    moved = _compared("preprocessing=[deduplicate, placeholders]")
    keys = [change.key for change in moved.changes]
    assert keys[0] == "preprocessing"
    assert "preprocessing.placeholders.patterns.ORDER" in keys
    assert {change.stage for change in moved.changes} == {"prepare"}


def test_a_file_of_the_same_name_with_another_content_is_a_difference(folder: Path) -> None:
    for name, rows in (("a", "1"), ("b", "2")):
        (folder / name / "data").mkdir(parents=True)
        (folder / name / "data" / "quickstart.jsonl").write_text(rows)
        write_recipe(folder / name, EXAMPLE)
    comparison = compare(load(Path("a/recipe.yaml")), load(Path("b/recipe.yaml")))
    [change] = comparison.changes
    assert (change.key, change.stage) == ("data/quickstart.jsonl", "prepare")
    assert change.old.startswith("sha256:")
    assert change.old != change.new
    assert "train" in _due(comparison)


@pytest.mark.usefixtures("folder")
def test_a_gpu_that_is_wanted_and_not_here_is_no_hindrance() -> None:
    comparison = _compared("compute.profile=cuda")
    assert comparison.stages is not None
    assert [change.key for change in comparison.changes] == ["compute.profile"]


def test_what_cannot_be_told_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "other.yaml").write_text(EXAMPLE.replace("chat_template: mistral", "chat_template: mine.jinja"))
    assert cli.main(["diff", "recipe.yaml", "other.yaml"]) == 0
    shown = capsys.readouterr().out
    assert "mistral -> mine.jinja" in shown
    assert "Which stages would run again cannot be told: " in shown


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.sets(st.sampled_from(OVERRIDES), max_size=5))
def test_there_and_back_is_the_same_difference_and_a_recipe_does_not_differ_from_itself(
    folder: Path, chosen: set[str]
) -> None:
    assert folder.exists()
    old, new = load(Path("recipe.yaml")), load(Path("recipe.yaml"), sorted(chosen))
    there, back = compare(old, new), compare(new, old)
    assert {(c.key, str(c.old), str(c.new)) for c in there.changes} == {
        (c.key, str(c.new), str(c.old)) for c in back.changes
    }
    assert {c.key: c.stage for c in there.changes} == {c.key: c.stage for c in back.changes}
    assert bool(there.changes) == bool(_due(there)) == bool(chosen)
    assert compare(new, new) == Comparison((), dict.fromkeys((stage.name for stage in outline(new)), ()))


def _pretended(recipe: Recipe) -> list[Stage]:
    """The stages of a recipe, each writing what depends on everything that goes into it: no two alike."""

    def pretend(tasks: Sequence[Task], emit: Emit, stage: Stage) -> Iterator[Task]:
        del emit
        for task in tasks:
            inputs = {name: digest_tree(folder) for name, folder in task.inputs.items()}
            reads = {word: digest_tree(path) for word, path in stage.reads.items()}
            for output in stage.outputs:
                (task.out / output).write_text(digest_json([dict(stage.config), inputs, reads, output]))
            yield task

    stages = pipeline.plan(recipe, detect("cpu"), lambda _: None)
    return [replace(stage, run=partial(pretend, stage=stage)) for stage in stages]


def _run(stages: Sequence[Stage], store: Store) -> set[str]:
    """Run or reuse the stages; the names of those that ran."""
    folders: dict[str, Path] = {}
    ran = set()
    for stage in stages:
        if not store.decide(stage, folders).reuse:
            ran.add(stage.name)
        [(_, folders[stage.name])] = store.obtain([stage], folders, lambda _: None)
    return ran


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.sets(st.sampled_from(OVERRIDES), max_size=5))
def test_what_is_said_to_run_again_is_what_the_store_runs_again(folder: Path, chosen: set[str]) -> None:
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "quickstart.jsonl").write_text('{"prompt": "a", "response": "b"}\n')
    old, new = (load(Path("recipe.yaml"), ["compute.profile=cpu", *each]) for each in ([], sorted(chosen)))
    with TemporaryDirectory() as root:
        store = Store(Path(root), "recipe")
        _run(_pretended(old), store)
        again = _run(_pretended(new), store)
    expected = compare(old, new).stages or {}
    assert again == {name for name, reasons in expected.items() if reasons and reasons != (GONE,)}

"""`resep new`: what a newcomer starts from is a recipe that passes its own check and runs."""

import json
import re
from pathlib import Path

import pytest

from resep import cli
from resep.paths import data_folder
from resep.recipe import load
from resep.starter import tasks

TASKS = sorted(tasks())
HUB = "mistralai/Mistral-7B-Instruct-v0.3"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def _rows(folder: Path, *rows: object, name: str = "rows.jsonl") -> Path:
    file = folder / name
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Path(name)


def _refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    before = sorted(Path().rglob("*"))
    assert cli.main(["new", *arguments]) == 2
    assert sorted(Path().rglob("*")) == before  # nothing is left behind
    return capsys.readouterr().err


def test_there_is_a_template_for_the_common_tasks() -> None:
    assert {"steps", "chat", "classification", "json"} <= {*TASKS}
    assert all(tasks().values())


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("task", TASKS)
def test_what_is_written_passes_check_without_a_warning_and_its_sample_fills_every_split(
    task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["new", "faq", "--task", task]) == 0
    capsys.readouterr()
    assert cli.main(["check", "faq.yaml"]) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("1 recipe checked: nothing wrong\n", "")
    recipe = load(Path("faq.yaml"))
    assert recipe["name"] == "faq"
    assert len(Path("data/faq.jsonl").read_text().splitlines()) >= 30
    assert cli.main(["run", "faq.yaml", "--until", "prepare"]) == 0
    [statistics] = Path("runs").glob(".store/prepare/*/statistics.json")
    rows = json.loads(statistics.read_text())["splits"]
    assert rows["train"] >= 20
    assert rows["validation"] >= 1
    assert rows["test"] >= 10


@pytest.mark.parametrize("task", TASKS)
def test_every_key_of_a_template_is_explained_beside_it(task: str) -> None:
    text = (data_folder("recipes") / "templates" / f"{task}.yaml").read_text()
    keys = [line for line in text.splitlines() if re.match(r"  \w+: \S", line)]
    commented = [line for line in keys if " # " in line]
    assert len(keys) >= 10
    assert len(commented) >= len(keys) - 3
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.usefixtures("folder")
def test_the_next_commands_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new", "recipes/faq"]) == 0
    shown = capsys.readouterr().out
    for words in ("recipes/faq.yaml", "recipes/data/faq.jsonl", "resep run recipes/faq.yaml", "resep preview"):
        assert words in shown


def test_the_comments_stay_in_their_column(folder: Path) -> None:
    assert cli.main(["new", "a-rather-long-name-for-it"]) == 0
    text = (folder / "a-rather-long-name-for-it.yaml").read_text()
    assert "name: a-rather-long-name-for-it       # runs land in" in text
    assert "- path: data/a-rather-long-name-for-it.jsonl   # or .csv" in text


def test_nothing_is_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "faq.yaml").write_text("mine")
    assert "faq.yaml is there already" in _refused(capsys, "faq")
    assert (folder / "faq.yaml").read_text() == "mine"


def test_own_rows_are_looked_at_for_task_and_fields(folder: Path) -> None:
    _rows(folder, {"Question": "How?", "steps": ["a", "b"]})
    assert cli.main(["new", "own", "--data", "rows.jsonl"]) == 0
    recipe = load(Path("own.yaml"))
    assert recipe["data.sources[0].path"] == "rows.jsonl"
    assert recipe["data.sources[0].fields"] == {"prompt": "Question", "response": "steps"}
    assert recipe["evaluation.primary"] == "order_accuracy"
    assert "sample" not in (folder / "own.yaml").read_text()
    assert not (folder / "data").exists()


def test_own_rows_of_another_format_are_read_as_such(folder: Path) -> None:
    turns = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]
    alpaca = {"instruction": "a", "input": "b", "output": "c"}
    for row, form in (({"conversations": turns}, "sharegpt"), (alpaca, "alpaca")):
        file = _rows(folder, row, name=f"{form}.jsonl")
        assert cli.main(["new", form, "--data", str(file)]) == 0
        assert load(Path(f"{form}.yaml"))["data.sources[0].format"] == form


def test_rows_that_lie_where_they_are_looked_for_are_taken(folder: Path) -> None:
    (folder / "data").mkdir()
    _rows(folder, {"messages": [{"role": "user", "content": "a"}]}, name="data/faq.jsonl")
    assert cli.main(["new", "faq"]) == 0
    recipe = load(Path("faq.yaml"))
    assert recipe["data.sources[0].format"] == "messages"
    assert recipe["tags"] == ["chat"]


def test_the_labels_of_own_rows_stand_in_the_prompt(folder: Path) -> None:
    _rows(folder, {"text": "a", "kind": "spam"}, {"text": "b", "kind": "ham"})
    assert (
        cli.main(["new", "mail", "--data", "rows.jsonl", "--task", "classification", "--field", "response=kind"]) == 0
    )
    recipe = load(Path("mail.yaml"))
    assert "spam, ham" in recipe["prompt.system"]
    assert recipe["data.sources[0].fields"]["label"] == "kind"


def test_the_keys_of_own_json_stand_in_the_prompt(folder: Path) -> None:
    _rows(folder, {"text": "a", "json": '{"name": "x", "age": 1}'})
    assert cli.main(["new", "facts", "--data", "rows.jsonl", "--task", "json"]) == 0
    assert load(Path("facts.yaml"))["prompt.system"] == "Answer with JSON only, with the keys name, age."


def test_a_field_that_cannot_be_told_is_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _rows(folder, {"a": "x", "b": "y"})
    assert "which field of rows.jsonl is the prompt? It has a, b" in _refused(capsys, "own", "--data", "rows.jsonl")
    options = ("own", "--data", "rows.jsonl", "--field", "prompt=a", "--field")
    assert "has no field 'c'; it has a, b" in _refused(capsys, *options, "response=c")
    assert cli.main(["new", *options, "response=b"]) == 0


def test_a_hub_model_comes_with_its_revision_and_a_learning_rate_of_its_size(folder: Path) -> None:
    assert cli.main(["new", "big", "--model", HUB, "--revision", "c170c708c41dac9275d15a8fff4eca08d52bab71"]) == 0
    recipe = load(Path("big.yaml"))
    assert (recipe["model.base"], recipe["model.revision"][:4]) == (HUB, "c170")
    assert recipe["training.learning_rate"] == 2e-4
    assert folder.exists()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["faq", "--task", "stepz"], "did you mean 'steps'"),
        (["a b"], "cannot be a recipe's name"),
        (["faq", "--model", HUB], "add --revision"),
        (["faq", "--model", "smolm2-135m-instruct"], "did you mean 'smollm2-135m-instruct'"),
        (["faq", "--model", "/models/mine"], "is an absolute path"),
        (["faq", "--data", "nowhere.jsonl"], "no such file"),
        (["faq", "--data", "/etc/rows.jsonl"], "below its own folder"),
        (["faq", "--data", "notes.txt"], "that is how its format is known"),
        (["faq", "--field", "prompt=a"], "name their file with --data"),
        (["faq", "--field", "prompt"], "expected OURS=THEIRS"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in _refused(capsys, *arguments)


def test_conversations_are_for_the_chat_task(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _rows(folder, {"messages": [{"role": "user", "content": "a"}]})
    assert "for the task 'chat'" in _refused(capsys, "faq", "--data", "rows.jsonl", "--task", "json")


@pytest.mark.parametrize("name", ["faq", "recipes/faq"])
def test_the_first_line_leads_an_editor_to_the_schema(folder: Path, name: str) -> None:
    assert cli.main(["new", name]) == 0
    recipe = folder / f"{name}.yaml"
    found = re.search(r"\$schema=(\S+)", recipe.read_text().splitlines()[0])
    assert found is not None
    assert (recipe.parent / found[1]).samefile(data_folder("schemas") / "recipe.schema.json")


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_what_is_written_runs_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new", "faq", "--task", "classification"]) == 0
    short = ["--set", "training.num_epochs=null", "--set", "training.max_steps=2", "--set", "split.max_rows.test=4"]
    assert cli.main(["run", "faq.yaml", *short]) == 0
    assert "Report: runs/faq/" in capsys.readouterr().out

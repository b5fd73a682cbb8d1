"""`resep score`: a file of anybody's samples in, means and scores out; a faulty line is explained."""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest

from resep import cli
from resep.errors import ResepError
from resep.plugins.trust import trust
from resep.stages.evaluate.samples_file import read_samples
from resep.stages.evaluate.score_file import score_file

GOOD = {"id": "1", "output": "1. open\n2. close", "target": ["open", "close"]}


def written(folder: Path, *lines: Any) -> Path:
    path = folder / "samples.jsonl"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def test_the_shape_of_the_result(tmp_path: Path) -> None:
    other = {"id": 2, "output": "open", "target": "shut", "arm": "tuned", "note": "mine"}
    result = score_file(
        written(tmp_path, GOOD, "", other), {"exact_match": {}, "order_accuracy": {"encoder": "lexical"}}
    )
    assert result["metrics"]["exact_match"] == {
        "mean": 0.5,
        "n": 2,
        "unscored": 0,
        "arms": {"model": {"mean": 1.0, "n": 1, "unscored": 0}, "tuned": {"mean": 0.0, "n": 1, "unscored": 0}},
        "signature": "exact_match|ignore_case:False|version:1",
    }
    order = result["metrics"]["order_accuracy"]
    assert (order["mean"], order["n"], order["unscored"]) == (1.0, 1, 1)
    assert order["arms"]["tuned"] == {"mean": None, "n": 0, "unscored": 1}
    first, second = result["scores"]
    assert (first["id"], first["arm"], first["error"]) == ("1", "model", None)
    assert set(first["values"]) == set(result["metrics"])
    assert (second["id"], second["arm"]) == ("2", "tuned")


def test_options_reach_the_evaluator(tmp_path: Path) -> None:
    path = written(tmp_path, {**GOOD, "output": "1. OPEN\n2. close"})
    assert score_file(path, {"exact_match": {}})["metrics"]["exact_match"]["mean"] == 0
    assert score_file(path, {"exact_match": {"ignore_case": True}})["metrics"]["exact_match"]["mean"] == 1


def test_a_plugin_that_crashes_in_a_row_keeps_the_others(tmp_path: Path) -> None:
    (tmp_path / "evaluators").mkdir()
    (tmp_path / "evaluators" / "fragile.py").write_text(
        '"""Breaks on purpose."""\n'
        "from resep import Metric, Score\n"
        'METRICS = (Metric("fragile", direction="higher"),)\n'
        "def evaluate(samples, context):\n"
        "    for s in list(samples):\n"
        "        yield Score(s.id, s.arm, {'fragile': 1 / len(s.output)})\n"
    )
    trust(tmp_path / "evaluators" / "fragile.py")
    path = written(tmp_path, GOOD, {**GOOD, "id": "2", "output": ""}, {**GOOD, "id": "3"})
    events: list[Any] = []
    result = score_file(path, {"fragile": {}}, events.append, folder=tmp_path)
    assert [row["error"] for row in result["scores"]] == [None, "ZeroDivisionError: division by zero", None]
    assert result["metrics"]["fragile"]["unscored"] == 1
    assert any("1 of 3 rows could not be scored" in event.get("message", "") for event in events)


def test_an_unknown_evaluator_or_option_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    with pytest.raises(ResepError, match="did you mean 'exact_match'"):
        score_file(path, {"exactmatch": {}})
    with pytest.raises(ResepError, match=r"--set exact_match\.ignore_case: expected true or false, not 5"):
        score_file(path, {"exact_match": {"ignore_case": 5}})
    with pytest.raises(ResepError, match="unknown key; did you mean 'threshold'"):
        score_file(path, {"order_accuracy": {"treshold": 0.4}})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "1" "output"}', "column 12: not JSON"),
        ("[1]", "a list instead of an object"),
        ({"id": "1", "outputs": "x", "target": "x"}, "'output' is missing.*rename 'outputs' to 'output'"),
        ({"id": None, "output": "x", "target": "x"}, "'id' is null"),
        ({"id": "", "output": "x", "target": "x"}, "'id' is empty"),
        ({"id": " ", "output": "x", "target": "x"}, "'id' is empty"),
        ({"id": "1", "outptu": "x", "target": "x"}, ".*; rename 'outptu' to 'output'"),
        ({"id": True, "output": "x", "target": "x"}, "'id' is true or false"),
        ({"id": "1", "output": None, "target": "x"}, '.*an empty answer is ""'),
        ({"id": "1", "output": "x", "target": [1]}, "'target' is a list; a text or a list of texts"),
        ({"id": "1", "output": "x", "target": "x", "metadata": 3}, "'metadata' is a number"),
    ],
)
def test_a_faulty_line_is_named_and_explained(tmp_path: Path, line: Any, message: str) -> None:
    with pytest.raises(ResepError, match=f":2: {message}"):
        read_samples(written(tmp_path, {**GOOD, "id": "0"}, line))


def test_every_faulty_line_is_told_and_a_repeated_id_with_both_lines(tmp_path: Path) -> None:
    with pytest.raises(ResepError) as caught:
        read_samples(written(tmp_path, GOOD, "x", GOOD))
    assert ":2: " in str(caught.value)
    assert ":3: id '1' of arm 'model' stood in line 1 already" in str(caught.value)


def test_an_empty_a_missing_and_a_latin_1_file_are_explained(tmp_path: Path) -> None:
    with pytest.raises(ResepError, match="no samples"):
        read_samples(written(tmp_path, ""))
    with pytest.raises(ResepError, match="cannot be read"):
        read_samples(tmp_path / "absent.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b'{"id": "\xe9"}')
    with pytest.raises(ResepError, match="not UTF-8: byte 8 is 0xe9"):
        read_samples(tmp_path / "latin.jsonl")


def test_an_evaluator_that_needs_a_run_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "samples.jsonl").write_text('{"id": "1", "output": "a", "target": "b"}\n', encoding="utf-8")
    with pytest.raises(ResepError, match="perplexity needs the weights behind the arms and the prepared rows"):
        score_file(tmp_path / "samples.jsonl", {"perplexity": {}})


@pytest.mark.parametrize(
    ("evaluator", "options", "message"),
    [
        ("order_accuracy", {"threshold": 5}, "--set order_accuracy.threshold: a cosine similarity lies between"),
        ("bertscore", {"batch_tokens": 0}, "--set bertscore.batch_tokens: at least one token"),
        ("bertscore", {"layer": 40}, "--set bertscore.layer: all-minilm-l6-v2 has layers 0 to 6"),
        ("bertscore", {"encoder": "lexical"}, "--set bertscore.encoder: 'lexical' has no vector per token"),
        ("repetition", {"n": 0}, "--set repetition.n: a phrase has one word at least"),
        ("regex", {}, "--with regex: 'pattern' is missing"),
        ("regex", {"pattern": "("}, "--set regex.pattern: "),
        ("json_format", {"schema": {"type": "nothing"}}, "--set json_format.schema: "),
        (
            "order_accuracy",
            {"encoder": "all-minilm"},
            "--set order_accuracy.encoder: no embedded encoder has this name",
        ),
        ("order_accuracy", {"encoder": "qwerty"}, "model qwerty: there is no such folder"),
        (
            "order_accuracy",
            {"encoder": "own/er"},
            "--set order_accuracy.encoder: 'own/er' is a hub id: write its commit",
        ),
        ("json_format", {"schema_file": "nope.json"}, "--set json_format.schema_file: nope.json: no such file"),
        ("human", {}, "evaluator human gives no number here: people rate the answers of a finished run"),
        ("judge", {}, "evaluator judge gives no number here: it has nobody to ask"),
        ("rouge", {"stemmer": "french"}, "--set rouge.stemmer: expected none or english, not 'french'"),
    ],
)
def test_options_are_judged_as_in_a_recipe(
    tmp_path: Path, evaluator: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ResepError, match=f"^{re.escape(message)}"):
        score_file(written(tmp_path, GOOD), {evaluator: options})


def test_every_wrong_option_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ResepError) as caught:
        score_file(written(tmp_path, GOOD), {"order_accuracy": {"threshold": 5, "encodr": "x"}, "repetition": {"n": 0}})
    assert len(str(caught.value).splitlines()) == 3


def test_a_value_that_cannot_be_read_is_explained_and_the_call_was_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(written(tmp_path, GOOD))
    for value, reason in ((".nan", ".nan is refused"), ("[1", "is not closed"), ("", "there is no value")):
        call = ["score", file, "--with", "order_accuracy", "--set", f"order_accuracy.threshold={value}"]
        assert cli.main(call) == 2
        assert reason in capsys.readouterr().err


def test_a_strangers_plug_in_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "evaluators").mkdir()
    (tmp_path / "evaluators" / "mine.py").write_text(
        '"""Mine."""\nMETRICS = ()\ndef evaluate(samples, context): return iter(())\n'
    )
    monkeypatch.chdir(tmp_path)
    assert cli.main(["score", str(written(tmp_path, GOOD)), "--with", "mine"]) == 2
    assert "--trust" in capsys.readouterr().err


def test_a_scoring_that_fails_leaves_nothing_behind_and_promises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "evaluators").mkdir()
    plugin = tmp_path / "evaluators" / "broken.py"
    plugin.write_text(
        '"""Broken."""\nfrom resep import Metric\nMETRICS = (Metric("b", direction="higher"),)\n'
        "def evaluate(samples, context): return iter(())\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    assert cli.main(["score", str(written(tmp_path, GOOD)), "--with", "broken", "--trust", str(plugin)]) == 1
    said = capsys.readouterr().err
    assert "gave 0 scores for 1 samples" in said
    assert "goes on from here" not in said
    assert list((tmp_path / "temporary").iterdir()) == []


def test_what_an_evaluator_says_beyond_its_metrics_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, GOOD, {**GOOD, "id": "2", "target": ["tap", "save"], "arm": "tuned"})
    call = ["score", str(file), "--with", "order_accuracy", "--set", "order_accuracy.encoder=lexical"]
    assert cli.main(call) == 0
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if "at threshold 0.2" in line).split()[-2:] == ["1.000", "0.000"]
    assert any(line.startswith("  against other rows' references (chance)") for line in lines)
    assert cli.main([*call, "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["controls"]["order_accuracy"]) >= {"sweep", "chance", "forms"}

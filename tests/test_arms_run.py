"""A whole run with every kind of arm, and new prompts to its model: real training, a tiny model, a test's server."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from resep.paths import data_folder
from resep.records import Sample, read_jsonl
from tests import tiny_model
from tests.endpoint_server import Body, Server, serving
from tests.test_generate import adapter_of
from tests.test_run import RECIPE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
ARMS = """
  arms:
    - base
    - tuned
    - fewshot: {examples: 2}
    - near: {examples: 1, choose: nearest, weights: tuned}
    - older: {adapter: adapters/older}
    - hosted: {endpoint: "URL", model: tiny, examples: 1, choose: per_class}
  max_new_tokens: 12
"""


@dataclass(frozen=True)
class Kitchen:
    """A folder with a run in it, the server that answered one of its arms, and what the run printed."""

    folder: Path
    server: Server
    screen: str

    @property
    def run(self) -> Path:
        return self.folder / "runs" / "tiny" / "latest"

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return _command(self.folder, *arguments)


def _command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "runner.py"), *arguments]
    one_person = {**os.environ, "XDG_CONFIG_HOME": str(folder / "settings")}
    return subprocess.run(command, cwd=folder, env=one_person, capture_output=True, text=True, check=False, timeout=300)


def _says(body: Body) -> str:
    return f"=1. open it\n2. {body['messages'][-1]['content'][:20]}"


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kitchen]:
    folder = tmp_path_factory.mktemp("kitchen")
    with pytest.MonkeyPatch.context() as patch, serving(_says) as server:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "settings"))
        rows = (data_folder("recipes") / "data" / "quickstart.jsonl").read_text(encoding="utf-8").splitlines()[:60]
        (folder / "rows.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
        shutil.copytree(tiny_model.model_folder(), folder / "model")
        adapter_of(folder / "model", folder / "adapters" / "older", seed=1)
        arms = ARMS.replace("URL", server.url)
        text = RECIPE.replace("generation: {arms: [base, tuned], max_new_tokens: 12}", f"generation:{arms}")
        text = text.replace("split: {", "split: {stratify_by: category, ")
        (folder / "recipe.yaml").write_text(text, encoding="utf-8")
        done = _command(folder, "run", "recipe.yaml", "--send-to", server.url.removesuffix("/v1"))
        assert done.returncode == 0, done.stderr
        yield Kitchen(folder, server, done.stderr)


def _answers(kitchen: Kitchen) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for sample in read_jsonl(kitchen.run / "samples.jsonl", Sample):
        found.setdefault(sample.arm, []).append(sample)
    return found


def _results(kitchen: Kitchen) -> dict[str, Any]:
    return dict(json.loads((kitchen.run / "results.json").read_text(encoding="utf-8")))


def test_every_arm_answers_the_same_questions(kitchen: Kitchen) -> None:
    answers = _answers(kitchen)
    assert list(answers) == ["base", "tuned", "fewshot", "near", "older", "hosted"]
    assert len({tuple((s.id, s.prompt, s.target) for s in found) for found in answers.values()}) == 1
    assert len({tuple(s.output for s in found) for found in answers.values()}) == 6
    longer = [
        (few.prompt_tokens or 0) - (own.prompt_tokens or 0)
        for few, own in zip(answers["fewshot"], answers["base"], strict=True)
    ]
    assert min(longer) > 10


def test_few_shot_bases_are_bases_and_the_report_says_what_each_arm_saw(kitchen: Kitchen) -> None:
    results, page = _results(kitchen), (kitchen.run / "report.md").read_text(encoding="utf-8")
    weights = {arm: facts["weights"] for arm, facts in results["arms"].items()}
    assert [arm for arm, said in weights.items() if said == "base"] == ["base", "fewshot"]
    assert results["verdict"]["baseline"] in ("base", "fewshot")
    assert "fewshot was shown 2 training rows before each question (the same for all)" in page
    assert "near was shown 1 training row before each question (those most like it)" in page
    assert "who runs it may put another model behind the name" in page
    assert "Every arm decoded alike" in page


def test_the_server_was_asked_each_row_once_with_its_example_and_nobody_elses(kitchen: Kitchen) -> None:
    hosted = _answers(kitchen)["hosted"]
    asked = [body["messages"] for body in kitchen.server.asked]
    assert len(asked) == len(hosted)
    assert {messages[-1]["content"] for messages in asked} == {sample.prompt[-1].content for sample in hosted}
    assert {len(messages) for messages in asked} == {3}
    assert hosted[0].finish_reason == "stop"


def test_predictions_lie_side_by_side(kitchen: Kitchen) -> None:
    with (kitchen.run / "predictions.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    answers = _answers(kitchen)
    assert [row["id"] for row in rows] == [sample.id for sample in answers["base"]]
    assert [row["hosted"] for row in rows] == [f"'{sample.output}" for sample in answers["hosted"]]
    assert rows[0]["target"].startswith("1. ")


def test_the_same_run_again_asks_nobody(kitchen: Kitchen) -> None:
    before = len(kitchen.server.asked)
    done = kitchen.command("run", "recipe.yaml")
    assert done.returncode == 0
    assert done.stderr.count("  reuse") == kitchen.screen.count("  done in")
    assert len(kitchen.server.asked) == before


def test_new_prompts_go_through_the_runs_own_steps_and_are_answered_once(kitchen: Kitchen) -> None:
    (kitchen.folder / "new.txt").write_text("How do I RESET it? mail me at a@b.example\n\n=1+1 is what?\n")
    done = kitchen.command("predict", "tiny", "new.txt", "--out", "new.jsonl")
    assert done.returncode == 0, done.stderr
    first, second = [json.loads(line) for line in (kitchen.folder / "new.jsonl").read_text().splitlines()]
    assert first["asked"] == [{"role": "user", "content": "how do i reset it mail me at [EMAIL]"}]
    assert (first["id"], second["id"], first["arm"]) == ("1", "3", "tuned")
    again = kitchen.command("predict", str(kitchen.run), "new.txt")
    assert "predict:tuned  reuse" in again.stderr
    header, one, two = list(csv.reader(again.stdout.splitlines()))
    assert header == ["id", "prompt", "system", "tuned"]
    assert two[1] == "'=1+1 is what?"
    assert one[3] == first["output"].strip() or one[3] == f"'{first['output']}"


def test_a_prompt_of_the_test_rows_is_answered_as_in_the_run(kitchen: Kitchen) -> None:
    kept = _answers(kitchen)["older"][:3]
    lines = (json.dumps({"id": s.id, "prompt": s.prompt[-1].content}) + "\n" for s in kept)
    (kitchen.folder / "same.jsonl").write_text("".join(lines))
    done = kitchen.command("predict", "tiny", "same.jsonl", "--arm", "older", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["id"], row["output"]) for row in found] == [(sample.id, sample.output) for sample in kept]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tiny", "missing.txt"], "there is no such file"),
        (["tinny", "new.txt"], "did you mean 'tiny'"),
        (["tiny", "rows.jsonl", "--arm", "tunned"], "did you mean 'tuned'"),
        (["tiny", "rows.jsonl", "--arm", "fewshot"], "is shown training rows"),
        (["tiny", "rows.jsonl", "--set", "model.base=nowhere"], "--set model.base=FOLDER"),
        (["tiny", "rows.jsonl", "--out", "x.xlsx"], "written as .csv or .jsonl"),
    ],
)
def test_what_cannot_be_predicted_is_said_in_words(kitchen: Kitchen, arguments: list[str], words: str) -> None:
    (kitchen.folder / "new.txt").write_text("how?\n")
    done = kitchen.command("predict", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr

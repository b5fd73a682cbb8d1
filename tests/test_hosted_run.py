"""Whole runs of a recipe that a service trains, by its commands, against the small server that plays the service."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resep.cli import main
from tests.fine_tuning_server import BASE, KEY, Service, tuning
from tests.hosted import kitchen

pytest.importorskip("openai", reason="the extra openai is not installed")

ROOT = Path(__file__).parent.parent
TUNED = f"ft:{BASE}:me:hosted:1"
LONG = ("queued", *("running",) * 10_000)


@pytest.fixture
def service() -> Iterator[Service]:
    with tuning() as service:
        yield service


@pytest.fixture(autouse=True)
def cooking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder with the recipe and its rows, with a key, without tiktoken's tables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "no tables"))
    kitchen(tmp_path)


def at(service: Service) -> list[str]:
    return ["--set", f"training.openai.endpoint={service.url}"]


def started(service: Service, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "runner.py"), "run", "recipe.yaml", *at(service), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))


def wait_until_followed(service: Service) -> None:
    deadline = time.monotonic() + 60
    while service.requests.count("GET /fine_tuning/jobs/ftjob-1/events") < 2:
        assert time.monotonic() < deadline, service.requests
        time.sleep(0.02)


def results() -> dict[str, Any]:
    return dict(json.loads(Path("runs/hosted/latest/results.json").read_text(encoding="utf-8")))


def test_nothing_is_sent_before_the_person_says_so(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another person"))
    assert main(["run", "recipe.yaml", *at(service)]) == 2
    told = capsys.readouterr().err
    origin = service.url.removesuffix("/v1")
    assert f"--send-to {origin}=OPENAI_API_KEY" in told
    assert main(["plan", "recipe.yaml", *at(service)]) == 0
    assert f"only after you agree: --send-to {origin}=OPENAI_API_KEY" in capsys.readouterr().out
    assert not service.requests


def test_converting_writes_what_would_be_sent_and_sends_nothing(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another person"))
    assert main(["convert", "recipe.yaml", *at(service), "--out", "there"]) == 0
    assert sorted(file.name for file in Path("there").iterdir()) == ["job.json", "train.jsonl", "validation.jsonl"]
    rows = [json.loads(line) for line in Path("there/train.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows
    assert {message["role"] for row in rows for message in row["messages"]} == {"user", "assistant"}
    assert "@x.org" not in Path("there/train.jsonl").read_text(encoding="utf-8")
    assert json.loads(Path("there/job.json").read_text())["training_file"] == "train.jsonl"
    assert not service.requests


def test_a_recipe_for_this_machine_is_converted_without_what_has_no_meaning_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = Path("recipe.yaml").read_text(encoding="utf-8")
    here = recipe.replace("trainer: openai", "method: lora\n  learning_rate: 1e-4").replace(
        BASE, "smollm2-135m-instruct"
    )
    Path("here.yaml").write_text(here, encoding="utf-8")
    assert main(["convert", "here.yaml", "--to", "openai"]) == 2
    assert "is a model of this machine" in capsys.readouterr().err
    assert main(["convert", "here.yaml", "--to", "openai", "--set", f"model.base={BASE}"]) == 0
    told = capsys.readouterr()
    assert "for openai: training.method=null" in told.err
    assert "for openai: training.learning_rate=null" in told.err
    assert sorted(told.out.split()) == [f"hosted-openai/{n}" for n in ("job.json", "train.jsonl", "validation.jsonl")]


def test_a_preview_shows_the_rows_as_they_are_sent(capsys: pytest.CaptureFixture[str], service: Service) -> None:
    assert main(["preview", "recipe.yaml", *at(service), "--rows", "2"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["messages"][-1]["role"] for row in rows] == ["assistant"] * 2


def test_without_a_job_there_is_nothing_to_cancel(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cancel", "recipe.yaml", *at(service)]) == 2
    assert "its rows are not prepared" in capsys.readouterr().err
    assert main(["run", "recipe.yaml", *at(service), "--until", "configure"]) == 0
    assert main(["cancel", "recipe.yaml", *at(service)]) == 0
    assert "has no running job for this recipe" in capsys.readouterr().out


def test_a_missing_key_and_a_missing_package_are_told_before_the_first_stage(
    service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert main(["plan", "recipe.yaml", *at(service)]) == 0
    assert "your environment has no OPENAI_API_KEY" in capsys.readouterr().err
    monkeypatch.setattr("resep.hosted.foreseen.find_spec", {}.get)
    assert main(["run", "recipe.yaml", *at(service)]) == 2
    assert "pip install 'resep[openai]'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_that_was_killed_while_following_goes_on_and_compares_base_and_tuned(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    service.states = LONG
    run = started(service)
    wait_until_followed(service)
    run.kill()
    run.communicate()
    service.job().states = ["running", "running", "succeeded"]
    done = started(service)
    out, err = done.communicate(timeout=120)
    assert done.returncode == 0, err
    assert (len(service.jobs), len(service.files)) == (1, 2)
    assert "ftjob-1 trains these very rows in this way already (running)" in err
    assert "On exact_match, tuned scores" in out
    arms = results()["arms"]
    origin = service.url
    assert {name: facts["model"] for name, facts in arms.items()} == {
        "base": f"{BASE} at {origin}",
        "tuned": f"{TUNED} at {origin}",
    }
    asked = {model: sum(name == model for name, _ in service.asked) for model in (BASE, TUNED)}
    assert asked[BASE] == asked[TUNED] == arms["base"]["rows"] > 0
    sent = b"".join(service.files.values()) + json.dumps([body for _, body in service.asked]).encode()
    assert b"@x.org" not in sent
    assert b"[EMAIL]" in sent
    report = Path("runs/hosted/latest/report.md").read_text(encoding="utf-8")
    assert "job at the service: ftjob-1" in report
    assert "trained with: n_epochs 1, batch_size 2, learning_rate_multiplier 1.8" in report.replace("\\", "")
    before = len(service.requests)
    assert main(["run", "recipe.yaml", *at(service)]) == 0
    assert len(service.requests) == before
    Path("q.txt").write_text("Write to Me@x.org?\n", encoding="utf-8")
    assert main(["predict", "hosted", "q.txt"]) == 0
    assert service.asked[-1][0] == TUNED
    assert service.asked[-1][1]["messages"][-1]["content"] == "write to [EMAIL]?"
    assert main(["verify", "hosted"]) == 0
    assert main(["cancel", "recipe.yaml", *at(service)]) == 0
    assert "this training is finished" in capsys.readouterr().out


@pytest.mark.slow
def test_an_interruption_leaves_the_job_running_and_cancel_ends_it(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    service.states = LONG
    run = started(service)
    wait_until_followed(service)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "ftjob-1 goes on at" in err
    assert "resep cancel recipe.yaml" in err
    assert service.job().shown["status"] == "running"
    assert main(["cancel", "recipe.yaml", *at(service)]) == 0
    assert capsys.readouterr().out == "ftjob-1: cancelled\n"
    service.states = ("running", "succeeded")
    assert main(["run", "recipe.yaml", *at(service), "--until", "train"]) == 0
    assert len(service.jobs) == 2


@pytest.mark.slow
def test_a_job_that_is_cancelled_while_it_is_followed_ends_the_run_in_words(service: Service) -> None:
    service.states = LONG
    run = started(service)
    wait_until_followed(service)
    service.job().states = ["cancelled"]
    _, err = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "the job ftjob-1 was cancelled at" in err

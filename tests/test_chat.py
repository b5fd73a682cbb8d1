"""Talking to a run's model: what is shown while it answers, what it is asked, what becomes of what was typed."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep import cli
from resep.chat.conversation import Manner, asked, continued
from resep.chat.pieces import settled
from resep.chat.speaker import Said
from resep.commands import chat
from resep.errors import ResepError
from resep.predicting.questions import cleaner
from resep.recipe import StepSpec
from resep.records import Message
from tests import tiny_model
from tests.finished_run import RECIPE, finished_run
from tests.test_generate import adapter_of

ROOT = Path(__file__).parent.parent
STEPS = (StepSpec("placeholders", {"detectors": ["email"], "numbering": "row"}), StepSpec("lowercase", {}))
Captured = pytest.CaptureFixture[str]


# What is shown while the rest is still to come.


@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=4), max_size=3))
def test_what_is_shown_only_grows_and_is_the_beginning_of_the_answer(text: str, stops: list[str]) -> None:
    whole = text.replace("\ufffd", "")
    for stop in stops:
        whole = whole.partition(stop)[0]
    parts = [settled(whole[:end], stops) for end in range(len(whole) + 1)]
    assert all(later.startswith(sooner) for sooner, later in pairwise(parts))
    assert all(whole.startswith(part) for part in parts)


def test_half_a_character_and_half_a_stop_text_wait() -> None:
    assert settled("caf\ufffd") == "caf"
    assert settled("one\n\nUs", ["\n\nUser:"]) == "one"
    assert settled("one\n\nThen", ["\n\nUser:"]) == "one\n\nThen"


# What the model is asked.


def manner(*, keeps_turns: bool, system: str | None = None, steps: Sequence[StepSpec] = STEPS) -> Manner:
    return Manner(cleaner(steps), system, keeps_turns)


def test_what_is_typed_goes_through_the_recipes_steps_with_the_turns_before_it() -> None:
    ours = manner(keeps_turns=True, system="Be brief.")
    (system, first) = asked(ours, (), "Mail A@b.example")
    assert (system.content, first.content) == ("Be brief.", "mail [EMAIL_1]")
    turns = continued(ours, (), "Mail A@b.example", "Done, A@b.example")
    contents = [turn.content for turn in asked(ours, turns, "And c@d.example?")]
    assert contents == ["Be brief.", "mail [EMAIL_1]", "done, [EMAIL_1]", "and [EMAIL_2]?"]


def test_a_recipe_of_single_questions_keeps_no_turns_and_a_wordless_answer_is_none() -> None:
    assert continued(manner(keeps_turns=False), (), "q", "a") == ()
    earlier = (Message("user", "q"), Message("assistant", "a"))
    assert continued(manner(keeps_turns=True), earlier, "q", " \n") == earlier


@pytest.mark.parametrize("typed", [" ", "\udcff"])
def test_what_is_no_text_is_refused(typed: str) -> None:
    with pytest.raises(ResepError):
        asked(manner(keeps_turns=False), (), typed)


# The command, with a model that is made up.


@dataclass
class Parrot:
    """Says what it was asked, letter by letter."""

    heard: list[tuple[str, list[str]]] = field(default_factory=list)

    def answer(self, arm: str, messages: Sequence[Message]) -> Iterator[str | Said]:
        self.heard.append((arm, [message.content for message in messages]))
        text = f"{arm} says {messages[-1].content}\x1b[31m"
        yield from text
        yield Said(text, "length", 5, 0.25, 1.25)


def talk(
    typed: bytes, monkeypatch: pytest.MonkeyPatch, *, arms: Sequence[str] = ("tuned",), **how: Any
) -> tuple[int, Parrot]:
    parrot = Parrot()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(typed), isatty=lambda: False))
    keeps: Any = {"keeps_turns": True, **how}
    return chat._talk(parrot, manner(**keeps), dict.fromkeys(arms, ())), parrot  # type: ignore[arg-type]


def test_answers_alone_go_to_standard_output(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    code, _ = talk(b"HELLO\nagain", monkeypatch)
    out, notes = capsys.readouterr()
    assert code == 0
    assert out == "tuned says hello\ufffd[31m\n\ntuned says again\ufffd[31m\n\n"
    assert "asked as: hello\n" in notes
    assert "asked as: again" not in notes
    assert "first token after 0.25 s, then 4 tokens a second, 5 tokens, cut at --max-new-tokens" in notes


def test_commands_steer_and_are_not_asked(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    _, parrot = talk(b"one\n\n two \n/new\nthree\n/help\n/nwe\n/etc/hosts?\n/exit\nfour\n", monkeypatch)
    assert [asked[-1] for _, asked in parrot.heard] == ["one", " two ", "three", "/etc/hosts?"]
    assert [len(asked) for _, asked in parrot.heard] == [1, 3, 1, 3]
    notes = capsys.readouterr().err
    assert "there is no /nwe" in notes
    assert "Ctrl-C stops an answer" in notes


def test_two_arms_answer_under_each_other_and_keep_their_own_turns(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    _, parrot = talk(b"a\nb\n", monkeypatch, arms=chat.BOTH)
    assert [arm for arm, _ in parrot.heard] == ["base", "tuned", "base", "tuned"]
    assert parrot.heard[2][1][1].startswith("base says a")
    assert capsys.readouterr().out.startswith("base:\nbase says a\ufffd[31m\n\ntuned:\ntuned says a")


def test_a_line_that_cannot_be_asked_is_told_and_the_next_one_answered(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    code, parrot = talk(b"?!\nfine\n", monkeypatch, steps=(StepSpec("strip_punctuation", {}),))
    assert (code, [asked for _, asked in parrot.heard]) == (2, [["fine"]])
    assert "nothing is left of the prompt" in capsys.readouterr().err
    with pytest.raises(ResepError, match="line 2 is not UTF-8"):
        talk(b"fine\ncaf\xe9\n", monkeypatch)


def test_a_run_that_is_not_there_is_told_with_the_nearest_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["chat", "nowhere"]) == 2
    assert "nowhere is not the folder of a finished run" in capsys.readouterr().err


# The real thing: a run's folder, a tiny model in a child process.


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chat")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "settings"))
        done = finished_run(folder, RECIPE.replace(", word_recall: {}", ""), rows=4)
    adapter_of(tiny_model.model_folder(), done / "adapter")
    return done


def _own() -> list[str]:
    """The run's model by another name, without the 4 bits that take a while to load."""
    return ["--set", f"model.base={tiny_model.model_folder()}", "--set", "training.method=lora"]


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "XDG_CONFIG_HOME": str(folder), "TMPDIR": str(folder), "OMP_NUM_THREADS": "1"}


def _resep(folder: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "runner.py"), *arguments]
    own = environment(folder)
    return subprocess.run(
        command, cwd=folder, env=own, input=typed, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.slow
def test_an_answer_is_the_one_that_predict_gives_and_what_was_typed_is_in_no_file(run: Path, tmp_path: Path) -> None:
    typed = "How do I RESET the xylophone?\n"
    done = _resep(tmp_path, "chat", str(run), *_own(), "--arm", "both", "--max-new-tokens", "9", typed=typed)
    assert done.returncode == 0, done.stderr
    assert "asked as: how do i reset the xylophone?" in done.stderr
    assert done.stderr.count("first token after") == 2
    base, _, tuned = done.stdout.removesuffix("\n\n").partition("\n\ntuned:\n")
    assert base.removeprefix("base:\n") != tuned
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"xylophone" in path.read_bytes().lower()]
    assert not list(tmp_path.glob("resep-chat-*"))
    (tmp_path / "asked.txt").write_text(typed)
    limit = ("--set", "generation.max_new_tokens=9", "--format", "jsonl")
    told = _resep(tmp_path, "predict", str(run), "asked.txt", *_own(), *limit)
    assert json.loads(told.stdout)["output"] == tuned


@pytest.mark.slow
def test_ctrl_c_stops_an_answer_and_ctrl_d_ends(run: Path, tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        command = [sys.executable, str(ROOT / "runner.py"), "chat", str(run), *_own(), "--max-new-tokens", "1500"]
        os.execve(command[0], command, environment(tmp_path))
    screen = Screen(terminal)
    try:
        screen.until("> ")
        os.write(terminal, b"tell me a long story\n")
        screen.until("story\r\n")
        screen.until(" ")  # the answer has begun
        os.write(terminal, b"\x03")
        screen.until(", stopped")
        screen.until("> ")
        os.write(terminal, b"\x03")
        screen.until("(Ctrl-D ends)")
        screen.until("> ")
        os.write(terminal, b"\x04")
        _, status = os.waitpid(pid, 0)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert "Traceback" not in screen.text


@dataclass
class Screen:
    """What a terminal has shown; `seen` of it was looked at."""

    terminal: int
    text: str = ""
    seen: int = 0

    def until(self, sign: str, timeout_s: float = 120) -> None:
        """Wait until the sign stands in what was not looked at yet."""
        end = time.monotonic() + timeout_s
        while (at := self.text.find(sign, self.seen)) < 0:
            assert time.monotonic() < end, self.text
            if select.select([self.terminal], [], [], 0.2)[0]:
                self.text += os.read(self.terminal, 4096).decode("utf-8", "replace")
        self.seen = at + len(sign)

"""An arm that a server answers: many requests at once, nothing asked twice, and what is missing named."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from resep.endpoints import Endpoint
from resep.errors import ResepError
from resep.records import Example, Message, Sample, read_jsonl, write_jsonl
from resep.stages.generate.arms import SERVERS_OWN, Arm
from resep.stages.generate.server import answer_there, identity, request
from resep.stages.generate.shots import Choice
from resep.store import Task
from tests.endpoint_server import Body, Fault, Server, serving

GREEDY = {"do_sample": False, "max_new_tokens": 40, "repetition_penalty": 1.0, "stop": [], "batch_size": 64}
DRAWN = {**GREEDY, "do_sample": True, "temperature": 0.7, "top_p": 0.9, "top_k": 0}


def row(number: int) -> Example:
    return Example(f"r{number}", (Message("user", f"question {number}"), Message("assistant", "a")), "a", {"n": number})


def echo(body: Body) -> str:
    return f"to {body['messages'][-1]['content']}"


def arm_of(server: Server, **changes: Any) -> Arm:
    endpoint = Endpoint(server.url, "tiny", first_wait_s=0.001, patience_s=5.0, tries=2)
    return Arm("hosted", "endpoint", SERVERS_OWN, server=endpoint, **{"concurrency": 4, **changes})


def answered(folder: Path, arm: Arm, rows: int = 6, decoding: Any = GREEDY, shots: Any = None) -> list[Sample]:
    write_jsonl(folder / "test.jsonl", [row(number) for number in range(rows)])
    out = folder / "out"
    out.mkdir(exist_ok=True)
    inputs = {}
    if shots:
        (folder / "shots.json").write_text(json.dumps(shots))
        inputs = {"choose:hosted": folder}
    answer_there(Task("generate:hosted", {}, inputs, out), arm, folder / "test.jsonl", decoding, 42, events.append)
    return list(read_jsonl(out / "samples.jsonl", Sample))


events: list[Any] = []


def card(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "out" / "arm.json").read_text()))


def test_every_row_is_answered_in_order_with_what_the_server_says_of_it(tmp_path: Path) -> None:
    with serving(echo, delay_s=0.002) as server:
        samples = answered(tmp_path, arm_of(server), rows=20)
    assert [(s.id, s.output, s.finish_reason) for s in samples] == [
        (f"r{n}", f"to question {n}", "stop") for n in range(20)
    ]
    assert samples[3].metadata == {"n": 3}
    assert (samples[3].prompt_tokens, samples[3].output_tokens) == (2, 3)
    assert server.most_at_once > 1
    facts = card(tmp_path)
    assert facts["model"] == identity(arm_of(server).server or Endpoint("", ""))
    assert facts["template"] == "the server's own"
    assert facts["served_as"] == {"tiny-2026": 20}
    assert facts["decoding"] == {key: value for key, value in GREEDY.items() if key != "batch_size"}
    assert not (tmp_path / "out" / "answers.jsonl").exists()


def test_a_greedy_answer_is_asked_for_with_no_more_than_every_server_knows() -> None:
    body = request(row(1), GREEDY, 42).body("m")
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "question 1"}],
        "max_tokens": 40,
        "temperature": 0.0,
    }


def test_drawn_answers_have_a_seed_of_their_own_row_and_what_was_set_is_passed_on() -> None:
    one, other = (request(row(n), DRAWN, 42).options for n in (1, 2))
    assert {key: one[key] for key in ("temperature", "top_p")} == {"temperature": 0.7, "top_p": 0.9}
    assert "top_k" not in one
    assert one["seed"] != other["seed"]
    assert one["seed"] == request(row(1), DRAWN, 42).options["seed"] != request(row(1), DRAWN, 43).options["seed"]
    full = request(row(1), {**GREEDY, "stop": ["\n\n"], "repetition_penalty": 1.2}, 42).options
    assert (full["stop"], full["repetition_penalty"]) == (["\n\n"], 1.2)


def test_after_an_interruption_only_the_missing_rows_are_asked_for(tmp_path: Path) -> None:
    with serving(echo, dies_after=4) as server, pytest.raises(ResepError, match=r"hosted: .*4 answers are kept"):
        answered(tmp_path, arm_of(server, concurrency=1), rows=9)
    with serving(echo) as again:
        samples = answered(tmp_path, arm_of(again), rows=9)
    assert len(again.asked) == 5
    assert [sample.output for sample in samples] == [f"to question {n}" for n in range(9)]


def test_a_row_that_fails_for_good_is_an_error_that_keeps_the_others(tmp_path: Path) -> None:
    faults: Iterable[Fault | None] = [None, None, Fault(400, error={"code": "too_long"}), None]
    with serving(echo, faults=faults) as server:
        with pytest.raises(ResepError, match=r"1 of 6 test rows have no answer: .*too_long.*5 answers are kept"):
            answered(tmp_path, arm_of(server, concurrency=1))
        before = len(server.asked)
        assert len(answered(tmp_path, arm_of(server))) == 6
        assert len(server.asked) == before + 1


def test_passing_failures_are_tried_again(tmp_path: Path) -> None:
    with serving(echo, faults=[Fault(500), Fault(429, retry_after="0.01")]) as server:
        assert len(answered(tmp_path, arm_of(server, concurrency=1), rows=2)) == 2
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("length", "length"),
        ("max_tokens", "length"),
        ("eos", "stop"),
        ("content_filter", "content_filter"),
        (None, "unknown"),
    ],
)
def test_how_an_answer_ended_is_told_in_our_words(tmp_path: Path, said: str | None, reason: str) -> None:
    body = {"choices": [{"message": {"content": "x"}, "finish_reason": said}]}
    with serving(faults=[Fault(200, raw=json.dumps(body).encode())]) as server:
        (sample,) = answered(tmp_path, arm_of(server), rows=1)
    assert (sample.finish_reason, sample.output_tokens) == (reason, None)
    assert card(tmp_path)["finish_reasons"] == {reason: 1}
    assert card(tmp_path)["truncated"] == (reason == "length")


@pytest.mark.parametrize("content", ["", None, "\ud800 half", "a\0b", "<script>"])
def test_odd_answers_are_kept_as_answers(tmp_path: Path, content: str | None) -> None:
    body = {"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}
    with serving(faults=[Fault(200, raw=json.dumps(body).encode())]) as server:
        (sample,) = answered(tmp_path, arm_of(server), rows=1)
    assert sample.output == (content or "").replace("\ud800", "\ufffd")
    assert card(tmp_path)["empty"] == (not content)


def test_examples_are_earlier_turns_of_the_conversation_and_not_of_the_sample(tmp_path: Path) -> None:
    shots = {"rows": [{"id": "x", "turns": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}]}
    choice = Choice("hosted", 1, "drawn", None, 1)
    with serving(echo) as server:
        (sample,) = answered(tmp_path, arm_of(server, choice=choice), rows=1, shots={**shots, "of": None})
    assert [turn["content"] for turn in server.asked[0]["messages"]] == ["q", "a", "question 0"]
    assert [turn.content for turn in sample.prompt] == ["question 0"]
    assert card(tmp_path)["examples"] == {"count": 1, "choose": "drawn"}


def test_nothing_is_sent_to_a_server_that_was_not_agreed_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(echo) as server:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another person"))
        with pytest.raises(ResepError, match="only if you say so: --send-to"):
            answered(tmp_path, arm_of(server))
    assert not server.asked


def test_calls_of_tools_are_spelt_as_the_api_wants_and_rows_with_tools_are_refused() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": {"x": 1}}}
    turns = (Message("user", "q"), Message("assistant", "", [call], weight=0), Message("tool", "2", tool_call_id="1"))
    asked = Example("r", (*turns, Message("assistant", "a")), "a")
    messages = request(asked, GREEDY, 1).body("m")["messages"]
    assert messages[1]["tool_calls"][0]["function"]["arguments"] == '{"x": 1}'
    assert "weight" not in messages[1]
    with pytest.raises(ResepError, match="test row r has tools"):
        request(Example("r", row(1).messages, "a", {}, ({"type": "function"},)), GREEDY, 1)

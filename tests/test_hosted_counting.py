"""Tokens for a service: exact where tiktoken's tables are here, an estimate that is called one where they are not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.hosted.counting import _TABLES, ESTIMATE, Counting, counting_for, encoding_here, estimated
from resep.paths import data_folder
from resep.records import Example, Message

MODEL = "gpt-4.1-mini-2025-04-14"


@pytest.fixture
def no_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    return tmp_path


def test_without_tiktokens_tables_nothing_is_fetched_and_tokens_are_estimated(no_tables: Path) -> None:
    counting = counting_for(MODEL)
    assert (counting.name, counting.is_exact) == (ESTIMATE, False)
    assert not list(no_tables.iterdir())


def test_a_damaged_table_is_not_used_because_it_would_be_fetched_anew(no_tables: Path) -> None:
    name = hashlib.sha1(_TABLES["o200k_base"][0].encode()).hexdigest()
    (no_tables / name).write_bytes(b"half of it")
    assert encoding_here(MODEL) is None


def test_a_cache_that_is_switched_off_has_no_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    assert encoding_here(MODEL) is None


def test_a_whole_table_is_used(no_tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"IQ== 0\n"
    monkeypatch.setitem(_TABLES, "o200k_base", ("https://x/y", hashlib.sha256(content).hexdigest()))
    (no_tables / hashlib.sha1(b"https://x/y").hexdigest()).write_bytes(content)
    assert encoding_here(MODEL) == "o200k_base"
    assert encoding_here(f"ft:{MODEL}:me::1") == "o200k_base"
    assert encoding_here("someone/elses-model") is None


def test_the_tables_are_those_that_tiktoken_itself_names() -> None:
    inspect = pytest.importorskip("inspect")
    public = pytest.importorskip("tiktoken_ext.openai_public", reason="tiktoken is not installed")
    for name, (address, sha256) in _TABLES.items():
        source = inspect.getsource(getattr(public, name))
        assert address in source
        assert sha256 in source


def test_a_conversation_has_a_few_tokens_more_than_its_texts() -> None:
    words = Counting("words", lambda text: len(text.split()))
    example = Example("r", (Message("user", "one two"), Message("assistant", "three", name="bot")), "three")
    assert words.of_conversation(example) == 3 + (3 + 1 + 2) + (3 + 1 + 1 + 1 + 1)
    assert words.of_answers(example) == 1


def test_answers_that_are_not_trained_on_are_not_counted_as_such_and_calls_and_tools_are() -> None:
    words = Counting("words", lambda text: len(text.split()))
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": {}}}
    turns = (Message("user", "q"), Message("assistant", "a b", weight=0), Message("assistant", "", [call]))
    plain, tooled = Example("r", turns, ""), Example("r", turns, "", {}, [call])
    assert words.of_answers(plain) == len(json.dumps([call]).split())
    assert words.of_conversation(tooled) - words.of_conversation(plain) == len(json.dumps([call]).split())


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("open", 1), ("settings", 2), ("1234567", 3), ("a, b...", 4), ("a\n\nb", 3), ("日本語", 2), ("   ", 0)],
)
def test_the_rule_is_what_it_says(text: str, tokens: int) -> None:
    assert estimated(text) == tokens


def test_the_rule_is_near_the_tokenizer_on_the_quickstarts_rows() -> None:
    if encoding_here(MODEL) is None:
        pytest.skip("tiktoken's table o200k_base is not in its cache on this machine")
    lines = (data_folder("recipes") / "data" / "quickstart.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [text for line in lines for text in [json.loads(line)["prompt"], *json.loads(line)["response"]]]
    exact = counting_for(MODEL)
    ratio = sum(map(estimated, texts)) / sum(map(exact.of_text, texts))
    assert 0.8 < ratio < 1.2


@given(st.text(), st.text())
def test_a_longer_text_is_never_estimated_to_be_shorter(first: str, second: str) -> None:
    assert estimated(f"{first} {second}") >= max(estimated(first), estimated(second))
    assert estimated(first) <= len(first.encode("utf-8", "replace"))

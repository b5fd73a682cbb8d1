"""The step `split_steps`: which texts are steps, where each begins, and that no word is lost."""

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep import Row, plugins
from resep.errors import ResepError
from resep.records import Origin

plugin = plugins.open_plugin(plugins.find("preprocessing", "split_steps"))


def rows_of(*responses: Any, **options: Any) -> list[Row]:
    rows = [Row(str(i), {"prompt": "How?", "response": r}, Origin("a.jsonl", i)) for i, r in enumerate(responses, 1)]
    return list(plugin.process_rows(rows, **options))


def split(text: str, **options: Any) -> Any:
    return rows_of(text, **options)[0].fields["response"]


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("1. Open it\n2. Close it", ["Open it", "Close it"]),
        ("- Open it\n- Close it", ["Open it", "Close it"]),
        ("1) Open it 2) Close it", ["Open it", "Close it"]),
        ('["Open it", "Close it"]', ["Open it", "Close it"]),
        ("First, open it. Then close it. Finally leave.", ["Open it.", "Close it.", "Leave."]),
        ("First open it. Next, tap Save. After that, wait.", ["Open it.", "Tap Save.", "Wait."]),
        (
            "Pertama, buka aplikasi. Lalu ketuk Simpan. Kemudian tutup. Setelah itu tunggu. Terakhir, hubungi kami.",
            ["Buka aplikasi.", "Ketuk Simpan.", "Tutup.", "Tunggu.", "Hubungi kami."],
        ),
        ("Open the app, then tap Save, and finally close it.", ["Open the app", "Tap Save", "Close it."]),
        (
            "Open settings (e.g. Wi-Fi). It may take long. Tap Save.",
            ["Open settings (e.g. Wi-Fi). It may take long.", "Tap Save."],
        ),
        ("open the app. tap save.", ["open the app.", "tap save."]),
        ("Open the\napp. Tap Save.", ["Open the app.", "Tap Save."]),
        ("Please open the app\nTap Save", ["Please open the app", "Tap Save"]),
    ],
)
def test_a_text_of_steps_becomes_the_list_of_them(text: str, steps: list[str]) -> None:
    assert split(text) == steps


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The cat is nice. It sleeps.",
        "If it fails, then restart.",
        "Open the app.",
        "There are reasons. First, turtles need care. Finally, turtles carry bacteria.",
        "First class seats sell out. Next week is full.",
        "1. Open it\n```\nmake all\n```\n2. Close it",
    ],
)
def test_another_text_stays_as_it_was(text: str) -> None:
    assert split(text) == text


def test_text_around_a_list_joins_its_first_and_last_step() -> None:
    text = "To reset:\n\n1. Open\n\nIt is red.\n\n2. Close\n\nThat is all."
    assert split(text) == ["To reset: Open It is red.", "Close That is all."]


def test_a_document_that_also_holds_a_list_stays() -> None:
    text = "The project is about music. " * 8 + "\n\n- a poster\n- a talk"
    assert split(text) == text
    assert split(text, around="drop") == text


def test_text_around_a_list_can_be_dropped() -> None:
    text = "Sure!\n\n1. Open\n2. Close\n\nThat is all."
    assert split(text, around="drop") == ["Open", "Close"]


def test_a_list_and_a_conversation_stay() -> None:
    conversation = Row("c", {"messages": [{"role": "assistant", "content": "1. Open\n2. Close"}]}, Origin("a", 1))
    assert list(plugin.process_rows([conversation], otherwise="drop")) == [conversation]
    assert rows_of(["Open. Close."], otherwise="drop")[0].fields["response"] == ["Open. Close."]


def test_a_row_with_too_few_steps_is_dropped_with_its_reason() -> None:
    kept, dropped = rows_of("1. Open\n2. Close\n3. Leave", "1. Open\n2. Close", minimum=3, otherwise="drop")
    assert (kept.dropped, dropped.dropped) == (None, "response has 2 steps, fewer than 3")


def test_another_field_can_be_split() -> None:
    row = Row("1", {"prompt": "p", "how": "1. Open\n2. Close"}, Origin("a", 1))
    assert next(plugin.process_rows([row], field="how")).fields["how"] == ["Open", "Close"]


def test_a_minimum_below_one_is_refused() -> None:
    with pytest.raises(ResepError, match="minimum is 0"):
        rows_of("1. Open", minimum=0)


MARKS = ["1. ", "2) ", "- ", "\n", "\n\n", "  ", "Step 1: ", "**", "`", "?! ", "\t- x", "```", '["a", "b"]', "e.g. "]
SAID = [
    "First, ",
    "then ",
    ", then ",
    "Finally ",
    "Lalu ",
    "; lalu ",
    "and ",
    "If it fails, ",
    "Open it. ",
    "tap Save",
    "It is red. ",
]
PIECES = st.sampled_from(MARKS + SAID)
TEXTS = st.lists(PIECES, max_size=14).map("".join) | st.text()
MARKERS = {"step", "langkah", "first", "then", "and", "finally", "lalu", "dan"}


def words(text: str) -> list[str]:
    return [word for word in re.findall(r"[^\W\d_]+", text.casefold()) if word not in MARKERS]


@given(TEXTS)
def test_no_word_is_lost_and_their_order_stays(text: str) -> None:
    result = split(text)
    assert words(result if isinstance(result, str) else " ".join(result)) == words(text)


@pytest.mark.parametrize("piece", [" ", "\n", " \n", "a. ", "then ", "; ", "1. a\n", "Open it. "])
def test_no_text_takes_long(piece: str) -> None:
    began = time.process_time()
    split(piece * 5000)
    assert time.process_time() - began < 1


@given(st.lists(TEXTS, max_size=4), st.sampled_from(["keep", "drop"]))
def test_every_row_comes_back_in_its_order(texts: list[str], otherwise: str) -> None:
    rows = rows_of(*texts, otherwise=otherwise)
    assert [row.origin.line for row in rows] == list(range(1, len(texts) + 1))
    assert all(row.dropped or row.fields["response"] in texts or len(row.fields["response"]) >= 2 for row in rows)

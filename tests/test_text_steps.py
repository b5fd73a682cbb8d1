"""The other shipped text steps, and text steps as one pipeline."""

import unicodedata
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep import Row, plugins
from resep.errors import ResepError
from resep.recipe import DEFAULT_FIELDS, StepSpec
from resep.records import Origin
from resep.stages.prepare.text import text_pipeline


def spec(name: str, options: Mapping[str, Any] | None = None, fields: tuple[str, ...] = DEFAULT_FIELDS) -> StepSpec:
    return StepSpec(name, options or {}, fields)


def step(name: str) -> Any:
    return plugins.open_plugin(plugins.find("preprocessing", name))


def strip(text: str, **options: str) -> str:
    return str(step("strip_punctuation").transform_text(text, **options))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Open “Settings” > Wi-Fi!", "Open Settings Wi Fi"),
        ("  a ,\n\n- b  c ", "a\n\nb c"),
        ("हिन्दी।", "हिन्दी"),
        ("100 € + 5%", "100 5"),
        ("你好，世界！", "你好 世界"),  # noqa: RUF001
        ("x² ½ ʼn", "x² ½ ʼn"),  # noqa: RUF001 - a letter (Lm), not an apostrophe
        ("snake_case", "snake case"),
    ],
)
def test_punctuation_and_symbols_go_and_spaces_collapse_within_lines(text: str, expected: str) -> None:
    assert strip(text) == unicodedata.normalize("NFC", expected)


def test_kept_marks_stay_and_the_replacement_can_be_nothing() -> None:
    assert strip("don't re-do it!", keep="'-") == "don't re-do it"
    assert strip("e.g. Wi-Fi", replace_with="") == "eg WiFi"


@given(st.text())
def test_combining_marks_survive(text: str) -> None:
    def marks(value: str) -> list[str]:
        return [c for c in unicodedata.normalize("NFC", value) if unicodedata.category(c)[0] == "M"]

    assert marks(strip(text)) == marks(text)


@given(st.text())
def test_stripping_twice_is_stripping_once(text: str) -> None:
    once = strip(text)
    assert strip(once) == once
    assert not [c for c in once if unicodedata.category(c)[0] in "PS"]


NAMES = st.from_regex(r"\A[A-Z][A-Z0-9_]{0,10}\Z").filter(
    lambda name: not name.startswith(("INST", "TOOL", "IMG", "PRE"))
)


@given(st.lists(NAMES, max_size=4), st.text(alphabet="aB ,.!é\n", max_size=10))
def test_placeholders_survive_lowercase_and_strip_in_any_order(names: list[str], filler: str) -> None:
    text = "".join(f"{filler} [{name}] {{{{{name.title()} Nr.}}}}" for name in names)
    for order in (["lowercase", "strip_punctuation"], ["strip_punctuation", "lowercase"]):
        cleaned = text_pipeline([spec(name) for name in order], "prompt")(text)
        for name in names:
            assert f"[{name}]" in cleaned
            assert f"{{{{{name.title()} Nr.}}}}" in cleaned


def test_private_characters_of_the_text_are_not_taken_for_placeholders() -> None:
    assert text_pipeline([spec("lowercase")], "prompt")("A\ue05bB") == "ab"


def test_a_step_touches_only_the_fields_it_names() -> None:
    steps = [spec("lowercase"), spec("strip_punctuation", fields=("prompt",))]
    assert text_pipeline(steps, "prompt")("Hi, You!") == "hi you"
    assert text_pipeline(steps, "response")("Hi, You!") == "hi, you!"


def test_a_control_token_in_a_text_is_no_placeholder() -> None:
    assert text_pipeline([spec("strip_punctuation")], "prompt")("a [INST] b [EMAIL]") == "a INST b [EMAIL]"


def test_a_wrong_option_names_the_step() -> None:
    with pytest.raises(ResepError, match=r"preprocessing\.placeholders: no detector 'mail'"):
        text_pipeline([spec("placeholders", {"detectors": ["mail"]})], "prompt")


def rows(*texts: tuple[str, Any]) -> list[Row]:
    return [Row(str(i), {"prompt": p, "response": r}, Origin("d.jsonl", i)) for i, (p, r) in enumerate(texts, 1)]


def dropped(given: list[Row], **options: str) -> list[str | None]:
    return [row.dropped for row in step("deduplicate").process_rows(given, **options)]


def test_a_duplicate_is_the_same_but_for_capitals_and_spaces() -> None:
    given = rows(("How?", ["Do  it", "now"]), ("how?", ["do it", "NOW"]), ("how?", ["do it"]))
    assert dropped(given) == [None, "duplicate of d.jsonl:1", None]
    assert dropped(given, by="prompt") == [None, "duplicate of d.jsonl:1", "duplicate of d.jsonl:1"]


def test_a_line_break_and_a_space_do_not_tell_two_answers_apart() -> None:
    assert dropped(rows(("q", "a\nb"), ("q", "a b"))) == [None, "duplicate of d.jsonl:1"]


def test_conversations_are_compared_as_a_whole_or_up_to_the_last_answer() -> None:
    def conversation(answer: str) -> Row:
        turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": answer}]
        return Row(answer, {"messages": turns}, Origin("d.jsonl", 1))

    given = [conversation("a"), conversation("b")]
    assert dropped(given) == [None, None]
    assert dropped(given, by="prompt") == [None, "duplicate of d.jsonl:1"]

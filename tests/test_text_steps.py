"""The other shipped text steps, and text steps as one pipeline."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from resep import hide, plugins, reveal
from resep.errors import ResepError
from resep.placeholders import scrub
from resep.recipe import DEFAULT_FIELDS, StepSpec
from resep.stages.prepare.text import protect, protect_all, text_pipeline


def spec(name: str, options: Mapping[str, Any] | None = None, fields: tuple[str, ...] = DEFAULT_FIELDS) -> StepSpec:
    return StepSpec(name, options or {}, fields)


def step(name: str) -> Any:
    return plugins.open_plugin(plugins.find("preprocessing", name))


def strip(text: str, **options: str) -> str:
    return str(step("strip_punctuation").make_transform(**options)(text))


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


@given(st.text(), st.sampled_from([" ", "", "-", "x", "ab", "é", "(x)"]), st.text(max_size=3))
def test_every_mark_is_replaced_once_whatever_replaces_it(text: str, new: str, keep: str) -> None:
    def replaced(character: str) -> str:
        return new if unicodedata.category(character)[0] in "PS" and character not in keep else character

    expected = "".join(map(replaced, unicodedata.normalize("NFC", text)))
    lines = [" ".join(line.split()) for line in expected.split("\n")]
    assert strip(text, replace_with=new, keep=keep) == "\n".join(lines)


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


@given(st.text(max_size=64).filter(str.strip), st.text(alphabet="aB ,.!é{}[]\n", max_size=10))
@example("Nama Pelanggan É", "x")
@example("客户姓名", "x")
@example("İ \u0307", "B")
def test_whatever_stands_in_double_braces_comes_through_as_it_is(inside: str, around: str) -> None:
    assume(re.fullmatch(r"[^{}\x00-\x1f\x7f-\x9f\u2028\u2029\ue000-\ue0ff]+", inside))
    clean = text_pipeline([spec("normalise_unicode"), spec("lowercase"), spec("strip_punctuation")], "prompt")
    cleaned = clean(f"{around.rstrip('{')} {{{{{inside}}}}} {around.lstrip('}')}")
    assert f"{{{{{inside}}}}}" in cleaned
    assert clean(cleaned) == cleaned


@given(st.text(max_size=40))
def test_what_is_hidden_is_revealed_to_the_letter(text: str) -> None:
    assert reveal(f"x{hide(text)}y") == f"x{text}y"
    assert scrub(hide(text)) == ""


def test_a_placeholder_that_a_step_cut_apart_is_still_a_text() -> None:
    assert reveal(hide("{{é}}")[:3]) == "{{\ufffd"


def test_a_placeholder_over_several_lines_is_none() -> None:
    assert text_pipeline([spec("lowercase")], "prompt")("{{A\nB}} {{}} {{A}}") == "{{a\nb}} {{}} {{A}}"


def test_private_characters_of_the_text_are_not_taken_for_placeholders() -> None:
    assert text_pipeline([spec("lowercase")], "prompt")("A\ue05bB\ue0ff") == "ab"


def test_a_step_touches_only_the_fields_it_names() -> None:
    steps = [spec("lowercase"), spec("strip_punctuation", fields=("prompt",))]
    assert text_pipeline(steps, "prompt")("Hi, You!") == "hi you"
    assert text_pipeline(steps, "response")("Hi, You!") == "hi, you!"


def test_a_control_token_in_a_text_is_no_placeholder() -> None:
    assert text_pipeline([spec("strip_punctuation")], "prompt")("a [INST] b [EMAIL]") == "a INST b [EMAIL]"


def test_a_wrong_option_names_the_step() -> None:
    with pytest.raises(ResepError, match=r"preprocessing\.placeholders: no detector 'mail'"):
        text_pipeline([spec("placeholders", {"detectors": ["mail"]})], "prompt")


PIECES = st.sampled_from(
    [
        *(
            "A",
            " b",
            "\u0301",
            "\u00a0",
            "\n",
            "\x01",
            "\x1f",
            "\u3000",
            "\u201cHi\u201d",
            "\u2026",
            "\ud83d",
            "INV-123456",
        ),
        *("a@b.co", " call 0812-3456-7890", "4111 1111 1111 1111", "10.0.0.1", "www.a.io/x", "Budi", "\ue05b", "."),
    ]
)
LISTS = st.lists(st.lists(PIECES, max_size=5).map("".join), max_size=6)
OPTIONS: Mapping[str, list[dict[str, Any]]] = {
    "lowercase": [{}],
    "strip_punctuation": [{}, {"replace_with": ""}, {"replace_with": "\x01"}, {"replace_with": "ab", "keep": "."}],
    "placeholders": [{}, {"patterns": {"ORDER": "INV-[0-9]{6}"}, "words": {"NAME": ["budi"]}, "detectors": ["phone"]}],
}
SHIPPED = [name for name in plugins.names("preprocessing") if hasattr(step(name), "make_transforms")]


def test_every_step_that_takes_many_texts_is_tried() -> None:
    assert {*SHIPPED} == {*OPTIONS}


@pytest.mark.parametrize(("name", "options"), [(name, each) for name, all_of in OPTIONS.items() for each in all_of])
@given(texts=LISTS)
@example(texts=[chr(0x2190 + at) + "x" for at in range(60)])
@example(texts=["a", "", " ", "b \n c"])
@example(texts=["\u039f\u03a3", "\u03a3", "a"])
def test_many_texts_come_out_as_each_would_alone(name: str, options: dict[str, Any], texts: list[str]) -> None:
    module = step(name)
    alone = module.make_transform(**options) if hasattr(module, "make_transform") else module.transform_text
    assert step(name).make_transforms(**options)(texts) == [alone(text) for text in texts]


@given(LISTS)
@example(["[EMAIL]", "a"])
@example(["{", "{A}}"])
def test_many_texts_are_protected_as_each_would_be(texts: list[str]) -> None:
    assert protect_all(texts) == list(map(protect, texts))

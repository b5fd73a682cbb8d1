"""The small steps: normalise_unicode, strip_html, replace, filter_length and filter_expression."""

import html.entities
import re
import time
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep import Row, hide, plugins
from resep.errors import RecipeError, ResepError
from resep.placeholders import is_hidden, scrub
from resep.recipe import DEFAULT_FIELDS, StepSpec, load
from resep.records import Origin
from resep.stages.prepare.text import text_pipeline
from tests.preparing import SOURCE, ledger, prepared, recipe, statistics, write_rows
from tests.recipe_texts import write_recipe

TALK = [
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi"},
    {"role": "user", "content": "Bye now"},
    {"role": "assistant", "content": "See you"},
]


def step(name: str) -> Any:
    return plugins.open_plugin(plugins.find("preprocessing", name))


def spec(name: str, **options: Any) -> StepSpec:
    return StepSpec(name, options, DEFAULT_FIELDS)


def clean(name: str, text: str, **options: Any) -> str:
    """The text as the runner cleans it: placeholders hidden from the step."""
    return text_pipeline([spec(name, **options)], "prompt")(text)


def row(prompt: str = "Ask", response: Any = "Answer", **more: Any) -> Row:
    return Row("r1", {"prompt": prompt, "response": response, **more}, Origin("rows.jsonl", 3))


def talk(**more: Any) -> Row:
    return Row("r2", {"messages": TALK, **more}, Origin("rows.jsonl", 4))


def length_reason(judged: Row, **options: Any) -> str | None:
    reason: str | None = step("filter_length").check_row(judged, **options)
    return reason


def keeps(keep: str, judged: Row | None = None) -> bool:
    return step("filter_expression").check_row(judged or row(), keep=keep) is None


# normalise_unicode


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("e\u0301", {}, "é"),
        ("ﬁ①", {}, "ﬁ①"),
        ("ﬁ①Ａ", {"form": "NFKC"}, "fi1A"),
        ("pass\u200bword\ufeff\u00ad", {}, "password"),
        ("e\u200b\u0301", {}, "é"),
        ("pass\u200bword", {"strip_invisible": False}, "pass\u200bword"),
        ("a\u00a0b\u3000c\u2028d", {}, "a b c\nd"),
        ("a\u00a0b", {"plain_spaces": False}, "a\u00a0b"),
        ("“it’s”", {}, "“it’s”"),  # noqa: RUF001
        ("“it’s”", {"plain_quotes": True}, '"it\'s"'),  # noqa: RUF001
    ],
)
def test_characters_are_written_in_one_way(text: str, options: Mapping[str, Any], expected: str) -> None:
    assert clean("normalise_unicode", text, **options) == expected


@pytest.mark.parametrize("text", ["👩\u200d🔧", "می\u200cخواهم", "क्\u200dष", "\u0600"])  # noqa: RUF001
def test_characters_that_only_look_empty_but_say_something_stay(text: str) -> None:
    assert clean("normalise_unicode", text) == text


@pytest.mark.parametrize("sign", ["\u200b", "\u200e", "\u202e", "\u2066", "\U000e0041"])
def test_hidden_text_and_marks_of_direction_are_taken_out(sign: str) -> None:
    assert clean("normalise_unicode", f"a{sign}b") == "ab"


UNICODE_OPTIONS = st.fixed_dictionaries(
    {
        "form": st.sampled_from(["NFC", "NFKC"]),
        "strip_invisible": st.booleans(),
        "plain_spaces": st.booleans(),
        "plain_quotes": st.booleans(),
    }
)


@given(st.text(), UNICODE_OPTIONS)
def test_normalising_twice_is_normalising_once(text: str, options: Mapping[str, Any]) -> None:
    once = step("normalise_unicode").transform_text(text, **options)
    assert step("normalise_unicode").transform_text(once, **options) == once
    assert unicodedata.is_normalized(options["form"], once)


@pytest.mark.parametrize("options", [{}, {"form": "NFKC"}, {"form": "NFKC", "plain_quotes": True}])
def test_normalising_settles_every_single_character(options: Mapping[str, Any]) -> None:
    transform = step("normalise_unicode").transform_text
    every = [chr(code) for code in range(0x30000)] + [chr(code) for code in range(0xE0000, 0xE0200)]
    once = [transform(character, **options) for character in every]
    assert [transform(text, **options) for text in once] == once


# strip_html


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<b>Open</b> the <i>lid</i>", "Open the lid"),
        ("Fish &amp; chips &lt;3 &#8364;5&nbsp;each", "Fish & chips <3 €5 each"),
        ("<script>var a = '<b>';</script>Seen<style>p {}</style>", "Seen"),
        ("<ul>\n  <li>Open</li>\n  <li>Close</li>\n</ul>", "Open\nClose"),
        ("<p>One</p><p>Two<br/>Three</p>", "One\nTwo\nThree"),
        ("One<br><br>Two", "One\n\nTwo"),
        ("<tr><td>a</td><td>b</td></tr>", "a b"),
        ("a<!-- hidden -->b<!DOCTYPE html>c", "abc"),
        ("<![if !mso]>Hi<![endif]>", "Hi"),
        ("<![CDATA[x]]>Hi", "Hi"),
        ('<a href="x>y">link</a>', "link"),
        ("if a < b & c", "if a < b & c"),
        ("a <script>never closed", "a"),
        ("  no  tags\n\n\n\nhere ", "  no  tags\n\n\n\nhere "),
    ],
)
def test_what_a_reader_of_the_page_sees_is_kept(text: str, expected: str) -> None:
    assert clean("strip_html", text) == expected


MARKUP = st.lists(
    st.sampled_from(
        ["<", "</", ">", "<!", "<![", "<!--", "-->", "]]>", "<?", "&", "&#", "x", ";", "b", "script", "\n", "'", '"']
    )
).map("".join)


@given(st.one_of(st.text(), MARKUP))
def test_no_page_is_too_broken(text: str) -> None:
    assert "\n\n\n" not in clean("strip_html", text + "<p>")


@pytest.mark.parametrize("entity", ["&#xE05B;", "&#57435;", "&#x0000E05B", "&#XE05b;", "&#&#xE05B;xE05B;"])
def test_no_entity_forges_a_hidden_placeholder(entity: str) -> None:
    assert "[" not in clean("strip_html", f"<b>{entity}</b>")


def test_no_named_entity_is_a_hidden_placeholder() -> None:
    assert not [name for name, text in html.entities.html5.items() if scrub(text) != text]


def test_an_entity_of_ten_thousand_digits_is_one_unknown_character() -> None:
    assert clean("strip_html", f"a&#{'9' * 10_000};b") == "a\ufffdb"


@pytest.mark.parametrize("part", ["<", "<a ", "<!--", "<![", "&#", "&", "<script>", "</", "<a href='"])
@pytest.mark.parametrize("end", ["", ">"])
def test_a_hostile_page_takes_no_time(part: str, end: str) -> None:
    began = time.process_time()
    clean("strip_html", part * 20_000 + end)
    assert time.process_time() - began < 5


# replace


def test_every_find_is_replaced_by_the_text_to_the_letter() -> None:
    assert clean("replace", "a1b22", pattern="[0-9]+", by=r"\1é") == r"a\1éb\1é"
    assert clean("replace", "a1b22", pattern="[0-9]+") == "ab"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("", "say what to replace"), ("(a+)+", "itself repeats"), ("a*", "nothing at all"), ("(", "does not compile")],
)
def test_a_pattern_that_cannot_run_is_told_before_any_row(pattern: str, message: str) -> None:
    with pytest.raises(ResepError, match=message) as told:
        clean("replace", "a", pattern=pattern)
    assert "preprocessing.replace: pattern: " in str(told.value)


def test_a_pattern_that_matches_everything_leaves_placeholders_alone() -> None:
    assert clean("replace", "Ask [NAME]!", pattern=".", by="x") == "xxxx[NAME]x"


def test_a_replacement_forges_no_placeholder() -> None:
    assert clean("replace", "a", pattern="a", by=hide("[NAME]") + "b") == "b"


@given(st.text(), st.text(alphabet="xyz", max_size=3))
def test_replacing_by_what_is_not_found_again_is_done_at_once(text: str, by: str) -> None:
    once = clean("replace", text, pattern="[a-f0-9]+", by=by)
    assert by == "" or clean("replace", once, pattern="[a-f0-9]+", by=by) == once
    assert not re.search("[a-f0-9]", once)


# all text steps


@pytest.mark.parametrize(
    "steps",
    [
        [spec("normalise_unicode", form="NFKC", plain_quotes=True)],
        [spec("strip_html")],
        [spec("replace", pattern="[A-Z]+")],
        [spec("strip_html"), spec("normalise_unicode"), spec("replace", pattern=".", by="-"), spec("lowercase")],
    ],
)
@given(st.text(alphabet="aB ,.é&;#\n\u0301", max_size=10))
def test_placeholders_survive(steps: list[StepSpec], filler: str) -> None:
    cleaned = text_pipeline(steps, "prompt")(f"{filler}<p>[E_MAIL]</p>{filler}{{{{Order Nr.}}}}{filler}")
    assert "[E_MAIL]" in cleaned
    assert "{{Order Nr.}}" in cleaned


@pytest.mark.parametrize("name", ["normalise_unicode", "strip_html"])
@given(st.text())
def test_no_text_is_refused_and_no_placeholder_appears(name: str, text: str) -> None:
    cleaned = step(name).transform_text(scrub(text))
    assert not any(map(is_hidden, cleaned))


# filter_length


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, None),
        ({"minimum": 4}, "prompt has 3 characters, fewer than 4"),
        ({"maximum": 5}, "response has 6 characters, more than 5"),
        ({"maximum": 6}, None),
        ({"minimum": 2, "unit": "words"}, "prompt has 1 word, fewer than 2"),
        ({"minimum": 4, "of": ["response"]}, None),
    ],
)
def test_the_reason_says_which_text_and_how_long(options: Mapping[str, Any], reason: str | None) -> None:
    assert length_reason(row(), **options) == reason


def test_steps_are_measured_together() -> None:
    assert length_reason(row(response=["a b", "c"]), maximum=2, unit="words") == "response has 3 words, more than 2"


def test_of_a_conversation_the_last_answer_is_the_response() -> None:
    assert length_reason(talk(), minimum=3, unit="words") == "response has 2 words, fewer than 3"
    assert length_reason(talk(), maximum=3, unit="words") == "prompt has 4 words, more than 3"


def test_limits_that_no_text_keeps_are_told() -> None:
    with pytest.raises(ResepError, match="no text has 9 words or more and 3 or fewer"):
        length_reason(row(), minimum=9, maximum=3, unit="words")


# filter_expression


@pytest.mark.parametrize(
    ("keep", "is_kept"),
    [
        ('category != "spam" and length(prompt) > 2', True),
        ('category == "spam" or not contains(prompt, "Ask")', False),
        ('category in ["ham", "egg"]', True),
        ('category not in ("ham", "egg")', False),
        ('lower(prompt) == "ask"', True),
        ("1 < length(prompt) <= 3", True),
        ("3 < length(prompt) <= 9", False),
        ("stars > -1 and stars == 4.0", True),
        ("good", True),
        ("good == false", False),
        ("note == null", True),
        ('"nsw" in response', True),
        ("note != null and note > 3", False),
    ],
)
def test_rows_of_which_the_expression_is_true_are_kept(keep: str, is_kept: bool) -> None:
    assert keeps(keep, row(category="ham", stars=4, good=True, note=None)) == is_kept


def test_the_reason_is_the_expression_and_never_the_text() -> None:
    reason = step("filter_expression").check_row(row("secret"), keep='prompt == "a"')
    assert reason == 'not: prompt == "a"'


def test_a_conversation_has_a_prompt_and_a_response_too() -> None:
    assert keeps('contains(prompt, "Bye") and response == "See you"', talk())
    assert not keeps('contains(prompt, "See you")', talk())


def test_steps_are_a_text_with_one_step_per_line() -> None:
    assert keeps('response == "a\\nb"', row(response=["a", "b"]))


@pytest.mark.parametrize(
    "keep",
    [
        "prompt.__class__ == 1",
        "().__class__.__bases__ == 1",
        '__import__("os") == 1',
        '__import__("os").system("true") == 1',
        "prompt() == 1",
        "length(*prompt) == 1",
        "length(obj=prompt) == 1",
        "9**9**9**9 > 1",
        '"a" * 999999999 == 1',
        "length(prompt) + 1 > 2",
        "prompt[0] == 1",
        "[p for p in prompt] == []",
        "(lambda: 1)() == 1",
        '(x := "a") == "a"',
        'f"{prompt}" == "a"',
        "{prompt: 1} == 1",
        "b'a' == 1",
        "1j == 1",
        "... == 1",
        "prompt is null",
        "1 if prompt else 2",
        'false and prompt.format == "x"',
    ],
)
def test_what_is_not_in_the_language_is_refused_wherever_it_stands(keep: str) -> None:
    with pytest.raises(ResepError, match=r"preprocessing\.filter_expression\.keep: ('|there is no|this is no)"):
        keeps(keep)


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        ("", "write an expression"),
        ("x" * 501, "up to 500 characters"),
        ("prompt ==", "this is no expression: invalid syntax"),
        ("prompt = 1", "this is no expression"),
        ("(" * 300, "this is no expression"),
        (r'prompt == "\d"', "invalid escape"),
        ("prompt == 'a\0'", "null bytes"),
        ("lenght(prompt) > 1", "there is no lenght.*did you mean 'length'"),
        ("contains(prompt)", "takes 2 values, not 1"),
        ('category == "a" or "b"', "'b' alone is neither true nor false"),
        ("prompt", "prompt is neither true nor false"),
        ('categry == "a"', "rows.jsonl:3 has no field 'categry'; did you mean 'category'"),
        ('true or zzz == "a"', "no field 'zzz'; fields are"),
        ("category > 3", "'>' not supported between.*CSV"),
        ("length(stars) > 3", "has no len"),
        ("lower(stars) == 'a'", "rows.jsonl:3.*'lower'"),
    ],
)
def test_mistakes_are_told_with_what_to_do(keep: str, message: str) -> None:
    with pytest.raises(ResepError, match=message):
        keeps(keep, row(category="ham", stars=4))


@given(st.one_of(st.text(max_size=80), st.text(alphabet="ab.()[]'\"=<> not,*-1", max_size=40)))
def test_no_expression_does_anything_but_judge_or_be_refused(keep: str) -> None:
    try:
        outcome = "judged" if isinstance(keeps(keep, row(a=1, b="b")), bool) else "neither"
    except ResepError as error:
        outcome = str(error)
    assert outcome == "judged" or "preprocessing.filter_expression.keep" in outcome


@pytest.mark.parametrize("keep", ["not " * 120 + "true", "-" * 400 + "1 == 1", "lower(" * 60 + "prompt" + ")" * 60])
def test_deep_expressions_are_refused(keep: str) -> None:
    with pytest.raises(ResepError, match="more than 40 parts stand within one another"):
        keeps(keep)


@given(st.text(max_size=20), st.text(max_size=5))
def test_contains_is_in(prompt: str, part: str) -> None:
    assert keeps(f"contains(prompt, {part!r})", row(prompt)) == (part in prompt)


def test_the_filters_run_in_the_runner_and_their_reasons_reach_the_ledger(tmp_path: Path) -> None:
    rows = [{"prompt": f"Tell me {n}", "response": "Yes.", "category": "ham"} for n in range(60)]
    rows[5]["prompt"], rows[7]["category"] = "Ask", "spam"
    write_rows(tmp_path, rows)
    steps = "preprocessing: [{filter_length: {minimum: 4}}, {filter_expression: {keep: 'category != \"spam\"'}}]\n"
    out = prepared(recipe(tmp_path, SOURCE + steps), tmp_path)
    dropped = {entry["line"]: (entry["step"], entry["reason"]) for entry in ledger(out) if entry["reason"]}
    assert dropped == {
        6: ("filter_length", "prompt has 3 characters, fewer than 4"),
        8: ("filter_expression", 'not: category != "spam"'),
    }
    counts = [(step["rows_in"], step["rows_out"]) for step in statistics(out)["steps"]]
    assert counts == [(60, 59), (59, 58)]


@pytest.mark.parametrize(
    ("override", "where", "message"),
    [
        ("{replace: {pattern: '(a+)+'}}", "preprocessing[0].replace.pattern", "itself repeats"),
        ("{filter_expression: {keep: 'prompt.x == 1'}}", "preprocessing[0].filter_expression.keep", "cannot be said"),
    ],
)
def test_checking_the_recipe_tells_already(tmp_path: Path, override: str, where: str, message: str) -> None:
    with pytest.raises(RecipeError) as told:
        load(write_recipe(tmp_path), [f"preprocessing=[{override}]"])
    (problem,) = told.value.problems
    assert problem.where == where
    assert message in problem.message


@pytest.mark.parametrize(
    "step_text",
    [
        "normalise_unicode: {form: NFKC}",
        "strip_html",
        "replace: {pattern: '[0-9]+', by: '#'}",
        "filter_length: {maximum: 9, unit: words, of: [prompt]}",
        "filter_expression: {keep: 'length(prompt) > 3'}",
    ],
)
def test_a_recipe_can_name_each_of_them(tmp_path: Path, step_text: str) -> None:
    written = f"{{{step_text}}}" if ":" in step_text else step_text
    loaded = load(write_recipe(tmp_path), [f"preprocessing=[{written}]"])
    assert [each.name for each in loaded.steps] == [step_text.partition(":")[0]]

"""Regular expressions from a recipe: which are compiled, which could run away, and that both engines agree."""

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from resep import plugins
from resep.patterns import Engine, best_engine, compile_safe, compile_search, count_groups, require_bounded

ENGINES: tuple[Engine, ...] = ("re", "re2")
make_transform = plugins.open_plugin(plugins.find("preprocessing", "placeholders")).make_transform


@pytest.mark.parametrize(
    "pattern", ["(a|aa)+$", "(x+x+)+y", "[0-9]*", "(?=a)b", r"(a)\1", "a" * 501, "a+b+c+d+e", "((a{1,9})){1,9}"]
)
def test_a_pattern_that_could_run_away_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        compile_safe(pattern)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("a{1,2000}", "more than 1000 times"),
        ("(?:a{30}){40}", "more than 1000 times"),
        ("(?>a)b", "looks ahead, behind or back"),
        ("a++b", "looks ahead, behind or back"),
        ("[[:alpha:]]x", "does not compile"),
        ("[a&&b]", "does not compile"),
        ("(?L)a", "does not compile"),
        ("a\ud800", "does not compile"),
        ("(" * 400, "does not compile"),
    ],
)
def test_what_engines_read_differently_is_refused(pattern: str, words: str) -> None:
    for engine in ENGINES:
        with pytest.raises(ValueError, match=re.escape(words)):
            compile_safe(pattern, engine)


@pytest.mark.parametrize(
    "pattern", ["INV-[0-9]{6}", r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}", "(?:cat|dog)-[0-9]+", r"\b[A-Z]{2}[0-9]+\b"]
)
def test_an_ordinary_pattern_is_accepted(pattern: str) -> None:
    assert compile_safe(pattern).pattern == pattern


@pytest.mark.parametrize(
    ("pattern", "text", "spans"),
    [
        (r"\w+", "é1_a", [(1, 4)]),  # ASCII, in both
        (r"\S+", "a\x0bb", [(0, 1), (2, 3)]),  # a vertical tab is white space to one engine only
        (r"a{,3}b", "aab b", [(0, 3), (4, 5)]),  # RE2 would read the braces as text
        ("a$", "a\n", []),  # Python's $ also stands before a last line end
        ("(?m)a$", "a\na", [(0, 1), (2, 3)]),
        ("(?i)k", "kK\u212a", [(0, 1), (1, 2)]),  # the Kelvin sign is a k to some
        ("(?i:[a-c])x", "Bx bX", [(0, 2)]),
        ("[^a]", "a\nb", [(1, 2), (2, 3)]),
        ("a.b", "a\nb a b", [(4, 7)]),
        ("(?s)a.b", "a\nb", [(0, 3)]),
        (r"\u00e9\+", "ré+", [(1, 3)]),
        ("a|ab", "ab", [(0, 1)]),
        ("a+?b", "aab", [(0, 3)]),
        ("x", "\ud800x", [(1, 2)]),
    ],
)
def test_a_pattern_means_the_same_to_both_engines(pattern: str, text: str, spans: list[tuple[int, int]]) -> None:
    for engine in ENGINES:
        assert list(compile_safe(pattern, engine).spans(text)) == spans


PARTS = [*"abk1 -.é_\n", r"\d", r"\w", r"\s", r"\S", r"\W", r"\D", ".", "[a-k]", "[^a1]", "[é-ü]", "(?:b|1)"]
ENDS = ["", "", "", "", "{2}", "{0,2}", "{1,3}", "?", "+", "{2,}?", "??"]
PIECES = st.one_of(
    st.tuples(st.sampled_from(PARTS), st.sampled_from(ENDS)).map("".join), st.sampled_from([r"\b", r"\B", "^", "$"])
)
BRANCHES = st.lists(PIECES, max_size=3).map(lambda pieces: "".join([*pieces[:1], "a", *pieces[1:]]))
PATTERNS = st.tuples(
    st.sampled_from(["", "", "(?i)", "(?s)", "(?m)", "(?im)"]), st.lists(BRANCHES, min_size=1, max_size=2).map("|".join)
).map("".join)


@given(PATTERNS, st.text(alphabet="abkK1 -.é\u212a_\n\x0b\u00a0[]", max_size=30))
def test_every_pattern_that_is_accepted_finds_the_same_with_both_engines(pattern: str, text: str) -> None:
    try:
        found = [list(compile_safe(pattern, engine).spans(text)) for engine in ENGINES]
    except ValueError:
        assume(False)
    assert found[0] == found[1]


@given(st.text(alphabet="ab1 @.-+62\ue000", max_size=40))
def test_placeholders_do_not_depend_on_the_engine(text: str) -> None:
    own = {"ORDER": "a-[0-9]{1,4}", "WORD": r"\b[a-b]{2,}\b", "ANY": "(?i)B.1"}
    results = []
    for engine in ENGINES:
        best_engine.cache_clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("resep.patterns.best_engine", lambda engine=engine: engine)
            results.append(make_transform(patterns=own)(text))
    assert results[0] == results[1]


@pytest.mark.parametrize("pattern", ["[a-z]+[a-z]+[a-z]+1", r"\s+$", "(?:[a-z0-9]{1,20}\\.){1,20}@x+"])
def test_a_long_text_takes_no_long_time(pattern: str) -> None:
    compiled = compile_safe(pattern, "re2")
    started = time.process_time()
    for text in ("a" * 200_000, " " * 200_000, "a." * 100_000):
        list(compiled.spans(text))
    assert time.process_time() - started < 5  # milliseconds; an engine that goes back takes hours


def test_without_the_linear_engine_a_pattern_that_needs_it_says_so() -> None:
    with pytest.raises(ValueError, match="pip install google-re2"):
        compile_safe("[a-z]+[a-z]+1", "re")


@pytest.mark.parametrize("pattern", [".", "[^ ]{2}", "(?s:.)", "a.{1,9}"])
def test_a_pattern_that_matches_anything_does_not_replace_its_own_placeholders_for_ever(pattern: str) -> None:
    assert len(make_transform(patterns={"X": pattern})("a text with budi@example.com in it")) < 1_000


def test_a_replacement_that_is_not_ascii_arrives_as_it_is() -> None:
    assert compile_safe("b+", "re2").sub(lambda found: "\ue000é" * len(found), "abbc") == "a\ue000é\ue000éc"


def test_a_pattern_over_module_names_may_match_nothing_but_not_run_away() -> None:
    require_bounded(".*")
    with pytest.raises(ValueError, match="repeats a group"):
        require_bounded("(a+)+$")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("is: ([0-9]+)(x)?", "\u00e9 is: 12, is: 3x", [("is: 12", "12", None), ("is: 3x", "3", "x")]),
        ("(?P<one>a)|(b)", "ab", [("a", "a", None), ("b", None, "b")]),
        ("(?:a)b", "ab", [("ab",)]),
        ("^[a-z]*$", "abc", [("abc",)]),
        ("^[a-z]*$", "aBc", []),
        ("(?i)(yes)", "\ud800YES", [("YES", "YES")]),
    ],
)
def test_what_is_looked_for_may_match_nothing_and_tells_its_groups(
    engine: Engine, pattern: str, text: str, found: list[tuple[str | None, ...]]
) -> None:
    compiled = compile_search(pattern, engine)
    assert compiled.found(text) == found
    assert compiled.occurs(text) == bool(found)
    assert count_groups(pattern) == (len(found[0]) - 1 if found else 0)


@pytest.mark.parametrize("pattern", ["(a|aa)+$", "(a+)+$", "(?=a)b", r"(a)\1", "("])
def test_what_is_looked_for_may_not_run_away_either(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        compile_search(pattern)

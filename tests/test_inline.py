from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.document import parse
from resep.document.inline import inline

SCALARS = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["no", "1e5", "0o17", "null", "2026-03-01", "~", "-", "a: b", "a #b", "${x}"]
)
VALUES = st.recursive(
    SCALARS | TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)


@given(VALUES)
def test_what_is_written_on_one_line_reads_back_as_the_value(value: Any) -> None:
    document = parse(f"key: {inline(value)}", "recipe.yaml")
    assert document.problems == ()
    assert document.data == {"key": value}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (["base", "base@native-template"], "[base, base@native-template]"),
        ({"r": 16, "modules": ["q_proj"]}, "{r: 16, modules: [q_proj]}"),
        ("> 0", '"> 0"'),
        ("1", '"1"'),
        ("no", '"no"'),
        ("data/quickstart.jsonl", "data/quickstart.jsonl"),
        (0.001, "0.001"),
        (None, "null"),
    ],
)
def test_quotes_stand_only_where_they_are_needed(value: Any, written: str) -> None:
    assert inline(value) == written

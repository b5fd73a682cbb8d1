"""Whatever a recipe's file holds: the answer is exit code 0 or 2, never a traceback, and has a line where there is one.

`make test` tries thousands of mutations; RESEP_MUTATIONS sets another number.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resep import cli
from resep.paths import data_folder
from tests.mutations import MUTATIONS, Mutation, mutated, odd_overrides
from tests.recipe_texts import EXAMPLE, SMALLEST

SHIPPED = [path.read_text(encoding="utf-8") for path in sorted(data_folder("recipes").rglob("*.yaml"))]
TEXTS = [EXAMPLE, SMALLEST, *SHIPPED]
WHOLE_FILE = ("bytes are too many", "no such file")  # what is said of a file has no line
_MANY = int(os.environ.get("RESEP_MUTATIONS", "3000"))


def check(folder: Path, raw: bytes, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
    """Check a recipe of these bytes, and fail unless the answer is one that a person can use."""
    path = folder / "recipe.yaml"
    path.write_bytes(raw)
    code = cli.main(["check", str(path), "--format", "json", *arguments])
    out, err = capsys.readouterr()
    assert code in (0, 2), err
    assert "Traceback" not in out + err
    if "usage: resep check" in err:  # an argument such as `--set ---` is none
        assert code == 2
        return
    problems = json.loads(out)
    assert (code == 2) == any(problem["severity"] == "error" for problem in problems)
    for problem in problems:
        assert problem["message"].strip()
        assert problem["line"] or any(words in problem["message"] for words in WHOLE_FILE), problem
        assert problem["line"] is None or problem["column"] >= 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_any_text_is_good_or_wrong_but_never_a_crash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    check(tmp_path, mutated(seed, TEXTS), capsys)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_any_argument_is_good_or_wrong_but_never_a_crash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    check(tmp_path, SMALLEST.encode(), capsys, *odd_overrides(seed))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes_are_good_or_wrong_but_never_a_crash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], raw: bytes
) -> None:
    check(tmp_path, raw, capsys)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.__name__)
def test_each_way_to_go_wrong_is_tried(mutation: Mutation, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(2):
        outcome = mutation(Random(seed), EXAMPLE)
        check(tmp_path, outcome if isinstance(outcome, bytes) else outcome.encode("utf-8", "surrogatepass"), capsys)


@pytest.mark.slow
def test_thousands_of_mutated_recipes_are_good_or_wrong_but_never_a_crash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(SHIPPED) >= 2
    for seed in range(_MANY):
        try:
            check(tmp_path, mutated(seed, TEXTS), capsys, *(odd_overrides(seed) if seed % 5 == 0 else []))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error

"""Checks of the options of evaluators that read texts, each at the key that is to be mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from resep.errors import Problem, RecipeError
from resep.recipe import load
from tests.recipe_texts import SMALLEST, write_recipe

# (evaluator, its options, where below evaluation.evaluators, severity, words)
CASES = [
    ("regex", "{}", "regex", "error", "'pattern' is missing"),
    ("regex", "{pattern: '(a+)+$'}", "regex.pattern", "error", "itself repeats"),
    ("regex", "{pattern: '('}", "regex.pattern", "error", "does not compile"),
    ("json_format", "{schema: {}, schema_file: x.json}", "json_format.schema_file", "error", "leave one of the two"),
    ("json_format", "{schema: {type: objekt}}", "json_format.schema", "error", "not a JSON Schema"),
    ("json_format", "{schema: {$ref: 'https://a.b/c'}}", "json_format.schema", "error", "nothing is fetched"),
    ("memorisation", "{length: 0}", "memorisation.length", "error", "one at least, not 0"),
    ("lm_eval", "{}", "lm_eval", "error", "nothing to ask"),
    ("repetition", "{n: 0}", "repetition.n", "error", "one word at least, not 0"),
    ("classification", "{labels: [C, C++]}", "classification.labels[1]", "warning", "'C++' and 'C' are one class"),
]  # fmt: skip
FINE = [
    ("regex", "{pattern: '^[a-z]*$'}"),
    ("json_format", "{schema: {type: object, properties: {a: {$ref: '#/$defs/a'}}, $defs: {a: {type: string}}}}"),
    ("json_format", "{schema_file: schemas/answer.json}"),
    ("classification", "{labels: ['+', '-', '1', 'one']}"),
    ("rouge", "{stemmer: english}"),
    ("bleu", "{tokenize: char}"),
    ("contains", "{texts: [a]}"),
    ("lm_eval", "{files: [tasks.yaml]}"),
    ("memorisation", "{length: 1}"),
]


def found(folder: Path, evaluator: str, options: str, *overrides: str) -> list[Problem]:
    try:
        text = write_recipe(folder, SMALLEST)
        return list(load(text, (f"evaluation.evaluators.{evaluator}={options}", *overrides)).warnings)
    except RecipeError as error:
        return list(error.problems)


@pytest.mark.parametrize(("evaluator", "options", "where", "severity", "words"), CASES)
def test_a_faulty_option_is_found_at_its_place(
    tmp_path: Path, evaluator: str, options: str, where: str, severity: str, words: str
) -> None:
    problems = found(tmp_path, evaluator, options)
    matching = [p for p in problems if p.where == f"evaluation.evaluators.{where}" and words in p.message]
    assert [p.severity for p in matching] == [severity], problems


@pytest.mark.parametrize(("evaluator", "options"), FINE)
def test_what_is_fine_is_left_alone(tmp_path: Path, evaluator: str, options: str) -> None:
    assert not [p for p in found(tmp_path, evaluator, options) if evaluator in p.where]


@pytest.mark.parametrize(
    ("evaluator", "options", "language", "words"),
    [
        ("rouge", "{stemmer: english}", "[id]", "is in id: an English stemmer"),
        ("rouge", "{stemmer: english}", "[en]", ""),
        ("rouge", "{stemmer: english}", "[en-GB]", ""),
        ("rouge", "{}", "[id]", ""),
        ("bleu", "{}", "[zh-Hans]", "zh has no spaces"),
        ("bleu", "{tokenize: intl}", "[ja]", "ja has no spaces"),
        ("bleu", "{tokenize: zh}", "[zh]", ""),
        ("bleu", "{}", "[id]", ""),
    ],
)
def test_options_made_for_another_language_are_warned_of(
    tmp_path: Path, evaluator: str, options: str, language: str, words: str
) -> None:
    problems = [p for p in found(tmp_path, evaluator, options, f"language={language}") if evaluator in p.where]
    assert [p.severity for p in problems] == (["warning"] if words else [])
    assert all(words in p.message for p in problems)


def test_a_schema_file_lies_below_the_recipe(tmp_path: Path) -> None:
    text = SMALLEST + "    json_format: {schema_file: ../x.json}\n"
    with pytest.raises(RecipeError, match="leads out of the recipe's folder"):
        load(write_recipe(tmp_path, text))


def test_a_metric_that_these_options_do_not_give_cannot_be_the_primary_one(tmp_path: Path) -> None:
    problems = found(tmp_path, "json_format", "{}", "evaluation.primary=json_schema")
    assert any(p.where == "evaluation.primary" and "json_schema" in p.message for p in problems)
    assert not found(tmp_path, "json_format", "{schema: {}}", "evaluation.primary=json_schema")

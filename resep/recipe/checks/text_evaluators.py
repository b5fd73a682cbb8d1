"""Checks of the options of evaluators that read texts: patterns, schemas, and settings made for another language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from resep.document.places import KeyPath
from resep.recipe.draft import Check, Draft, Finding
from resep.suggest import listed

_UNSPACED = ("zh", "ja", "th", "lo", "km", "my")  # languages that put no space between words


def patterns_can_be_run(draft: Draft) -> Iterator[Finding]:
    from resep.patterns import compile_search

    for path, options in _of(draft, "regex"):
        pattern = options.get("pattern", "")
        if pattern == "":
            yield Finding(path, "'pattern' is missing: say what to look for, for example pattern: '^[0-9]+$'")
        elif isinstance(pattern, str):
            try:
                compile_search(pattern)
            except ValueError as error:
                yield Finding((*path, "pattern"), str(error))


def schemas_can_be_applied(draft: Draft) -> Iterator[Finding]:
    for path, options in _of(draft, "json_format"):
        schema, file = options.get("schema"), options.get("schema_file")
        if isinstance(file, str) and (reason := draft.escape((*path, "schema_file"))):
            yield Finding((*path, "schema_file"), f"'{file}' {reason}")
        if schema is not None and file:
            yield Finding((*path, "schema_file"), "there is a 'schema' as well; leave one of the two out")
        if isinstance(schema, dict):
            yield from _schema_fault((*path, "schema"), schema)


def _schema_fault(path: KeyPath, schema: Mapping[str, Any]) -> Iterator[Finding]:
    from resep.json_schemas import compile_schema

    try:
        compile_schema(schema)
    except ValueError as error:
        yield Finding(path, str(error))


def options_fit_the_language(draft: Draft) -> Iterator[Finding]:
    """Only where the recipe says what its language is."""
    languages = [code.partition("-")[0] for code in draft.value("language", list) or () if isinstance(code, str)]
    foreign, unspaced = [code for code in languages if code != "en"], [c for c in languages if c in _UNSPACED]
    for path, options in _of(draft, "rouge"):
        if foreign and options.get("stemmer") == "english":
            message = (
                f"the data is in {', '.join(languages)}: an English stemmer cuts what is no ending there; write none"
            )
            yield Finding((*path, "stemmer"), message, "warning")
    for path, options in _of(draft, "bleu"):
        if unspaced and options.get("tokenize", "13a") in ("13a", "intl"):
            message = f"{listed(unspaced)} has no spaces between words, so a sentence counts as one word; write char"
            yield Finding((*path, "tokenize") if "tokenize" in options else path, message, "warning")


def phrases_have_words(draft: Draft) -> Iterator[Finding]:
    for path, options in _of(draft, "repetition"):
        n = options.get("n")
        if isinstance(n, int) and n < 1:
            yield Finding((*path, "n"), f"a phrase has one word at least, not {n}; 4 is usual")


def runs_have_characters(draft: Draft) -> Iterator[Finding]:
    for path, options in _of(draft, "memorisation"):
        length = options.get("length")
        if isinstance(length, int) and length < 1:
            message = f"a run of characters that is to count has one at least, not {length}; 50 are about 10 words"
            yield Finding((*path, "length"), message)


def tasks_are_named(draft: Draft) -> Iterator[Finding]:
    for path, options in _of(draft, "lm_eval"):
        if not options.get("tasks") and not options.get("files"):
            message = "it has nothing to ask: name tasks of the harness, as in tasks: [arc_easy], or files of your own"
            yield Finding(path, message, of_key=True)


def labels_are_told_apart(draft: Draft) -> Iterator[Finding]:
    """Labels are compared by their words: C and C++ would be one class."""
    for path, options in _of(draft, "classification"):
        labels = options.get("labels")
        given = [label for label in labels if isinstance(label, str)] if isinstance(labels, list) else []
        seen: dict[tuple[str, ...], str] = {}
        for at, label in enumerate(given):
            first = seen.setdefault(_key(label), label)
            if first != label:
                message = f"'{label}' and '{first}' are one class: capitals and punctuation do not count"
                yield Finding((*path, "labels", at), message, "warning")


def _key(label: str) -> tuple[str, ...]:
    """As resep.labels compares them, less accents: that would need a package which checking does without."""
    plain = "".join(c if c.isalnum() else " " for c in label.lower()).split()
    return tuple(plain) or (label.strip(),)


def _of(draft: Draft, evaluator: str) -> Iterator[tuple[KeyPath, Mapping[str, Any]]]:
    """(where it stands, its options) of an evaluator, if the recipe names it."""
    evaluators = draft.value("evaluation.evaluators", dict) or {}
    if evaluator in evaluators:
        options = evaluators[evaluator]
        yield ("evaluation", "evaluators", evaluator), options if isinstance(options, dict) else {}


CHECKS: tuple[Check, ...] = (
    patterns_can_be_run,
    schemas_can_be_applied,
    options_fit_the_language,
    phrases_have_words,
    runs_have_characters,
    tasks_are_named,
    labels_are_told_apart,
)

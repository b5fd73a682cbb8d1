"""The child process that runs Presidio on a spaCy model: a text a line in, the names in it a line out.

    python -m resep.detectors.names_child MODEL ENTITY...

A process of its own, because spaCy imports torch wherever torch is installed, and libraries print what they like. It
ends when its standard input closes. Nothing is downloaded: the model is loaded here, not by Presidio, which would.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TextIO

Find = Callable[[str], list[tuple[int, int, str]]]  # (start, end, entity) in characters


def main(model: str, entities: Sequence[str]) -> None:
    answers = _own_output()
    try:
        find = _finder(model, entities)
    except Exception as error:  # noqa: BLE001 - whatever spaCy says of a model that it cannot load
        _answer(answers, {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"})
        return
    _answer(answers, {"ready": True})
    for line in sys.stdin:
        try:
            _answer(answers, {"found": find(json.loads(line))})
        except Exception as error:  # noqa: BLE001 - the kind alone: its message may repeat the text
            _answer(answers, {"error": type(error).__name__})


def _finder(model: str, entities: Sequence[str]) -> Find:
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer

    nlp = spacy.load(model)
    if not {"ner", "entity_ruler", "span_ruler", "transformer"} & {*nlp.pipe_names}:
        raise ValueError("this model finds no names: it has no component `ner` or `entity_ruler`")
    engine = SpacyNlpEngine(models=[{"lang_code": nlp.lang, "model_name": model}])
    engine.nlp = {nlp.lang: nlp}  # loaded: Presidio's own `load` downloads what it does not find
    recognizer = SpacyRecognizer(supported_language=nlp.lang, supported_entities=list(entities))
    registry = RecognizerRegistry(recognizers=[recognizer], supported_languages=[nlp.lang])
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[nlp.lang])

    def find(text: str) -> list[tuple[int, int, str]]:
        results = analyzer.analyze(text, language=nlp.lang, entities=list(entities))
        return sorted((result.start, result.end, result.entity_type) for result in results)

    return find


def _own_output() -> TextIO:
    """Where answers go; what libraries print goes nowhere, as it may repeat a text."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    return answers


def _answer(answers: TextIO, answer: Any) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

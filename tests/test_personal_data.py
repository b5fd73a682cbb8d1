"""How much the detectors find and how much they leave alone, on two labelled sets: our own, and an independent one."""

import re
from pathlib import Path

import pytest

from benchmarks.personal_data import Counts, Span, find, read_labelled, score
from resep.detectors.phone_regions import PHONE_REGIONS

OURS = Path(__file__).parent / "labelled" / "personal_data.txt"
INDEPENDENT = Path(__file__).parent.parent.parent / "shared" / "data" / "presidio_pii" / "generated_small.json"
REGIONS = ["AU", "GB", "ID", "US"]


def labelled(line: str) -> tuple[str, list[Span]]:
    """`to {{EMAIL a@b.co}}` -> the text, and where the value stands in it."""
    text, spans = "", []
    for at, piece in enumerate(re.split(r"\{\{([A-Z_]+ [^}]+)\}\}", line)):
        kind, _, value = piece.partition(" ") if at % 2 else ("", "", piece)
        if at % 2:
            spans.append(Span(kind, len(text), len(text) + len(value)))
        text += value
    return text, spans


def our_texts() -> list[tuple[str, list[Span]]]:
    lines = OURS.read_text(encoding="utf-8").splitlines()
    return [labelled(line) for line in lines if line and not line.startswith("# ")]


def mistakes(counts: Counts) -> tuple[int, int]:
    return counts.wrong.total(), counts.labels.total() - counts.found.total()


def test_the_development_set_has_every_kind_and_many_texts_without_any() -> None:
    texts = our_texts()
    counts = score(texts)
    assert {"EMAIL", "PHONE", "CARD", "IBAN", "IP", "MAC", "URL", "NIK", "US_SSN", "CRYPTO", "SECRET"} == {
        *counts.labels
    }
    assert counts.labels.total() > 60
    assert sum(not labels for _, labels in texts) > 40


@pytest.mark.parametrize("regions", [[], REGIONS, list(PHONE_REGIONS)])
def test_precision_on_the_development_set(regions: list[str]) -> None:
    precision = score(our_texts(), regions).precision()
    assert precision is not None
    assert precision >= 0.98


def test_recall_on_the_development_set() -> None:
    recall = score(our_texts(), REGIONS).recall()
    assert recall is not None
    assert recall >= 0.98


@pytest.mark.skipif(not INDEPENDENT.is_file(), reason="the labelled texts of presidio-research are not here")
@pytest.mark.parametrize("regions", [[], list(PHONE_REGIONS)])
def test_the_aim_is_met_on_independent_text(regions: list[str]) -> None:
    counts = score(read_labelled(INDEPENDENT), regions)
    precision, recall = counts.precision(), counts.recall()
    assert counts.labels.total() == 30  # of the kinds that have a detector, in 100 texts
    assert precision is not None
    assert recall is not None
    assert precision >= 0.98
    assert recall >= 0.80


def test_the_place_of_a_find_is_told_also_within_another_one() -> None:
    text = "so https://x.example/?mail=a@b.co, a@b.co!"
    assert [text[span.start : span.end] for span in find(text)] == ["https://x.example/?mail=a@b.co", "a@b.co"]

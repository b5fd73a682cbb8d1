"""How much personal data the detectors find in labelled text, and how fast they are on text with and without any.

    python benchmarks/personal_data.py [LABELLED.json] [--regions GB,DE,...]

LABELLED.json is a list of {"full_text", "spans": [{"entity_type", "start_position", "end_position"}]}, the format of
presidio-research. Only kinds that a detector is for are scored; a find counts where it has the label's kind and covers
at least 80 % of its characters. Speed is CPU time of one process, on the texts below and on the labelled ones.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resep.detectors import DETECTORS, replacer
from resep.placeholders import hide, reveal
from resep.recipe import StepSpec
from resep.stages.prepare.text import text_pipeline

KIND_OF = {
    "EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "CREDIT_CARD": "CARD", "IBAN_CODE": "IBAN", "IP_ADDRESS": "IP",
    "US_SSN": "US_SSN", "URL": "URL", "DOMAIN_NAME": "URL", "CRYPTO": "CRYPTO", "MAC_ADDRESS": "MAC", "ID_NIK": "NIK",
}  # fmt: skip
COVERED = 0.8

CLEAN = (
    "How do I reset my password in the mobile app?",
    "Open Settings, choose Security and tap the second entry.",
    "Tap \u201cForgot password\u201d, then follow the steps on the screen.",
    "Bagaimana cara mengubah alamat pengiriman untuk pesanan saya?",
    "Choose the card that you want to remove, and confirm.",
    "My internet has been slow since yesterday evening; what can I do about it?",
    "Step 3: wait 10 minutes, then try again.",
    "Is it possible to move my appointment of 2024-01-31 to another day?",
    "I can't see my orders - is the site down?",
    "Update to version 4.2.1 first; it takes about 5 minutes.",
)
PERSONAL = (
    "Hi, I'm Budi, my mail is budi.santoso+app@toko.example, please answer.",
    "Call me at +62 812-3456-7890 after 5 pm, thanks!",
    "My card 4111 1111 1111 1111 was charged twice on 2024-01-31.",
    "See https://shop.example/a?b=1&mail=x@y.example for the order, it's wrong.",
    "The host 192.168.10.44 is down since 12:30, can you look?",
    "Nomor saya 081234567890, tolong hubungi segera.",
)


@dataclass(frozen=True)
class Span:
    kind: str
    start: int
    end: int

    def covers(self, label: Span) -> bool:
        common = min(self.end, label.end) - max(self.start, label.start)
        return self.kind == label.kind and common >= COVERED * (label.end - label.start)


@dataclass(frozen=True)
class Counts:
    """Per kind: labels, labels found, finds, and finds that cover no label."""

    labels: Counter[str]
    found: Counter[str]
    finds: Counter[str]
    wrong: Counter[str]

    def precision(self, kind: str | None = None) -> float | None:
        return _share(self.finds, self.wrong, kind, is_rest=True)

    def recall(self, kind: str | None = None) -> float | None:
        return _share(self.labels, self.found, kind, is_rest=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("labelled", type=Path, nargs="?")
    parser.add_argument("--regions", type=lambda text: text.split(","), default=[])
    args = parser.parse_args()
    texts = [] if args.labelled is None else read_labelled(args.labelled)
    if texts:
        print_counts(score(texts, args.regions))
    speeds = {"without any": CLEAN, "with some": PERSONAL, "labelled": [text for text, _ in texts]}
    for names in (["email", "phone", "card", "url", "ip"], list(DETECTORS)):
        clean = text_pipeline([StepSpec("placeholders", {"detectors": names}, ("prompt",))], "prompt")
        for title, some in speeds.items():
            if some:
                print(f"{len(names):2} detectors, texts {title:12} {texts_per_second(clean, some):10,.0f} texts/CPU s")


def read_labelled(path: Path) -> list[tuple[str, list[Span]]]:
    """Texts with the labels of the kinds that a detector is for."""
    return [(each["full_text"], list(_labels(each["spans"]))) for each in json.loads(path.read_text(encoding="utf-8"))]


def score(texts: Sequence[tuple[str, Sequence[Span]]], regions: Sequence[str] = ()) -> Counts:
    counts = Counts(Counter(), Counter(), Counter(), Counter())
    for text, labels in texts:
        found = find(text, regions)
        counts.labels.update(label.kind for label in labels)
        counts.found.update(label.kind for label in labels if any(each.covers(label) for each in found))
        counts.finds.update(each.kind for each in found)
        counts.wrong.update(each.kind for each in found if not any(each.covers(label) for label in labels))
    return counts


def find(text: str, regions: Sequence[str] = ()) -> list[Span]:
    """Where all detectors together find something: each find stands in the text under its number until the end."""
    values: list[tuple[str, str]] = []

    def write(kind: str, value: str) -> str:
        values.append((kind, value))
        return hide(f"<{len(values) - 1}>")

    replace, before = replacer(list(DETECTORS), regions, write), None
    while text != before:
        before, text = text, replace(text)
    spans, at = [], 0
    for piece in re.split("(\ue03c[\ue030-\ue039]+\ue03e)", text):
        number = re.fullmatch("<([0-9]+)>", reveal(piece)) if piece and not piece.isascii() else None
        length = len(_original(piece, values))
        if number:
            spans.append(Span(values[int(number[1])][0], at, at + length))
        at += length
    return spans


def _original(text: str, values: Sequence[tuple[str, str]]) -> str:
    """A value may hold others that were found before it."""
    return re.sub(
        "\ue03c([\ue030-\ue039]+)\ue03e", lambda found: _original(values[int(reveal(found[1]))][1], values), text
    )


def _labels(spans: Sequence[Mapping[str, Any]]) -> Iterator[Span]:
    for span in spans:
        if kind := KIND_OF.get(span["entity_type"]):
            yield Span(kind, span["start_position"], span["end_position"])


def _share(whole: Counter[str], part: Counter[str], kind: str | None, is_rest: bool) -> float | None:
    total, count = (whole.total(), part.total()) if kind is None else (whole[kind], part[kind])
    return None if not total else (total - count if is_rest else count) / total


def print_counts(counts: Counts) -> None:
    print(f"{'kind':8}{'labels':>8}{'finds':>8}{'wrong':>8}{'precision':>11}{'recall':>8}")
    for kind in (*sorted({*counts.labels, *counts.finds}), None):
        numbers = [each.total() if kind is None else each[kind] for each in (counts.labels, counts.finds, counts.wrong)]
        shares = [counts.precision(kind), counts.recall(kind)]
        shown = ["-" if share is None else f"{share:.3f}" for share in shares]
        print(f"{kind or 'all':8}" + "".join(f"{number:8}" for number in numbers) + f"{shown[0]:>11}{shown[1]:>8}")


def texts_per_second(clean: Callable[[str], str], texts: Sequence[str], repeats: int = 5) -> float:
    many = [f"{text} {number % 10}" for number in range(2_000) for text in texts[:10]]
    best = float("inf")
    for _ in range(repeats):
        started = time.process_time()
        for text in many:
            clean(text)
        best = min(best, time.process_time() - started)
    return len(many) / best


if __name__ == "__main__":
    main()

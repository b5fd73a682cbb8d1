"""Rows for the benchmark of preparation: invented questions and steps, the same for everybody who makes so many.

A row is {id, category, topic, prompt, response: 1 to 4 steps}. A quarter of the prompts hold personal data (invented),
there is punctuation beyond ASCII, and one row in 25 says what another said before it, word for word.
"""

from __future__ import annotations

import random
from pathlib import Path

import orjson

_REPEATED, _PERSONAL = 0.04, 0.25
_TOPICS = (
    "password", "parcel", "invoice", "kartu", "refund", "account", "printer", "booking", "tagihan", "router",
    "meter", "alarm", "backup", "warranty", "ticket", "pesanan", "voucher", "delivery", "keyboard", "charger",
)  # fmt: skip
_ASKS = ("How do I", "Where can I", "Why can\u2019t I", "Bagaimana cara saya", "Please tell me how to", "Can I")
_VERBS = ("reset", "cancel", "track", "change", "mengubah", "renew", "print", "export", "block", "repair", "share")
_PLACES = ("in the \u201cXX\u201d app", "on the website", "di aplikasi", "from my phone", "at home \u2014 today")
_STEPS = (
    "Open Settings, choose \u201cPrivacy\u201d.", "Tap the second entry (not the first).", "Confirm with your PIN.",
    "Wait 10 minutes; then try again.", "Buka menu \u2018Akun\u2019 dan pilih layanan.", "Restart the device.",
    "Select the order that you want to change\u2026", "Follow the instructions on the screen!", "Save, and log out.",
)  # fmt: skip


def write_rows(path: Path, count: int) -> None:
    """Write so many rows. The file appears when it is whole."""
    draw = random.Random(20240131)
    partial = path.with_suffix(".partial")
    earlier: list[bytes] = []
    with partial.open("wb") as file:
        for number in range(count):
            row = earlier[draw.randrange(len(earlier))] if earlier and draw.random() < _REPEATED else _row(draw, number)
            if len(earlier) < 10_000:
                earlier.append(row)
            file.write(b'{"id":"r%d",' % number + row)
    partial.rename(path)


def _row(draw: random.Random, number: int) -> bytes:
    topic = draw.choice(_TOPICS)
    prompt = f"{draw.choice(_ASKS)} {draw.choice(_VERBS)} the {topic} {draw.choice(_PLACES)}, {_name(number)}?"
    if draw.random() < _PERSONAL:
        prompt += f" {_personal(draw, number)}"
    steps = [f"{draw.choice(_STEPS)} {draw.choice(_VERBS).title()} {topic}." for _ in range(draw.randint(1, 4))]
    row = {"category": f"c{draw.randrange(24)}", "topic": topic, "prompt": prompt, "response": steps}
    return orjson.dumps(row)[1:] + b"\n"


def _name(number: int) -> str:
    """Another invented word for every number, without a digit: a detector need not look at it twice."""
    word = ""
    while not word or number:
        number, rest = divmod(number, 100)
        word += "bcdfghjklmnprstvwxyz"[rest // 5] + "aeiou"[rest % 5]
    return word.title()


def _personal(draw: random.Random, number: int) -> str:
    digits = f"{draw.randrange(10**8):08}"
    return draw.choice(
        (
            f"My mail is user{number}@mail{number % 97}.example, thanks!",
            f"Call me: +62 812-{digits[:4]}-{digits[4:]}.",
            f"See https://shop.example/orders/{digits}?from=mail",
            f"My card is 4111 1111 1111 1111 (order {digits}).",
            f"The host 10.{number % 250}.{number % 99}.7 is down since 12:30.",
        )
    )

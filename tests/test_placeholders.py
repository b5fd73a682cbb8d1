"""The step `placeholders`: what is personal data and, at least as much, what is not."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from resep import plugins, reveal
from resep.stages.prepare.text import fused

transform_text = plugins.open_plugin(plugins.find("preprocessing", "placeholders")).transform_text


def replaced(text: str, **options: object) -> str:
    return reveal(transform_text(text, **options))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail budi.santoso+app@toko.co.id now", "mail [EMAIL] now"),
        ("josé@example.com", "[EMAIL]"),
        ("see https://shop.example/a?b=1&mail=x@y.co, then", "see [URL], then"),
        ("(www.example.co.uk/path)", "([URL])"),
        ("host 192.168.10.44 is down", "host [IP] is down"),
        ("host 2001:db8:85a3::8a2e:370:7334.", "host [IP]."),
        ("card 4111 1111 1111 1111 exp 12/26", "card [CARD] exp 12/26"),
        ("amex 3782 822463 10005", "amex [CARD]"),
        ("5555555555554444", "[CARD]"),
        ("+62 812-3456-7890", "[PHONE]"),
        ("081234567890", "[PHONE]"),
        ("0812-3456-7890, ya", "[PHONE], ya"),
        ("62 812 3456 7890", "[PHONE]"),
        ("(021) 555 1234", "[PHONE]"),
        ("0274 561 234", "[PHONE]"),
        ("(212) 555-0123", "[PHONE]"),
        ("212.555.0123x751", "[PHONE]"),
        ("+44 (0)20 7946 0958", "[PHONE]"),
        ("+4915112345678", "[PHONE]"),
        ("001-420-335-7509", "[PHONE]"),
        ("please call me at 555 01 234", "please call me at [PHONE]"),
        ("hubungi saya di 555-12345", "hubungi saya di [PHONE]"),
    ],
)
def test_personal_data_becomes_its_placeholder(text: str, expected: str) -> None:
    assert replaced(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "order 113542617735902",  # passes Luhn by chance, no issuer's prefix
        "card 4111 1111 1111 1112",  # fails Luhn
        "tracking 1Z999AA10123456784",
        "tracking 9400 1000 0000 0000 0000 00",
        "order 112-1234567-1234567",
        "invoice INV-081234567890",
        "Rp 1.500.000, IDR 1500000",
        "$1,234,567.89",
        "on 2024-01-31 at 12:30:45",
        "31.12.2023",
        "version 10.0.19041.1",
        "version 4.3.2.1",
        "v1.2.3.4 is out",
        "std::vector<int> and a::b",
        "::1",
        "0.0.0.0/0, 127.0.0.1",
        "@budi, 5 @ 3 each",
        "1234567890",
        "2023 1234 5678",
        "ISBN 978-3-16-148410-0",
        "MAC 00:1A:2B:3C:4D:5E",
        "section 1.2.3, 50%, 3/4",
    ],
)
def test_numbers_that_name_nobody_stay(text: str) -> None:
    assert replaced(text) == text


def test_the_recipes_own_patterns_come_first() -> None:
    patterns = {"ORDER": "INV-[0-9]{6}", "PLATE": r"\b[A-Z] [0-9]{4} [A-Z]{3}\b"}
    assert replaced("INV-081234 by B 1234 XYZ, 081234567890", patterns=patterns) == "[ORDER] by [PLATE], [PHONE]"


def test_a_value_within_a_url_goes_with_it() -> None:
    assert replaced("https://x.example/INV-123456/pay?t=1", patterns={"ORDER": "INV-[0-9]{6}"}) == "[URL]"


def test_only_the_chosen_detectors_look() -> None:
    assert replaced("a@b.co +62 812-3456-7890", detectors=["phone"]) == "a@b.co [PHONE]"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"detectors": ["emial"]}, "did you mean 'email'"),
        ({"patterns": {"order": "x"}}, r"it becomes \[ORDER\]"),
        ({"patterns": {"KÜRZEL": "x"}}, "capitals"),
        ({"patterns": {"INST": "x"}}, "control token"),
        ({"patterns": {"ORDER": "(x"}}, r"patterns\.ORDER: the pattern does not compile"),
        ({"patterns": {"ORDER": "(a+)+b"}}, "repeats a group"),
    ],
)
def test_a_wrong_option_is_said_before_any_text(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        transform_text("", **options)


@pytest.mark.parametrize(
    "unit", ["a.", "a@", "1 ", "12-", "+1 ", "1.", "a:", "http://", "(1) ", "call me at me at ", "0812 "]
)
def test_no_text_takes_the_detectors_long(unit: str) -> None:
    started = time.process_time()
    transform_text(unit * (40_000 // len(unit)))
    assert time.process_time() - started < 2


PIECES = st.sampled_from(
    [
        "a@b.co",
        "081234567890",
        "4111111111111111",
        "https://x.io",
        "10.0.0.1",
        "[EMAIL]",
        "{{Name}}",
        "INV-123456",
        "+62",
        "812",
        "-",
        " ",
    ]
)


@given(st.lists(PIECES | st.text(max_size=5), max_size=8).map("".join))
@example("1.2.3.4-081234567890")
def test_no_detector_fires_on_what_the_step_wrote(text: str) -> None:
    clean = fused([lambda raw: transform_text(raw, patterns={"ORDER": "INV-[0-9]{6}"})])
    assert clean(clean(text)) == clean(text)

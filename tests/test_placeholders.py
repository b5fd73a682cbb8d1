"""The step `placeholders`: what is personal data and, at least as much, what is not."""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from resep import hide, plugins, reveal
from resep.detectors.phone_regions import PHONE_REGIONS
from resep.placeholders import hidden_names
from resep.recipe import StepSpec
from resep.stages.prepare.text import fused, private_values, text_pipeline

step = plugins.open_plugin(plugins.find("preprocessing", "placeholders"))
by_default = step.make_transform()


def replaced(text: str, **options: object) -> str:
    transform = step.make_transform(**options) if options else by_default
    return reveal(transform(text))


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
        ({"phone_regions": ["UK"]}, "no phone numbers of 'UK' are known; .*GB"),
        ({"phone_regions": ["gb"]}, "did you mean 'GB'"),
        ({"patterns": {"LINE_2": "x"}, "numbering": "row"}, r"does not end in _ and digits"),
        ({"words": {"A" * 23: ["x"]}, "numbering": "data"}, r"up to 22 characters"),
    ],
)
def test_a_wrong_option_is_said_before_any_text(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        step.make_transform(**options)


@pytest.mark.parametrize(
    "unit", ["a.", "a@", "1 ", "12-", "+1 ", "1.", "a:", "http://", "(1) ", "call me at me at ", "0812 "]
)
def test_no_text_takes_the_detectors_long(unit: str) -> None:
    started = time.process_time()
    by_default(unit * (40_000 // len(unit)))
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
    clean = fused([step.make_transform(patterns={"ORDER": "INV-[0-9]{6}"})])
    assert clean(clean(text)) == clean(text)


def test_a_number_takes_no_space_with_it() -> None:
    assert replaced("081234567890 (Budi), 081234567890 - Siti") == "[PHONE] (Budi), [PHONE] - Siti"


@pytest.mark.parametrize(
    ("region", "text"),
    [
        ("AU", "0412 345 678"), ("BR", "(11) 91234-5678"), ("CN", "138 1234 5678"), ("DE", "0171 2345678"),
        ("ES", "612 345 678"), ("FR", "06 12 34 56 78"), ("GB", "020 7946 0958"), ("ID", "62-21-555-1234"),
        ("IN", "98765 43210"), ("IT", "333 123 4567"), ("JP", "03-1234-5678"), ("KR", "010-1234-5678"),
        ("MX", "55 1234 5678"), ("MY", "012-345 6789"), ("NL", "06-12345678"), ("PH", "0917 123 4567"),
        ("PL", "601 234 567"), ("RU", "8 (912) 345-67-89"), ("SG", "9123 4567"), ("US", "212/555-0123"),
        ("ZA", "082 123 4567"),
    ],
)  # fmt: skip
def test_a_region_brings_its_own_way_to_write_a_number(region: str, text: str) -> None:
    assert replaced(f"nr. {text}, ok", phone_regions=[region]) == "nr. [PHONE], ok"


def test_every_region_that_the_detector_knows_can_be_chosen() -> None:
    described = plugins.describe(plugins.find("preprocessing", "placeholders"))
    assert re.findall("'([A-Z]+)'", described.options["phone_regions"].type) == list(PHONE_REGIONS)


def test_part_of_a_longer_row_of_digits_is_no_number_of_a_region() -> None:
    text = "tracking 9400 1000 0000 0000 0000 00, 612 345 678 901, 4.612.345.678"
    assert replaced(text, phone_regions=["SG", "ES", "PL"]) == text


def numbered(numbering: str = "row", **options: object) -> str:
    spec = StepSpec("placeholders", {"numbering": numbering, **options}, ("prompt",))
    return text_pipeline([spec], "prompt")(TALK)


TALK = "a@b.co, A@B.CO and c@d.co; +62 812-3456-7890 is 0812 3456 7890, {{Name}} [EMAIL_2]"


@pytest.mark.parametrize("numbering", ["row", "data"])
def test_in_a_single_text_the_same_value_has_the_same_number(numbering: str) -> None:
    assert numbered(numbering) == "[EMAIL_1], [EMAIL_1] and [EMAIL_3]; [PHONE_1] is [PHONE_1], {{Name}} [EMAIL_2]"


def test_without_numbering_nothing_is_numbered() -> None:
    assert numbered("none") == "[EMAIL], [EMAIL] and [EMAIL]; [PHONE] is [PHONE], {{Name}} [EMAIL_2]"


def test_own_patterns_and_words_are_numbered_too() -> None:
    options = {"numbering": "row", "patterns": {"ORDER": "INV-[0-9]+"}, "words": {"NAME": ["Budi", "Siti"]}}
    steps = [StepSpec("placeholders", options, ("prompt",)), StepSpec("lowercase", {}, ("prompt",))]
    clean = text_pipeline(steps, "prompt")
    assert clean("INV-1 INV-2 INV-1 Budi BUDI Siti") == "[ORDER_1] [ORDER_2] [ORDER_1] [NAME_1] [NAME_1] [NAME_2]"


@given(st.lists(PIECES | st.text(max_size=5), max_size=8).map("".join), st.sampled_from(["row", "data"]))
def test_numbered_texts_are_their_own_image_and_carry_no_digest(text: str, numbering: str) -> None:
    clean = text_pipeline([StepSpec("placeholders", {"numbering": numbering}, ("prompt",))], "prompt")
    assert clean(clean(text)) == clean(text)
    assert not re.search("#[0-9a-f]{16}", clean(text))


def test_a_step_says_what_it_takes_out() -> None:
    options = {"patterns": {"ORDER": "INV-[0-9]+"}, "words": {"NAME": ["Budi"]}, "numbering": "row"}
    values = private_values(StepSpec("placeholders", options, ("prompt",)))
    assert values is not None
    found = values(f"BUDI a@b.co INV-7 {hide('[EMAIL]')} call 555 01 234, a@b.co")
    assert sorted(found) == [
        ("EMAIL", "a@b.co"), ("EMAIL", "a@b.co"), ("NAME", "BUDI"), ("ORDER", "INV-7"), ("PHONE", "555 01 234")
    ]  # fmt: skip
    assert values("nothing") == []


def test_a_step_that_takes_nothing_out_keeps_no_values() -> None:
    assert private_values(StepSpec("lowercase", {}, ("prompt",)))("me@x.org") == []


@given(st.lists(PIECES | st.text(max_size=5), max_size=8).map("".join))
def test_what_is_taken_out_and_what_is_written_are_as_many(text: str) -> None:
    text = text.replace("[", "").replace("{", "")
    values = private_values(StepSpec("placeholders", {}))(text)
    if not any("\ue05b" in value for _, value in values):  # a link that swallowed what was found before it
        assert sorted(kind for kind, _ in values) == sorted(hidden_names(by_default(text)))


@pytest.mark.parametrize("numbering", ["none", "row"])
def test_what_a_step_wrote_can_be_counted_while_it_is_hidden(numbering: str) -> None:
    transform = step.make_transform(numbering=numbering)
    assert list(hidden_names(transform(f"a@b.co {hide('[X_1]')} 10.0.0.1, {hide('{{Name}}')}"))) == [
        "EMAIL",
        "X_1",
        "IP",
    ]

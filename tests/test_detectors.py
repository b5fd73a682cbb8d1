"""Each detector of `resep.detectors`: what it must find, and what only looks like it."""

import time
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from resep import hide, plugins, reveal
from resep.bundle.private import findings
from resep.detectors import DETECTORS, normal_form, replacer
from resep.detectors.money import passes_luhn, passes_mod_97
from resep.detectors.phone_regions import PHONE_REGIONS
from resep.stages.prepare.text import PLACEHOLDER, fused

step = plugins.open_plugin(plugins.find("preprocessing", "placeholders"))
ALL = list(DETECTORS)

NIK = "3171234501900001"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
KEY_BLOCK = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA04up8hoqzS1\n-----END RSA PRIVATE KEY-----"


def replaced(text: str, detectors: Sequence[str] = ALL, **options: object) -> str:
    return reveal(step.make_transform(detectors=list(detectors), **options)(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pay to DE89 3704 0044 0532 0130 00 today", "pay to [IBAN] today"),
        ("GB82WEST12345698765432.", "[IBAN]."),
        ("AT61 1904 3002 3457 3201 sent", "[IBAN] sent"),  # the next word is no part of it
        ("nl91abna0417164300", "[IBAN]"),
        ("device 00:1A:2B:3C:4D:5E is off", "device [MAC] is off"),
        ("00-1a-2b-3c-4d-5e, 001a.2b3c.4d5e", "[MAC], [MAC]"),
        (f"NIK saya {NIK}", "NIK saya [NIK]"),
        (f"data {NIK}, ya", "data [NIK], ya"),
        ("No. KTP: 317123 450190 0001", "No. KTP: [NIK]"),
        ("nik 3171-2345-0190-0001.", "nik [NIK]."),
        ("ssn 219-09-9998", "ssn [US_SSN]"),
        ("my social security number is 219099998", "my social security number is [US_SSN]"),
        ("kartu 5105105105105100", "kartu [CARD]"),  # a NIK of Denpasar but for the word and the issuer
        ("key AKIA" + "IOSFODNN7EXAMPLE" + "!", "key [SECRET]!"),
        ("ghp_" + "a1B2" * 9, "[SECRET]"),
        ("xoxb-" + "123456789012-abcdefABCDEF", "[SECRET]"),
        ("AIza" + "a1B2c" * 7, "[SECRET]"),
        ("sk_live_" + "a1B2" * 6, "[SECRET]"),
        (f"token={JWT}", "token=[SECRET]"),
        (f"Authorization: Bearer {JWT}", "Authorization: Bearer [SECRET]"),
        ("authorization: bearer a1b2c3d4e5f6g7h8i9", "authorization: bearer [SECRET]"),
        (f"see\n{KEY_BLOCK}\nend", "see\n[SECRET]\nend"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\nis cut", "[SECRET]\nis cut"),
        ("to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa now", "to [CRYPTO] now"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "[CRYPTO]"),
        ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "[CRYPTO]"),
        ("0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe", "[CRYPTO]"),
    ],
)
def test_each_detector_finds_its_own(text: str, expected: str) -> None:
    assert replaced(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "model AB12 3456 7890 1234",
        "00:00:00:00:00:00 and ff:ff:ff:ff:ff:ff",
        "at 12:30:45, ratio 1:2:3:4",
        "1234.5678.9012",
        f"order {NIK}",
        f"no. resi: {NIK}",
        "3171233201900001",  # day 32
        "3171233002900001",  # 30 February
        "3171234513900001",  # month 13
        "9971234501900001",  # no such province
        "nik 3171234501900000",
        "078-05-1120",
        "order 1-219-09-9998 and 219-09-9998-1",
        "219099998",
        "order 112-1234567-1234567, tracking 9400 1000 0000 0000 0000 00",
        "Rp 1.500.000, IDR 1500000, $1,234,567.89",
        "2024-01-31, 31-12-2023, 20240131123045",
        "version 10.0.19041.1, v1.2.3",
        "550e8400-e29b-41d4-a716-446655440000",
        "d41d8cd98f00b204e9800998ecf8427e",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "0x" + "0" * 40,
        "0x5f3759df",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
        "the bearer of good news, bearer authentication-required",
        "sk-learn, risk-of-something-else-entirely-here",
        "-----BEGIN PUBLIC KEY-----",
        "AKIA is a prefix, eyJ is another",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert replaced(text) == text


@pytest.mark.parametrize(
    ("detector", "text"),
    [
        ("iban", "DE89 3704 0044 0532 0130 01"),  # check digits
        ("iban", "DE89 3704 0044 0532 0130"),  # too short for Germany
        ("us_ssn", "000-12-3456, 666-12-3456, 900-12-3456, 123-00-4567, 123-45-0000"),  # never issued
    ],
)
def test_what_fails_its_own_rules_stays(detector: str, text: str) -> None:
    assert replaced(text, [detector]) == text


@pytest.mark.parametrize(
    ("kind", "text"), [("iban", "GB82WEST12345698765432"), ("nik", f"nik {NIK}"), ("us_ssn", "ssn 219-09-9998")]
)
def test_a_bundle_is_searched_for_them_too(kind: str, text: str) -> None:
    found = [finding for finding in findings("report.md", text) if finding.kind == kind]
    assert [len(finding.hint) for finding in found] == [6]  # three characters and "..."


def test_a_link_keeps_what_it_holds_together() -> None:
    assert replaced(f"https://x.example/?iban=DE89370400440532013000&token={JWT}") == "[URL]"


def test_the_default_looks_for_no_more_than_it_always_did() -> None:
    text = f"{NIK} 00:1A:2B:3C:4D:5E GB82WEST12345698765432 219-09-9998 {JWT}"
    assert reveal(step.make_transform()(text)) == text


def test_every_placeholder_of_a_detector_is_protected_as_one() -> None:
    assert all(PLACEHOLDER.fullmatch(reveal(detector.hidden)) for detector in DETECTORS.values())
    assert [reveal(detector.hidden) for detector in DETECTORS.values()] == [f"[{name.upper()}]" for name in DETECTORS]


def test_finds_are_the_values_alone() -> None:
    assert set(DETECTORS["nik"].finds(f"NIK saya {NIK}, x")) == {NIK}


@given(st.text("0123456789", min_size=2, max_size=20), st.integers(0, 19), st.integers(1, 9))
def test_luhn_notices_any_one_wrong_digit(body: str, at: int, by: int) -> None:
    whole = next(body + check for check in "0123456789" if passes_luhn(body + check))
    at %= len(whole)
    assert not passes_luhn(whole[:at] + str((int(whole[at]) + by) % 10) + whole[at + 1 :])


@given(st.integers(4, 21), st.integers(1, 9))
def test_mod_97_notices_any_one_wrong_digit(at: int, by: int) -> None:
    iban = "DE89370400440532013000"
    assert not passes_mod_97(iban[:at] + str((int(iban[at]) + by) % 10) + iban[at + 1 :])


def test_words_are_replaced_where_they_stand_whole() -> None:
    words = {"NAME": ["Budi", "Siti Aminah", "Siti"], "PRODUCT": ["C++ Builder"]}
    text = "BUDI, siti aminah and Siti like c++ builder; Budiman does not"
    assert replaced(text, words=words) == "[NAME], [NAME] and [NAME] like [PRODUCT]; Budiman does not"


def test_a_word_within_an_address_goes_with_it() -> None:
    assert replaced("budi@toko.co.id", words={"NAME": ["budi", "toko"]}) == "[EMAIL]"


def test_a_word_does_not_read_a_placeholder() -> None:
    text = "mail a@b.co the [EMAIL] of {{email}}"
    assert fused([step.make_transform(words={"W": ["email"]})])(text) == "mail [EMAIL] the [EMAIL] of {{email}}"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"name": ["x"]}, r"words\.name: .*it becomes \[NAME\]"),
        ({"INST": ["x"]}, "control token"),
        ({"NAME": ["Budi", "--"]}, r"words\.NAME\[1\]: a word is"),
        ({"NAME": ["secret\ue05b"]}, r"words\.NAME\[0\]"),
        ({"NAME": [""]}, r"words\.NAME\[0\]"),
    ],
)
def test_a_wrong_list_of_words_is_said_without_its_words(words: dict[str, list[str]], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        step.make_transform(words=words)
    assert "secret" not in str(error.value)


EVERYTHING = step.make_transform(detectors=ALL, phone_regions=list(PHONE_REGIONS))


@pytest.mark.parametrize(
    "unit",
    [
        "DE89 ", "DE89", "00:", "0a-", "001a.", "3171234501900001 ", "nik nik is ", "123-45-", "ssn is ",
        "eyJaaaaaaaaaa-", "eyJaaaaaaaaaa.", "sk-", "bearer a", "bc1q", "-----BEGIN PRIVATE KEY-----", "xoxb-1", "0x1 ",
    ],
)  # fmt: skip
def test_no_text_takes_any_detector_long(unit: str) -> None:
    started = time.process_time()
    EVERYTHING(unit * (40_000 // len(unit)))
    assert time.process_time() - started < 2


PIECES = st.sampled_from(
    [
        "DE89370400440532013000", "00:1A:2B:3C:4D:5E", NIK, "219-09-9998", JWT, "Bearer ",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "nik ", "order ", "call ", "[IBAN]", "Budi", "10.0.0.1",
        "081234567890", "a@b.co", "-", " ", ":", ".",
    ]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=5), max_size=8).map("".join))
@example(f"{NIK}-081234567890")
def test_no_detector_fires_on_what_the_step_wrote(text: str) -> None:
    clean = fused([step.make_transform(detectors=ALL, words={"NAME": ["Budi"]}, phone_regions=list(PHONE_REGIONS))])
    assert clean(clean(text)) == clean(text)


@given(st.lists(PIECES | st.text(max_size=5), max_size=8).map("".join))
@example("AKIA" + "IOSFODNNABEXAMPL")
@example("aa:bb:cc:dd:ee:ff")
@example("abcd.abef.cafe")
@example("WWW.a.io x")
@example("xoxb-abcdefghijkl")
@example("DE89 3704 0044 0532 0130 00")
def test_the_quick_look_overlooks_nothing(text: str) -> None:
    def write(kind: str, _: str) -> str:
        return hide(f"[{kind}]")

    one_by_one = text
    for detector in DETECTORS.values():
        one_by_one = detector.replacer(write)(one_by_one)
    assert replacer(ALL, [], write)(text) == one_by_one


@given(st.lists(st.lists(PIECES | st.text(max_size=5), max_size=8).map("".join), max_size=5))
@example(["a\x01@", "@"])
def test_many_texts_are_looked_at_as_each_would_be(texts: list[str]) -> None:
    found = replacer(ALL, [], lambda kind, _: hide(f"[{kind}]"))
    assert found.on_all(texts) == list(map(found, texts))


@pytest.mark.parametrize(
    ("kind", "a", "b"),
    [
        ("EMAIL", "A@B.co", "a@b.CO"), ("CARD", "4111 1111 1111 1111", "4111-1111-1111-1111"),
        ("PHONE", "+62 812-3456-7890", "0812 3456 7890"), ("PHONE", "0062 21 555 1234", "(021) 555-1234"),
        ("PHONE", "+1 (212) 555-0123 ext. 4", "212.555.0123"), ("IBAN", "nl91 abna 0417 1643 00", "NL91ABNA0417164300"),
        ("NIK", "3171-2345-0190-0001", NIK), ("MAC", "00-1A-2b-3C-4d-5E", "001a.2b3c.4d5e"),
        ("NAME", "Siti  Aminah", "SITI AMINAH"), ("CRYPTO", "BC1QW508D6QE", "bc1qw508d6qe"),
    ],
)  # fmt: skip
def test_all_spellings_of_a_value_have_one_normal_form(kind: str, a: str, b: str) -> None:
    assert normal_form(kind, a) == normal_form(kind, b)


@pytest.mark.parametrize(
    ("kind", "a", "b"), [("SECRET", "hf_a", "hf_A"), ("CRYPTO", "1Ab", "1AB"), ("PHONE", "0812", "0813")]
)
def test_different_values_stay_different(kind: str, a: str, b: str) -> None:
    assert normal_form(kind, a) != normal_form(kind, b)

"""Where a person's money is: payment cards and international bank accounts (IBAN)."""

import re

from resep.detectors.detector import Detector, detector, digits_of

_PREFIXES: list[tuple[str, range | tuple[int, ...]]] = [
    (r"4", (13, 16, 19)),  # Visa
    (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),  # Mastercard
    (r"3[47]", (15,)),  # American Express
    (r"30[0-5]|3[689]", (14,)),  # Diners Club
    (r"352[89]|35[3-8]", (16,)),  # JCB
    (r"6011|64[4-9]|65", range(16, 20)),  # Discover
    (r"62", range(16, 20)),  # UnionPay
    (r"5018|5020|5038|5893|6304|6759|676[1-3]", range(13, 20)),  # Maestro
    (r"220[0-4]", range(16, 20)),  # Mir
]
_ISSUERS = [(re.compile(prefix).match, frozenset(lengths)) for prefix, lengths in _PREFIXES]
_DOUBLED = str.maketrans("0123456789", "0246813579")  # twice a digit, the two digits of the result summed

_IBAN_LENGTHS = {  # of the SWIFT registry, country and check digits included
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ DZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}


def is_card(digits: str) -> bool:
    """Whether a known issuer has cards with this beginning and length, and the check digit is right."""
    issued = any(len(digits) in lengths and begins(digits) for begins, lengths in _ISSUERS)
    return issued and passes_luhn(digits)


def passes_luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812: from the right, every second digit doubled and its digits summed."""
    return (sum(map(int, digits[::-2])) + sum(map(int, digits[-2::-2].translate(_DOUBLED)))) % 10 == 0


def passes_mod_97(iban: str) -> bool:
    """The check digits of ISO 13616: the first four characters moved to the end, letters as 10 to 35, leave 1."""
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1


def _iban(length: int, countries: str) -> str:
    """Together or in fours; a country's length is exact, so that the next word is not taken for the last digits."""
    fours, rest = divmod(length - 4, 4)
    tail = rf"[ ]?[A-Z0-9]{{{rest}}}" if rest else ""
    return rf"(?:{countries.replace(' ', '|')})\d\d(?:[ ]?[A-Z0-9]{{4}}){{{fours}}}{tail}"


CARD: Detector = detector(
    "CARD",
    r"(?<![A-Za-z0-9_.,+-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{4,5})"
    r"(?![A-Za-z0-9_]|[-.,]\d)",
    marks="",
    hint=lambda marks: marks.count(b"0") >= 13,
    may_hold=re.compile(r"[0-9](?:[ -]?[0-9]){12}").search,
    accepts=lambda found: is_card(digits_of(found.group())),
    normalise=digits_of,
)
IBAN: Detector = detector(
    "IBAN",
    rf"(?<![A-Za-z0-9])(?:{'|'.join(_iban(*each) for each in _IBAN_LENGTHS.items())})(?![A-Za-z0-9])",
    marks="",
    hint=lambda marks: marks.count(b"0") >= 2,
    may_hold=re.compile(r"[0-9]{2}(?: ?[A-Za-z0-9]{4}){2}").search,
    accepts=lambda found: passes_mod_97(found.group().replace(" ", "")),
    normalise=lambda value: value.replace(" ", "").upper(),
)

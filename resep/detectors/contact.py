"""How to reach a person: e-mail addresses and phone numbers."""

import re
from collections.abc import Iterator

from resep.detectors.detector import Detector, Look, compiled, detector, digits_of, value_of

_LETTERS = "A-Za-z\u00c0-\u024f"
_HOST = rf"(?:[{_LETTERS}0-9-]{{1,63}}\.){{1,8}}[{_LETTERS}]{{2,24}}"
_START = re.compile(r"[(+0-9](?<![A-Za-z0-9_+.,/#$=-].)")  # no number, code or price goes on to the left ...
_END = r"(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?![A-Za-z0-9_]|[-.,/:]\d|%)"  # ... or, an extension aside, to the right
_S = "[ .\u00a0-]?"
_ANNOUNCED = r"\b(?:phone|telephone|telepon|telp|tel|call|hp|wa|whatsapp|mobile|cell|fax|sms|text|ponsel|hubungi|reach)"
_GLUE = r"(?:[ :.=(]{1,3}(?:number|nomor|no|is|at|me|us|on|to|saya|kami|di|ke|my|via|adalah)\b){0,4}[ :.=]{1,3}"

_PHONES = "|".join(
    [
        rf"\(?\+[1-9]\d{{0,2}}\)?{_S}(?:\(0?\d{{1,4}}\){_S})?\d{{1,4}}(?:{_S}\d{{2,5}}){{1,5}}",  # +62 812 ...
        r"00[1-9]?\d{0,2}[ .-]\d{2,4}(?:[ .-]\d{2,5}){1,4}",  # 0044 20 ..., 001-212-...
        rf"(?:1{_S})?(?:\([2-9]\d\d\){_S}|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{{4}}",  # (212) 555-0123
        r"\((?:0\d{1,3}|[1-9]\d{1,2})\)[ -]?\d{3,4}[ -]?\d{3,5}",  # (021) 555 1234
        rf"(?:62|0){_S}8(?:1[1-9]|2[1-38]|3[1-38]|5[1-35-9]|7[7-9]|8[1-9]|9[5-9])"
        rf"{_S}\d{{1,4}}{_S}\d{{3,4}}(?:{_S}\d{{1,4}})?",  # 0812-3456-7890: Indonesian mobile
        r"0(?:2[1-9]|[2-79]\d\d)[ -]\d{3,4}[ -]?\d{3,4}",  # 0274 561 234: Indonesian landline
    ]
)


_NUMBER = rf"\(?\d{{1,4}}\)?(?:{_S}\d{{2,5}}){{1,5}}"
_ANY_NUMBER = re.compile(r"[0-9]{1,4}\)?(?:[ .\u00a0-]?[0-9]{2,5}){1,5}")
_ANNOUNCED_NUMBER = compiled(rf"{_ANNOUNCED}{_GLUE}(?P<value>{_NUMBER}){_END}")  # call me at 555 01 23
_EXTENSION = re.compile("[x;]|ext", re.IGNORECASE)
_DATE = re.compile("(?:19|20)[0-9]{2}-[0-9]{2}-")
_FRACTION = re.compile(
    r"[0-9]{1,3}\.[0-9]+|\+[0-9]{1,3}\.[0-9]{1,8}"
)  # 62.855222, a sensor's; +1.2125550123 is dialled
_DATE_OR_PRICE = re.compile(
    r"(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{1,3}(?:\.[0-9]{3}){0,3}\.[0-9]00\.000|[0-9]{2,10}00000"
)


def free_standing(pattern: str) -> Look:
    """Looks for a number that is no part of a longer one, of a code or of a price.

    To try a pattern where a number begins, and nowhere else, takes a quarter of the time.
    """
    match = compiled(f"(?:{pattern}){_END}").match

    def look(text: str) -> Iterator[re.Match[str]]:
        end = 0
        for start in _START.finditer(text):
            if start.start() >= end and (found := match(text, start.start())):
                end = found.end()
                yield found

    return look


def _announced(text: str) -> Iterator[re.Match[str]]:
    """Dates and prices announce nothing: to look for the words before them would take most of the time."""
    if any(_may_be_announced(found.group()) for found in _ANY_NUMBER.finditer(text)):
        yield from _ANNOUNCED_NUMBER.finditer(text)


def _may_be_announced(number: str) -> bool:
    return len(digits_of(number)) >= 7 and not _DATE_OR_PRICE.fullmatch(number)


def _is_phone(found: re.Match[str]) -> bool:
    value = value_of(found)
    digits = digits_of(_EXTENSION.split(value)[0])
    is_other = digits.endswith("00000") or _DATE.search(value) or _FRACTION.fullmatch(value)
    return 7 <= len(digits) <= 15 and not is_other


def _same_number(value: str) -> str:
    """The digits as they are dialled at home, without an extension: +62 812 and 0812 are one, +1 212 and 212 too."""
    digits = digits_of(_EXTENSION.split(value)[0]).removeprefix("00")
    if digits.startswith("62") and len(digits) >= 10:
        return f"0{digits[2:].removeprefix('0')}"
    return digits[1:] if digits.startswith("1") and len(digits) == 11 else digits


EMAIL: Detector = detector(
    "EMAIL",
    rf"(?<![{_LETTERS}0-9._%+-])[{_LETTERS}0-9._%+'-]{{1,64}}@{_HOST}",
    marks="@",
    hint=lambda marks: b"@" in marks,
    may_hold=lambda text: "@" in text,
)
PHONE: Detector = detector(
    "PHONE",
    free_standing(_PHONES),
    _announced,
    marks="",
    hint=lambda marks: marks.count(b"0") >= 7,
    may_hold=re.compile(r"[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){6}").search,
    accepts=_is_phone,
    normalise=_same_number,
)

"""How to reach a person: e-mail addresses and phone numbers."""

import re

from resep.detectors.detector import Detector, detector, digits_of, value_of

_LETTERS = "A-Za-z\u00c0-\u024f"
_HOST = rf"(?:[{_LETTERS}0-9-]{{1,63}}\.){{1,8}}[{_LETTERS}]{{2,24}}"
_FREE = r"(?<![A-Za-z0-9_+.,/#$=-])"  # no number, code or price goes on to the left ...
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
        rf"{_S}\d{{1,4}}{_S}\d{{3,4}}{_S}\d{{0,4}}",  # 0812-3456-7890: Indonesian mobile
        r"0(?:2[1-9]|[2-79]\d\d)[ -]\d{3,4}[ -]?\d{3,4}",  # 0274 561 234: Indonesian landline
    ]
)


def _is_phone(found: re.Match[str]) -> bool:
    value = value_of(found)
    digits = digits_of(re.split(r"[x;]|ext", value, flags=re.IGNORECASE)[0])
    return (
        7 <= len(digits) <= 15 and not digits.endswith("00000") and not re.search(r"(?:19|20)[0-9]{2}-[0-9]{2}-", value)
    )


EMAIL: Detector = detector(
    "EMAIL",
    lambda text: "@" in text,
    rf"(?<![{_LETTERS}0-9._%+-])[{_LETTERS}0-9._%+'-]{{1,64}}@{_HOST}",
)
PHONE: Detector = detector(
    "PHONE",
    re.compile(r"[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){6}").search,
    rf"{_FREE}(?:{_PHONES}){_END}",
    rf"{_ANNOUNCED}{_GLUE}(?P<value>\(?\d{{1,4}}\)?(?:{_S}\d{{2,5}}){{1,5}}){_END}",  # call me at 555 01 23
    accepts=_is_phone,
)

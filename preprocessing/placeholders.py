"""Replace personal data by placeholders such as [EMAIL]: the recipe's own patterns first, then the detectors.

detectors: which of email, phone, card, url, ip to look for
patterns: names of your own (capitals) and their regular expressions, for example ORDER: "INV-[0-9]{6}"

Precision before recall: prices, order and tracking numbers, versions and dates stay. A card must have a known issuer's
prefix and length and pass Luhn; a phone must be written as one (+62..., (021) ..., 0812-..., 212-555-0123) or be
announced by a word such as "call" or "telepon". ASCII classes and bounded repeats only, so that no text takes long.
"""

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Literal

from resep import hide
from resep.patterns import compile_safe
from resep.placeholders import is_hidden
from resep.suggest import did_you_mean

Replace = Callable[[str], str]


def transform_text(
    text: str,
    *,
    detectors: list[Literal["email", "phone", "card", "url", "ip"]] = ["email", "phone", "card", "url", "ip"],  # noqa: B006 - options are read from literals
    patterns: dict[str, str] = {},  # noqa: B006
) -> str:
    replace = _replacer(tuple(detectors), tuple(patterns.items()))
    # What stood between two finds may become one itself once they are gone: until nothing changes.
    while (replaced := replace(text)) != text:
        text = replaced
    return text


@lru_cache
def _replacer(detectors: tuple[str, ...], patterns: tuple[tuple[str, str], ...]) -> Replace:
    own = [_own_pattern(name, pattern) for name, pattern in patterns]
    unknown = sorted(set(detectors) - _DETECTORS.keys())
    if unknown:
        raise ValueError(f"no detector {unknown[0]!r}{did_you_mean(unknown[0], _DETECTORS)}")
    built_in = [replace for name, replace in _DETECTORS.items() if name in detectors]

    def replace_all(text: str) -> str:
        for replace in own:
            text = replace(text)
        for replace in built_in:
            text = replace(text)
        return text

    return replace_all


# Control tokens of the Mistral family: a placeholder of that name would end a turn instead of standing for a value.
_RESERVED = re.compile("INST|(?:AVAILABLE_)?TOOL(?:S|_CALLS|_RESULTS|_CONTENT)|SYSTEM_PROMPT|PREFIX|MIDDLE|SUFFIX|IMG")


def _own_pattern(name: str, pattern: str) -> Replace:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{0,31}", name):
        raise ValueError(f"patterns.{name}: a name is up to 32 capitals, digits and _ : it becomes [{name.upper()}]")
    if _RESERVED.fullmatch(name):
        raise ValueError(f"patterns.{name}: [{name}] is a control token of chat models; choose another name")
    try:
        compiled = compile_safe(pattern)
    except ValueError as error:
        raise ValueError(f"patterns.{name}: {error}") from error
    hidden = hide(f"[{name}]")

    def replaced(found: str) -> str:
        # A pattern such as "." also matches what was replaced a moment ago: the text would grow for ever.
        return found if is_hidden(found) else hidden

    return partial(compiled.sub, replaced)


def _detector(
    name: str, may_hold: Callable[[str], object], *patterns: str, accepts: Callable[[re.Match[str]], bool] | None = None
) -> Replace:
    """Replaces what the patterns find and `accepts` confirms; of a pattern with a group `value`, that group alone.

    `may_hold` says quickly that a text holds no such value: nearly all texts stop there.
    """
    hidden = hide(f"[{name}]")
    compiled = [re.compile(pattern, re.ASCII | re.IGNORECASE) for pattern in patterns]

    def replaced(found: re.Match[str]) -> str:
        if accepts and not accepts(found):
            return found.group()
        start, end = (position - found.start() for position in found.span(_group(found)))
        return found.group()[:start] + hidden + found.group()[end:]

    def replace(text: str) -> str:
        if may_hold(text):
            for pattern in compiled:
                text = pattern.sub(replaced, text)
        return text

    return replace


def _group(found: re.Match[str]) -> str | int:
    return "value" if "value" in found.re.groupindex else 0


def _is_card(found: re.Match[str]) -> bool:
    digits = _digits(found.group())
    issuer = any(re.match(prefix, digits) and len(digits) in lengths for prefix, lengths in _ISSUERS)
    return issuer and _passes_luhn(digits)


def _passes_luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812: from the right, every second digit doubled and its digits summed."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0


def _is_phone(found: re.Match[str]) -> bool:
    value = found.group(_group(found))
    digits = _digits(re.split(r"[x;]|ext", value, flags=re.IGNORECASE)[0])
    return (
        7 <= len(digits) <= 15 and not digits.endswith("00000") and not re.search(r"(?:19|20)[0-9]{2}-[0-9]{2}-", value)
    )


def _is_address(found: re.Match[str]) -> bool:
    text = found.group("value")
    if ":" in text and len(re.findall(r"[0-9a-f]+", text, re.IGNORECASE)) < 3:
        return False  # a::b is also code
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    names_nobody = address.is_unspecified or address.is_loopback
    return not names_nobody and not found.groupdict().get("version")


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


_ISSUERS: list[tuple[str, range | tuple[int, ...]]] = [
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

_HIDDEN = "\ue000-\ue07f"  # a value replaced a moment ago may be part of an address
_LETTERS = "A-Za-z\u00c0-\u024f"
_URL = rf"[A-Za-z0-9{_HIDDEN}._~:/?#@!$&'()*+,;=%|\[\]-]*[A-Za-z0-9{_HIDDEN}/_~#@$&*+=%-]"
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

_DETECTORS: dict[str, Replace] = {  # in this order: a url may hold an e-mail, a card may look like a phone
    "url": _detector(
        "URL",
        lambda text: "://" in text or "www." in text.lower(),
        rf"(?<![A-Za-z0-9])(?:https?|ftp)://{_URL}",
        rf"(?<![A-Za-z0-9@.-])www\.[a-z0-9-]{{1,63}}\.{_URL}",
    ),
    "email": _detector(
        "EMAIL",
        lambda text: "@" in text,
        rf"(?<![{_LETTERS}0-9._%+-])[{_LETTERS}0-9._%+'-]{{1,64}}@{_HOST}",
    ),
    "ip": _detector(
        "IP",
        lambda text: text.count(".") >= 3 or text.count(":") >= 2,
        r"(?P<version>\b(?:version|versi|ver|release|firmware|build|v)[ .:]{1,2})?"
        r"(?<![A-Za-z0-9.])(?P<value>\d{1,3}(?:\.\d{1,3}){3})(?![A-Za-z0-9]|\.\d)",
        r"(?<![A-Za-z0-9:.])(?P<value>(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4})?)(?![A-Za-z0-9:])",
        accepts=_is_address,
    ),
    "card": _detector(
        "CARD",
        re.compile(r"[0-9](?:[ -]?[0-9]){12}").search,
        r"(?<![A-Za-z0-9_.,+-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{4,5})"
        r"(?![A-Za-z0-9_]|[-.,]\d)",
        accepts=_is_card,
    ),
    "phone": _detector(
        "PHONE",
        re.compile(r"[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){6}").search,
        rf"{_FREE}(?:{_PHONES}){_END}",
        rf"{_ANNOUNCED}{_GLUE}(?P<value>\(?\d{{1,4}}\)?(?:{_S}\d{{2,5}}){{1,5}}){_END}",  # call me at 555 01 23
        accepts=_is_phone,
    ),
}

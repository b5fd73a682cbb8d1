"""What opens a door: keys and tokens of well-known shapes, and addresses of crypto money."""

import hashlib
import re

from resep.detectors.detector import Detector, detector, value_of

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_SUMS = (1, 0x2BC830A3)  # BIP 173, and BIP 350 from witness version 1 on
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)

_SHAPES = "|".join(
    [
        r"(?:AKIA|ASIA)[A-Z2-7]{16}",  # AWS
        r"gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{40,100}",
        r"xox[abeoprs]-[A-Za-z0-9-]{10,200}|xapp-[A-Za-z0-9-]{20,200}",  # Slack
        r"AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,400}",  # Google
        r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,200}|whsec_[A-Za-z0-9]{24,100}",  # Stripe
        r"hf_[A-Za-z0-9]{30,60}|glpat-[A-Za-z0-9_-]{20,100}|npm_[A-Za-z0-9]{36}",
        r"sk-(?=[A-Za-z_-]{0,60}[0-9])[A-Za-z0-9_-]{20,250}",  # OpenAI and others
        r"eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,1000}",  # JSON web tokens
    ]
)
_HINTS = (
    *("AKIA", "ASIA", "AIza", "eyJ", "earer", "-----BEGIN", "ya29.", "github_pat_", "whsec_", "hf_", "npm_", "glpat-"),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "xox", "xapp-", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "sk-"),
)


def _may_hold_secret(text: str) -> bool:
    return any([hint in text for hint in _HINTS])  # noqa: C419 - faster than to stop at the first


def _is_address(found: re.Match[str]) -> bool:
    text = value_of(found)
    if text[:2].lower() == "0x":
        return len(set(text[2:])) > 2  # 0x000...0 and 0xfff...f are nobody's
    return _is_bech32(text) if text[:3].lower() == "bc1" else _is_base58check(text)


def _is_base58check(text: str) -> bool:
    number = 0
    for character in text:
        if character not in _BASE58:
            return False
        number = number * 58 + _BASE58.index(character)
    if number >= 1 << 200:
        return False
    raw = number.to_bytes(25, "big")
    return raw[0] in {0, 5} and hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def _is_bech32(text: str) -> bool:
    """Whether the check sum over prefix and data (five bits a character) is one of the two there are."""
    lowered = text.lower()
    if text not in {lowered, text.upper()} or any(character not in _BECH32 for character in lowered[3:]):
        return False
    values = [3, 3, 0, 2, 3, *(_BECH32.index(character) for character in lowered[3:])]  # "bc", expanded, then the data
    total = 1
    for value in values:
        top = total >> 25
        total = (total & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            total ^= generator if top >> bit & 1 else 0
    return total in _BECH32_SUMS


SECRET: Detector = detector(
    "SECRET",
    # A block cut off before its end still gives the key away: then its lines of base64 go, and nothing after them.
    r"(?-i:-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----)"
    r"[A-Za-z0-9+/=\s,:-]{0,8000}?(?-i:-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----)",
    r"(?-i:-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----)(?:\s{1,4}[A-Za-z0-9+/=]{16,80}){0,200}",
    rf"(?-i:(?<![A-Za-z0-9_])(?:{_SHAPES})(?![A-Za-z0-9_]))",
    r"\bbearer[ ]{1,2}(?P<value>(?=[A-Za-z_.~+/-]{0,100}[0-9])[A-Za-z0-9_.~+/-]{16,2000}={0,2})(?![A-Za-z0-9_])",
    marks="_-.AI",
    hint=lambda marks: any(mark in marks for mark in (b"0", b"_", b"-", b"AI")) or marks.count(b".") >= 2,
    may_hold=_may_hold_secret,
    normalise=str,
)
CRYPTO: Detector = detector(
    "CRYPTO",
    r"(?<![A-Za-z0-9_/.=+-])(?:bc1[0-9a-z]{11,71}|0x[0-9a-f]{40}|(?-i:[13][1-9A-HJ-NP-Za-km-z]{25,34}))(?![A-Za-z0-9_])",
    marks="",
    hint=lambda marks: b"0" in marks,
    may_hold=re.compile(r"[bB013][0-9A-Za-z]{24}").search,
    accepts=_is_address,
    normalise=lambda value: value.lower() if value[:2].lower() in {"0x", "bc"} else value,
)

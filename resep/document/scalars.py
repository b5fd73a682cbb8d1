"""What an unquoted YAML scalar means: the YAML 1.2 core schema, and a word where YAML 1.1 tools would differ.

PyYAML's own rules are those of YAML 1.1: it reads `1e-4` as text, `no` as false, `017` as 15, `1:30` as 90.
"""

from __future__ import annotations

import math
import re

import yaml

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_A_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_MOST_DIGITS = 300  # int() itself refuses more than 4,300 with a ValueError
_LARGEST_INTEGER = 2**63
_BASES = {"0o": 8, "0x": 16}
_KINDS_OF_1_1 = {"bool": "true or false", "int": "a number", "float": "a number", "timestamp": "a date"}


def read_scalar(text: str) -> str | int | float | bool | None:
    """The value of a plain scalar. Raises ValueError, with words for the user, for infinities and oversized numbers."""
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if _NOT_A_NUMBER.fullmatch(text):
        raise ValueError(f"{text} is refused: a recipe's numbers are finite")
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return _float(text)
    return text


def other_reading(text: str) -> str | None:
    """A warning where tools that read YAML 1.1 would take this plain scalar for something else, else None.

    Exponents without a dot (`1e-4`) are left out: they are how people write learning rates.
    """
    ours, kind = read_scalar(text), _kind_in_1_1(text)
    if isinstance(ours, str):
        return _differs(text, "text", _KINDS_OF_1_1[kind]) if kind in _KINDS_OF_1_1 else None
    if isinstance(ours, int) and text.lstrip("+-").startswith("0"):
        theirs = str(_octal_in_1_1(text)) if kind == "int" else "text"
        return _differs(text, str(ours), theirs) if theirs != str(ours) else None
    return None


def _integer(text: str) -> int:
    if len(text) <= _MOST_DIGITS:
        number = int(text[2:], _BASES[text[:2]]) if text[:2] in _BASES else int(text)
        if abs(number) < _LARGEST_INTEGER:
            return number
    raise ValueError("this number does not fit into 64 bits")


def _float(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError(f"{text} is too large for a number")
    return number


def _kind_in_1_1(text: str) -> str:
    """bool, int, float, timestamp or str: what PyYAML's YAML 1.1 resolvers say."""
    if text in _NULL or text in _BOOLEAN or text in {"=", "<<"}:
        return "str"
    for tag, pattern in yaml.SafeLoader.yaml_implicit_resolvers.get(text[0], []):
        if pattern.match(text):
            return str(tag).rpartition(":")[2]
    return "str"


def _octal_in_1_1(text: str) -> int:
    sign, digits = (-1 if text.startswith("-") else 1), text.lstrip("+-")
    if digits.startswith(("0x", "0X")):
        return sign * int(digits, 16)
    return sign * int(digits, 8 if digits.startswith("0") else 10)


def _differs(text: str, ours: str, theirs: str) -> str:
    plainer = "true or false" if theirs == _KINDS_OF_1_1["bool"] else "it another way"
    return f"'{text}' is {ours} here (YAML 1.2) but {theirs} to YAML 1.1 tools; write {plainer}, or put it in quotes"

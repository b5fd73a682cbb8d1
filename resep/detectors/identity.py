"""Numbers that a state gives a person: the Indonesian NIK and the US social security number."""

import re

from resep.detectors.detector import Detector, detector, digits_of, value_of
from resep.detectors.money import is_card

_PROVINCES = frozenset(  # the first two digits, in the code list of the interior ministry
    str(code)
    for codes in (
        (*range(11, 20), 21),
        range(31, 37),
        (51, 52, 53),
        range(61, 66),
        range(71, 77),
        (81, 82),
        range(91, 98),
    )
    for code in codes
)
_DAYS_IN = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FOR_WOMEN = 40  # added to the day of birth

_ANOTHER_KIND = re.compile(
    r"(?:order|invoice|tracking|resi|pesanan|faktur|transaksi|transaction|ref(?:erence)?|rekening|card|kartu|voucher|"
    r"tagihan|imei|sn|serial)(?: (?:no|number|nomor|id|kredit|debit))?[ .:#]{0,3}\Z",
    re.ASCII | re.IGNORECASE,
)


def _is_nik(found: re.Match[str]) -> bool:
    """Province, date of birth and serial number hold; without the words for it, neither a card nor another number."""
    digits = digits_of(value_of(found))
    day, month = int(digits[6:8]) % _FOR_WOMEN, int(digits[8:10])
    plausible = (
        digits[:2] in _PROVINCES
        and digits[2:4] != "00"
        and int(digits[6:8]) < 2 * _FOR_WOMEN
        and 1 <= month <= 12
        and 1 <= day <= _DAYS_IN[month - 1]
        and digits[12:] != "0000"
    )
    if not plausible or "announced" in found.re.groupindex:
        return plausible
    before = found.string[max(0, found.start() - 40) : found.start()]
    return not is_card(digits) and not _ANOTHER_KIND.search(before)


def _is_ssn(found: re.Match[str]) -> bool:
    digits = digits_of(value_of(found))
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    issued = area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"
    return issued and digits not in {"078051120", "219099999", "123456789"}  # printed in wallets and booklets


_IS = r"(?:[ :.=#(]{1,3}(?:number|nomor|no|num|is|saya|anda|adalah|ktp|nya)\b){0,3}[ :.=#(]{0,3}"

NIK: Detector = detector(
    "NIK",
    rf"(?P<announced>\b(?:nik|e?-?ktp|kartu keluarga|no kk|penduduk|kependudukan){_IS})"
    r"(?P<value>\d{16}|\d{6}([ .-])\d{6}\3\d{4}|\d{4}([ .-])\d{4}\4\d{4}\4\d{4})(?![A-Za-z0-9_]|[-.,]\d)",
    r"(?<![A-Za-z0-9_.,+#/-])\d{16}(?![A-Za-z0-9_%]|[-.,/]\d)",
    marks="",
    hint=lambda marks: marks.count(b"0") >= 16,
    may_hold=re.compile(r"[0-9](?:[ .-]?[0-9]){15}").search,
    accepts=_is_nik,
    normalise=digits_of,
)
US_SSN: Detector = detector(
    "US_SSN",
    r"(?<![A-Za-z0-9_.,+#/-])\d{3}-\d{2}-\d{4}(?![A-Za-z0-9_%]|[-.,/]\d)",
    rf"\b(?:ssn|social security){_IS}(?P<value>\d{{3}}([ -]?)\d{{2}}\2\d{{4}})(?![A-Za-z0-9_]|[-.,]\d)",
    marks="",
    hint=lambda marks: marks.count(b"0") >= 9,
    may_hold=re.compile(r"[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{4}").search,
    accepts=_is_ssn,
    normalise=digits_of,
)

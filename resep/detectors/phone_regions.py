"""How a phone number is written inside its own country, without +62 or another international prefix.

Only what hardly anything else looks like: digits without any space or hyphen count where a mobile prefix and the exact
length speak for a phone. Prices, dates and order numbers stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from resep.detectors.contact import free_standing
from resep.detectors.detector import Detector
from resep.suggest import did_you_mean

PHONE_REGIONS: Mapping[str, tuple[str, ...]] = {
    "AU": (
        r"04\d\d ?\d{3} ?\d{3}",
        r"(?:\(0[2378]\) ?|0[2378] )\d{4}[ -]?\d{4}",
        r"1[38]00 \d{3} \d{3}",
    ),
    "BR": (r"(?:\([1-9]\d\) ?|[1-9][1-9] )9\d{4}[- ]?\d{4}", r"\([1-9]\d\) ?\d{4}[- ]?\d{4}"),
    "CN": (r"1[3-9]\d[ -]?\d{4}[ -]?\d{4}", r"0(?:10|2\d|[3-9]\d\d)-\d{7,8}"),
    "DE": (r"01[567]\d(?: ?/ ?|[ -]?)\d{3} ?\d{4,5}", r"0[2-9]\d{1,3}(?: ?/ ?|[ -])\d{3,4} ?\d{2,5}(?:-\d{1,4})?"),
    "ES": (r"[6-9]\d\d([ -])\d{3}\1\d{3}", r"[6-9]\d\d(?: \d\d){3}"),
    "FR": (r"0[1-9](?:[ .-]\d\d){4}", r"0[1-9]\d{8}"),
    "GB": (
        r"07\d{3} ?\d{3} ?\d{3}",
        r"(?:\(02\d\) ?|02\d )\d{4} ?\d{4}",
        r"(?:\(0(?:11\d|1\d1|[38]\d\d)\) ?|0(?:11\d|1\d1|[38]\d\d) )\d{3} ?\d{4}",
        r"(?:\(01\d{3}\) ?|01\d{3} )\d{3} ?\d{3}",
    ),
    "ID": (r"62[ -]\d{2,3}[ -]\d{3,4}[ -]?\d{3,4}", r"0[2-79]\d{1,2}/\d{3,4}[ -]?\d{3,4}"),
    "IN": (r"(?:0[ -]?)?[6-9]\d{4}[ -]\d{5}", r"0[6-9]\d{9}", r"0[1-9]\d{1,3}-\d{6,8}"),
    "IT": (r"3\d\d[ -]\d{3} ?\d{3,4}", r"0[1-9]\d{0,2}[ /-]\d{5,8}", r"0[1-9]\d{0,2} \d{3,4} \d{3,4}"),
    "JP": (r"0[5789]0-?\d{4}-?\d{4}", r"0\d{1,3}-\d{2,4}-\d{4}", r"0(?:120|800)-\d{3}-\d{3}"),
    "KR": (r"01[016-9][ -]?\d{3,4}[ -]?\d{4}", r"0(?:2|[3-6]\d)-\d{3,4}-\d{4}"),
    "MX": (r"(?:55|56|33|81)([ -])\d{4}\1\d{4}", r"\([1-9]\d{1,2}\) ?\d{3,4}[ -]?\d{4}"),
    "MY": (r"01\d[ -]?\d{3,4}[ -]?\d{4}", r"0(?:[3-79]|8[2-9])-\d{3,4} ?\d{4}"),
    "NL": (r"06[ -]?\d{8}", r"06[ -]\d{4} \d{4}", r"06(?:[ -]\d\d){4}", r"0[1-9]\d{1,2}[ -]\d{3} ?\d{2} ?\d{2}"),
    "PH": (r"09\d\d[ -]?\d{3}[ -]?\d{4}", r"\(0[2-8]\d?\) ?\d{3,4}[ -]\d{4}"),
    "PL": (r"[4-8]\d\d([ -])\d{3}\1\d{3}", r"(?:\([1-9]\d\)|[1-9]\d) \d{3} \d\d \d\d"),
    "RU": (r"8[ -]?\(?9\d\d\)?[ -]?\d{3}[ -]?\d\d[ -]?\d\d",),
    "SG": (r"[689]\d{3} \d{4}",),
    "US": (r"[2-9]\d\d/[2-9]\d\d-\d{4}", r"1?\([2-9]\d\d\)[2-9]\d{6}"),
    "ZA": (r"0[1-8]\d ?\d{3} ?\d{4}",),
}


def phone_of(general: Detector, regions: Sequence[str]) -> Detector:
    """The detector of phone numbers that knows the ways of these countries too. ValueError for an unknown one."""
    for region in regions:
        if region not in PHONE_REGIONS:
            raise ValueError(
                f"phone_regions: no phone numbers of {region!r} are known{did_you_mean(region, PHONE_REGIONS)}; "
                f"known are {', '.join(PHONE_REGIONS)}"
            )
    ways = [way for region in dict.fromkeys(regions) for way in PHONE_REGIONS[region]]
    # Beside no other group of digits: eight digits out of a tracking number are no phone number of Singapore.
    national = (free_standing(rf"(?<![0-9][ -])(?:{way})(?![ -][0-9])") for way in ways)
    return replace(general, looks=(*general.looks, *national))

"""Places in a network: links, IP addresses and the hardware (MAC) addresses of devices."""

import ipaddress
import re

from resep.detectors.detector import Detector, detector, value_of

_HIDDEN = "\ue000-\ue0ff"  # a value replaced a moment ago may be part of an address
_URL = rf"[A-Za-z0-9{_HIDDEN}._~:/?#@!$&'()*+,;=%|\[\]-]*[A-Za-z0-9{_HIDDEN}/_~#@$&*+=%-]"
_VERSION_OF = re.compile(
    r"\b(?:version|versi|ver|release|firmware|driver|build|section|chapter|clause|bab|pasal|v)[ .:]{1,2}\Z",
    re.ASCII | re.IGNORECASE,
)
_FOUR_NUMBERS = re.compile(rb"0\.0{1,3}\.0{1,3}\.0")


def _is_address(found: re.Match[str]) -> bool:
    text = found.group("value")
    if ":" in text and len(re.findall(r"[0-9a-f]+", text, re.IGNORECASE)) < 3:
        return False  # a::b is also code
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    names_nobody = address.is_unspecified or address.is_loopback
    return not names_nobody and not _VERSION_OF.search(found.string, max(0, found.start() - 20), found.start())


def _is_device(found: re.Match[str]) -> bool:
    return len(set(re.split("[:.-]", value_of(found).lower()))) > 1  # 00:00:..., ff:ff:...: nobody's


URL: Detector = detector(
    "URL",
    rf"(?<![A-Za-z0-9])(?:https?|ftp)://{_URL}",
    rf"(?<![A-Za-z0-9@.-])www\.[a-z0-9-]{{1,63}}\.{_URL}",
    marks=":/.wW",
    hint=lambda marks: b"://" in marks or b"www." in marks,
    may_hold=lambda text: "://" in text or "www." in text.lower(),
)
IP: Detector = detector(
    "IP",
    r"(?<![A-Za-z0-9.])(?P<value>[0-9]{1,3}(?:\.[0-9]{1,3}){3})(?![A-Za-z0-9]|\.[0-9])",
    r"(?<![A-Za-z0-9:.])(?P<value>(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4})?)(?![A-Za-z0-9:])",
    marks=".:",
    hint=lambda marks: _FOUR_NUMBERS.search(marks) or b"::" in marks or marks.count(b":") >= 7,
    may_hold=lambda text: text.count(".") >= 3 or text.count(":") >= 2,
    accepts=_is_address,
)
MAC: Detector = detector(
    "MAC",
    r"(?<![A-Za-z0-9:.-])(?:[0-9a-f]{2}(?P<between>[:-])(?:[0-9a-f]{2}(?P=between)){4}[0-9a-f]{2})(?![A-Za-z0-9]|[:-][0-9a-f])",
    r"(?<![A-Za-z0-9.])(?=[0-9.]{0,13}[a-f])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![A-Za-z0-9]|\.[0-9a-f])",  # Cisco's
    marks=":.-",
    hint=lambda marks: marks.count(b":") >= 5 or marks.count(b"-") >= 5 or marks.count(b".") >= 2,
    may_hold=lambda text: text.count(":") >= 5 or text.count("-") >= 5 or text.count(".") >= 2,
    accepts=_is_device,
    normalise=lambda value: re.sub("[^0-9a-f]", "", value.lower()),
)

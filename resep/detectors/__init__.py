"""Detectors of personal data, by the name a recipe gives them.

The order is the order in which they look: what may hold another (a link an e-mail address, an account number a phone
number) comes before it.

A change of what one finds raises the revision of the stage prepare: the store cannot see it, as it sees a plug-in's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from resep.detectors.contact import EMAIL, PHONE
from resep.detectors.detector import Detector, Replace, Write
from resep.detectors.identity import NIK, US_SSN
from resep.detectors.money import CARD, IBAN
from resep.detectors.network import IP, MAC, URL
from resep.detectors.phone_regions import phone_of
from resep.detectors.quick_look import quick_look
from resep.detectors.secrets import CRYPTO, SECRET
from resep.suggest import did_you_mean

DETECTORS: Mapping[str, Detector] = {
    "url": URL,
    "email": EMAIL,
    "secret": SECRET,
    "crypto": CRYPTO,
    "iban": IBAN,
    "mac": MAC,
    "ip": IP,
    "nik": NIK,
    "card": CARD,
    "us_ssn": US_SSN,
    "phone": PHONE,
}

__all__ = ["DETECTORS", "Detector", "Replace", "Replacer", "Write", "normal_form", "replacer"]


@dataclass(frozen=True)
class Replacer:
    """Replaces something in a text. `may_change` says of each of many texts whether that may be anything at all."""

    replace: Replace
    may_change: Callable[[Sequence[str]], Sequence[object]]

    def __call__(self, text: str) -> str:
        return self.replace(text)

    def on_all(self, texts: Sequence[str]) -> list[str]:
        """Each of the texts, changed; those that cannot change cost a third of a call."""
        may_change = self.may_change(texts)
        return [self.replace(text) if may else text for text, may in zip(texts, may_change, strict=True)]


def replacer(names: Sequence[str], phone_regions: Sequence[str], write: Write) -> Replacer:
    """What replaces every find of the named detectors in a text by what `write` makes of its kind and value.

    ValueError, with the nearest name, for a detector or a region that there is not.
    """
    unknown = sorted(set(names) - DETECTORS.keys())
    if unknown:
        raise ValueError(f"no detector {unknown[0]!r}{did_you_mean(unknown[0], DETECTORS)}")
    all_of_them = {**DETECTORS, "phone": phone_of(PHONE, phone_regions)}
    chosen = [detector for name, detector in all_of_them.items() if name in names]
    look = quick_look([(detector, detector.replacer(write)) for detector in chosen])

    def replace(text: str) -> str:
        for step in look.at(text):
            text = step(text)
        return text

    return Replacer(replace, look.at_all)


def normal_form(kind: str, value: str) -> str:
    """A value as all its spellings are written: an e-mail address in small letters, a card number without spaces."""
    detector = DETECTORS.get(kind.lower())
    return detector.normalise(value) if detector else " ".join(value.casefold().split())

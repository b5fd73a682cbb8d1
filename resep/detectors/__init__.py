"""Detectors of personal data, by the name a recipe gives them.

The order is the order in which they look: what may hold another (a link an e-mail address, an account number a phone
number) comes before it.

A change of what one finds raises the revision of the stage prepare: the store cannot see it, as it sees a plug-in's.
"""

from collections.abc import Mapping

from resep.detectors.contact import EMAIL, PHONE
from resep.detectors.detector import Detector
from resep.detectors.identity import NIK, US_SSN
from resep.detectors.money import CARD, IBAN
from resep.detectors.network import IP, MAC, URL
from resep.detectors.secrets import CRYPTO, SECRET

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

__all__ = ["DETECTORS", "Detector"]

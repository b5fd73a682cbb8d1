"""Digests of the personal data that was taken out, so that what a model says can be searched for it.

Never the values: a digest is HMAC-SHA256 of kind and value under a key that stays with its owner, cut to 16 bytes. The
key is made once per user, in the folder of their settings; a team shares one through RESEP_PRIVATE_KEY. Without it the
digests say nothing, not even to one who tries all phone numbers there are. The salt, the recipe's name, keeps those of
two projects from being compared.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from resep.detectors import normal_form
from resep.errors import ResepError
from resep.paths import config_folder

KEY_BYTES, DIGEST_BYTES = 32, 16
PRIVATE = "private_digests.bin"  # what prepare keeps beside its rows
FACTS = "private_digests.json"  # under which salt and key they were made
KEY_VARIABLE = "RESEP_PRIVATE_KEY"

Values = Callable[[str], Iterable[tuple[str, str]]]  # of a text, the (kind, value) pairs in it

# Kinds that are told by their digits: a model may repeat them in another spelling, or without the word before them.
_DIGIT_KINDS = ("PHONE", "CARD", "NIK", "US_SSN")
_DIGITS = re.compile(r"\+?[0-9](?:[ ().\u00a0/-]{0,3}[0-9]){6,24}")


def private_key() -> bytes:
    """This user's key, made if there is none. Raises ResepError where a file of keys is named and is none."""
    if _SHARED:
        return _SHARED[-1]
    if named := os.environ.get(KEY_VARIABLE):
        return _read_key(Path(named).expanduser(), f"{KEY_VARIABLE} names")
    path = config_folder() / "private.key"
    if not path.exists():
        _make_key(path)
    return _read_key(path, "the key for digests of personal data is")


def share_private_key(key: bytes) -> None:
    """Make this the key of the process: a worker on another machine has no file of it."""
    _SHARED.append(key)


_SHARED: list[bytes] = []


def digests_of(values: Iterable[tuple[str, str]], key: bytes, salt: str) -> frozenset[bytes]:
    """A digest of DIGEST_BYTES for each (kind, value), the same for all spellings of a value."""
    return frozenset(_digest(kind, normal_form(kind, value), key, salt) for kind, value in values)


def write_digests(path: Path, digests: Iterable[bytes]) -> None:
    """Write the digests, sorted and each once, so that the file is the same in whichever order they were met."""
    path.write_bytes(b"".join(sorted(set(digests))))


def digests_in(table: bytes) -> Iterator[bytes]:
    """The digests of a table, one after another."""
    return (table[at : at + DIGEST_BYTES] for at in range(0, len(table), DIGEST_BYTES))


def read_digests(path: Path) -> PrivateDigests:
    """What `write_digests` wrote. Raises ResepError for another file."""
    table = path.read_bytes()
    if len(table) % DIGEST_BYTES:
        raise ResepError(f"{path}: {len(table)} bytes are no list of digests of {DIGEST_BYTES} bytes each")
    return PrivateDigests(table)


def key_check(key: bytes, salt: str) -> str:
    """What tells, and only to who has the key, whether digests were made with it and with this salt."""
    return _digest("", "", key, salt).hex()


def write_facts(path: Path, key: bytes, salt: str) -> None:
    """Say under which salt digests were made, and leave what `key_check` is compared with."""
    path.write_text(json.dumps({"salt": salt, "check": key_check(key, salt)}), encoding="utf-8")


def read_facts(path: Path) -> dict[str, str]:
    """What `write_facts` wrote: `salt` and `check`."""
    return dict(json.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class PrivateDigests(Set[bytes]):
    """Sorted digests, 16 bytes each in memory too."""

    table: bytes

    def __len__(self) -> int:
        return len(self.table) // DIGEST_BYTES

    def __iter__(self) -> Iterator[bytes]:
        return map(self._at, range(len(self)))

    def __contains__(self, digest: object) -> bool:
        if not isinstance(digest, bytes):
            return False
        place = bisect_left(range(len(self)), digest, key=self._at)
        return place < len(self) and self._at(place) == digest

    def _at(self, place: int) -> bytes:
        return self.table[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES]


def leaks_in(text: str, values: Values, digests: Set[bytes], key: bytes, salt: str) -> Counter[str]:
    """How many different values of each kind stand in a text whose digests are among those given.

    Looked at is what `values` finds, and every run of digits long enough for a number that names somebody.
    """
    candidates = {(kind, normal_form(kind, value)) for kind, value in (*values(text), *_numbers_in(text))}
    return Counter(kind for kind, value in sorted(candidates) if _digest(kind, value, key, salt) in digests)


def _numbers_in(text: str) -> Iterator[tuple[str, str]]:
    for found in _DIGITS.finditer(text):
        for kind in _DIGIT_KINDS:
            yield kind, found.group()


def _digest(kind: str, value: str, key: bytes, salt: str) -> bytes:
    message = "\0".join((salt, kind, value)).encode("utf-8", "replace")
    return hmac.digest(key, message, "sha256")[:DIGEST_BYTES]


def _read_key(path: Path, what: str) -> bytes:
    try:
        key = path.read_bytes()
    except OSError as error:
        raise ResepError(f"{what} {path}: {error.strerror}; {_HOW_TO_MAKE.format(path)}") from error
    if len(key) != KEY_BYTES:
        raise ResepError(f"{what} {path}: it has {len(key)} bytes, not {KEY_BYTES}; {_HOW_TO_MAKE.format(path)}")
    return key


_HOW_TO_MAKE = "make one with: (umask 077; head -c 32 /dev/urandom > {0})"


def _make_key(path: Path) -> None:
    """Several processes may come here at once: all of them end up with the key of the first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        own.touch(mode=0o600, exist_ok=False)
        own.write_bytes(secrets.token_bytes(KEY_BYTES))
        with suppress(FileExistsError):
            path.hardlink_to(own)
    except OSError as error:
        raise ResepError(f"{path} cannot be made: {error.strerror}; {KEY_VARIABLE} can name another file") from error
    finally:
        own.unlink(missing_ok=True)

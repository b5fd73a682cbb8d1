"""The address of a server, as a recipe or a person writes it: what may stand in it, and whose it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)  # the name of one that may hold a key
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+", re.ASCII)
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*/?", re.ASCII)
_PORTS = {"https": 443, "http": 80}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Address:
    """Where requests go. `path` has no slash at its end."""

    scheme: Literal["https", "http"]
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port, the usual port left out: what a person's consent is given to."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{port}"

    @property
    def is_this_machine(self) -> bool:
        return self.host in _LOOPBACK

    @property
    def is_readable_on_the_way(self) -> bool:
        """Whether what is sent could be read between here and there."""
        return self.scheme == "http" and not self.is_this_machine


def read_address(url: str) -> Address:
    """The parts of an address. Raises ValueError with what is wrong, and never repeats a password in it."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise ValueError("this is no address of a server: write https://host/v1") from error
    if "@" in parts.netloc:
        raise ValueError("a recipe holds no user names and passwords: name the key's variable with api_key_env")
    if parts.scheme not in _PORTS:
        raise ValueError("an address begins with https:// (or http:// for a server in your own network)")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise ValueError("an address has neither ? nor #: write https://host/v1")
    if not host or not _HOST.fullmatch(host) or not _PATH.fullmatch(parts.path) or port == 0:
        raise ValueError("this is no address of a server: write https://host/v1")
    scheme: Literal["https", "http"] = "https" if parts.scheme == "https" else "http"
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return Address(scheme, host, port or _PORTS[scheme], path)

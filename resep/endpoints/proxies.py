"""The proxies that the environment names (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), and how requests go through them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from resep.address import Address


@dataclass(frozen=True)
class Proxy:
    host: str
    port: int
    headers: Mapping[str, str]


def proxy_for(address: Address) -> Proxy | None:
    """The proxy for this server, or None. Nothing that stays on this machine goes through one."""
    url = getproxies().get(address.scheme)
    if not url or address.is_this_machine or proxy_bypass(address.host):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    word = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    headers = {"Proxy-Authorization": f"Basic {base64.b64encode(word.encode()).decode()}"} if parts.username else {}
    return Proxy(parts.hostname or "", parts.port or 80, headers)


def target(address: Address, path: str) -> str:
    """What a request line names: the path, for a proxy without a tunnel the whole address."""
    return f"{address.origin}{path}" if address.scheme == "http" and proxy_for(address) else path


def proxy_headers(address: Address) -> Mapping[str, str]:
    """What a proxy without a tunnel wants with every request."""
    proxy = proxy_for(address) if address.scheme == "http" else None
    return proxy.headers if proxy else {}

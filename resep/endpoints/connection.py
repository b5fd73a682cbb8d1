"""One connection to a server, kept open from request to request: JSON goes out, a status and JSON come back.

The standard library's http.client, one connection per thread: it needs no dependency, keeps connections alive, knows a
timeout for connecting and another for the answer, and follows no redirect, so that rows go nowhere but to the server
that was agreed to.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from resep.address import Address
from resep.endpoints.proxies import proxy_for, proxy_headers, target

_MOST_BYTES = 32 << 20  # of one answer: 10,000 tokens with 20 log-probabilities each are a tenth of that
_CHUNK = 1 << 16


class UnreachableError(Exception):
    """No connection came about: no such host, refused, too slow. The message is for the person."""


class DroppedError(Exception):
    """The connection came about, and the answer did not, or not whole. The message is for the person."""


class UntrustedError(Exception):
    """The server could not prove who it is."""


@dataclass(frozen=True)
class Reply:
    """`body` is the JSON, None where it is none. Header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Connection:
    """Made anew whenever it broke. One thread at a time; `abort` may come from any."""

    def __init__(self, address: Address, connect_timeout_s: float, timeout_s: float) -> None:
        self._address, self._connect_timeout_s, self._timeout_s = address, connect_timeout_s, timeout_s
        self._open: http.client.HTTPConnection | None = None

    def exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
        """Send one request and read its reply. Raises one of the errors above; the next call connects anew."""
        was_open = self._open is not None
        try:
            return self._exchange(method, path, headers, body)
        except _GoneError:
            self.close()
            if not was_open:
                raise DroppedError("it closed the connection without an answer") from None
        # The server had closed a connection that lay idle; that says nothing about this request.
        try:
            return self._exchange(method, path, headers, body)
        except _GoneError:
            self.close()
            raise DroppedError("it closed the connection without an answer") from None

    def abort(self) -> None:
        """Break off what is under way: the thread that waits for an answer gets a DroppedError."""
        connection = self._open
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        deadline = time.monotonic() + self._timeout_s
        try:
            connection = self._open = self._open or _connect(self._address, self._connect_timeout_s)
            connected = connection.sock  # http.client forgets it where the response ends the connection
            connected.settimeout(self._timeout_s)
            connection.request(method, target(self._address, path), body, {**proxy_headers(self._address), **headers})
            response = connection.getresponse()
            content = _read(response, connected, deadline)
        except TimeoutError as error:
            self.close()
            raise DroppedError(f"no whole answer came within {self._timeout_s:g} seconds") from error
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
            raise _GoneError from error
        except (http.client.HTTPException, ConnectionError, OSError) as error:
            self.close()
            raise DroppedError("its answer broke off, or was none of HTTP") from error
        except BaseException:
            self.close()
            raise
        if response.will_close:
            self.close()
        return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, _json(content))


class _GoneError(Exception):
    """Nothing came back at all."""


def _connect(address: Address, timeout_s: float) -> http.client.HTTPConnection:
    """An open connection to the server, or to the proxy on the way to it."""
    proxy = proxy_for(address)
    host, port = (proxy.host, proxy.port) if proxy else (address.host, address.port)
    if address.scheme == "http":
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    else:
        connection = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=tls_context())
        if proxy:
            connection.set_tunnel(address.host, address.port, proxy.headers)
    try:
        connection.connect()
    except ssl.SSLError as error:
        raise UntrustedError(_tls_complaint(error)) from error
    except (socket.gaierror, UnicodeError) as error:  # a name that is none is told by its letters
        raise UnreachableError(
            f"no host '{host}' is known here: see how it is spelt, and whether you are online"
        ) from error
    except TimeoutError as error:
        raise UnreachableError(f"no connection to {host}:{port} came about within {timeout_s:g} seconds") from error
    except ConnectionRefusedError as error:
        raise UnreachableError(f"nothing listens at {host}:{port}: is the server running?") from error
    except OSError as error:
        reason = error.strerror or "the proxy on the way to it refused"
        raise UnreachableError(f"no connection to {host}:{port} came about: {reason}") from error
    with suppress(OSError):
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _read(response: http.client.HTTPResponse, connected: socket.socket, deadline: float) -> bytes:
    """The whole body. TimeoutError at the deadline, however steadily it drips."""
    parts, size = [], 0
    while True:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        with suppress(OSError):  # a response that ends its connection has closed the socket already
            connected.settimeout(remaining)
        part = response.read1(_CHUNK)
        if not part:
            break
        parts.append(part)
        size += len(part)
        if size > _MOST_BYTES:
            raise DroppedError(f"its answer is longer than {_MOST_BYTES >> 20} MiB")
    if response.length:  # what Content-Length promised and did not come
        raise http.client.IncompleteRead(b"", response.length)
    response.close()  # read1 leaves it open, and then the connection takes no further request
    return b"".join(parts)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


@cache
def tls_context() -> ssl.SSLContext:
    """Whom this process trusts: the system's authorities, or those in SSL_CERT_FILE."""
    return ssl.create_default_context()  # 20 ms: once


def _tls_complaint(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted here ({error.verify_message}); for a certificate of your own, name the "
            "file of its authority in SSL_CERT_FILE"
        )
    if "WRONG_VERSION_NUMBER" in str(error):
        return "it does not speak TLS there: write http:// if it is a server in your own network"
    return f"no TLS connection came about ({error.reason or 'unknown reason'})"

"""What a reply means for the request and for the run, and what to tell the person. Pure: nothing is sent here.

No message repeats what a server says in its own words: servers like to quote the request, and requests hold rows.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from resep.endpoints.connection import Reply
from resep.endpoints.records import Endpoint

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,60}", re.ASCII)
_SPENT = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}


@dataclass(frozen=True)
class Failure:
    """Why there is no answer.

    passing: to be tried again. unreachable: so too, but there was not even a connection. own: this request will never
    get one. all: no request will. missing: so too, because there is no such model. `wait_s` is what the server asked
    for.
    """

    kind: Literal["passing", "unreachable", "own", "all", "missing"]
    message: str
    wait_s: float | None = None


def judge(reply: Reply, endpoint: Endpoint) -> Failure:
    """What a reply without an answer in it means."""
    status, said = reply.status, f"{reply.status}{_identifiers(reply.body)}"
    if status == 401:
        return Failure("all", _wrong_key(endpoint))
    if status == 402 or _SPENT & set(_error(reply.body).values()):
        return Failure("all", f"the account has nothing left to spend ({said})")
    if status in (404, 405):
        return Failure("missing", f"there is no model '{endpoint.model}' or no such address ({said})")
    if 300 <= status < 400:
        return Failure("all", f"it sends requests on to another address ({said}): name that address, if you trust it")
    if status in (408, 409, 425, 429) or status >= 500:
        return Failure("passing", f"it answered {said}", _wait_s(reply))
    if 200 <= status < 300:
        return Failure("passing", "its answer is not the JSON of a completion")
    return Failure("own", f"it refused the request ({said})")


def refused_parameter(reply: Reply) -> str | None:
    """The option that this server does not know under this name, where its error says so."""
    error = _error(reply.body)
    return error.get("param") if reply.status == 400 and error.get("code") == "unsupported_parameter" else None


def _wrong_key(endpoint: Endpoint) -> str:
    if endpoint.api_key_env:
        return f"it does not accept the key in {endpoint.api_key_env} (401): set a valid one"
    return "it wants a key (401): name the environment variable that holds it with api_key_env"


def _wait_s(reply: Reply) -> float | None:
    """How long the server asks to be left alone: seconds, milliseconds as OpenAI says them, or a date."""
    milliseconds = _number(reply.headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = reply.headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or text is None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text.strip(), re.ASCII) else None


def _error(body: Any) -> dict[str, str]:
    """The short names in a server's error: its type, code and parameter. Never its message."""
    error = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return {}
    named = ((key, error.get(key)) for key in ("type", "code", "param"))
    return {key: value for key, value in named if isinstance(value, str) and _IDENTIFIER.fullmatch(value)}


def _identifiers(body: Any) -> str:
    names = list(dict.fromkeys(_error(body).values()))
    return f": {', '.join(names)}" if names else ""

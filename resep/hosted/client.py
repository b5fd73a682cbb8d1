"""OpenAI's own client, opened so that rows go nowhere but to the service, and its errors in words.

By itself the client follows redirects and sends a second request where the first broke off. Here it does the first
never (consent was given to one server) and the second only where it can do no harm.

What a service says of a job (its events, why it failed) is passed on: a job is told files and figures, no rows. Of what
it says to an upload only codes are repeated, because services like to quote the request.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from resep.endpoints.connection import tls_context
from resep.endpoints.consent import api_key, require_agreement
from resep.errors import ResepError
from resep.hosted.service import Service
from resep.printable import on_one_line

if TYPE_CHECKING:
    from openai import APIError, APIStatusError, OpenAI

INSTALL = "pip install 'resep[openai]'"
_OPENAI = "api.openai.com"
_TIMEOUT_S, _CONNECT_S = 120.0, 10.0
_BAD_GATEWAY = 502
_LONGEST = 300  # characters of a service's own words
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,60}", re.ASCII)
_SPENT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")


@contextmanager
def opened(service: Service) -> Iterator[OpenAI]:
    """The client for as long as the block lasts. Raises ResepError where the person has not agreed, or has no key."""
    require_agreement(service.endpoint())
    key = api_key(service.endpoint())
    try:
        from openai import DefaultHttpxClient, OpenAI, Timeout
    except ImportError as error:
        raise ResepError(f"training.trainer openai needs the package openai, which is not here: {INSTALL}") from error
    timeout = Timeout(_TIMEOUT_S, connect=_CONNECT_S)
    # Nothing that stays on this machine goes through a proxy of the environment.
    proxies = not service.address.is_this_machine
    http_client = DefaultHttpxClient(
        follow_redirects=False,
        trust_env=proxies,
        verify=tls_context(),
        event_hooks={"response": [_call_a_page_a_fault]},
    )
    headers = {} if service.address.host == _OPENAI else _withheld(key)
    with OpenAI(
        api_key=key,
        base_url=f"{service.name}{service.address.path}",
        timeout=timeout,
        http_client=http_client,
        default_headers=headers,
    ) as client:
        yield client


def _call_a_page_a_fault(response: Any) -> None:
    """A page where JSON should be, such as a proxy's login, is a bad gateway: the client takes it for the answer."""
    if response.is_success and _is_page(response):
        response.status_code = _BAD_GATEWAY


def _is_page(response: Any) -> bool:
    return "json" not in response.headers.get("content-type", "json").lower()


def _withheld(key: str | None) -> Mapping[str, Any]:
    """What the client adds by itself from the environment is for OpenAI alone: absent, and no other key than ours."""
    from openai import Omit

    own = os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()
    names = ["OpenAI-Organization", "OpenAI-Project", *(line.partition(":")[0].strip() for line in own)]
    return {**dict.fromkeys(filter(None, names), Omit()), "Authorization": f"Bearer {key}"}


def is_passing(error: APIError) -> bool:
    """Whether the same request may well succeed later: no connection, too many requests, a fault of the service."""
    from openai import APIConnectionError, APIStatusError

    if isinstance(error, APIConnectionError):
        return True
    if not isinstance(error, APIStatusError) or error.code in _SPENT:
        return False
    return error.status_code in (408, 409, 425, 429) or error.status_code >= 500


def in_words(error: APIError, service: Service, *, quoted: bool) -> str:
    """What happened and what to do. `quoted`: with the service's own words, where these cannot hold rows."""
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, APITimeoutError):
        return f"{service.name} did not answer in time"
    if isinstance(error, APIConnectionError):
        return f"no connection to {service.name} came about, or it broke off"
    if not isinstance(error, APIStatusError):
        return f"what {service.name} answered is not what this API says"
    said = ", ".join([str(error.status_code), *_codes(error)])
    words = f": {on_one_line(str(_message(error)))[:_LONGEST]}" if quoted and _message(error) else ""
    return f"{service.name} {_meaning(error, service)} ({said}){words}"


def _meaning(error: APIStatusError, service: Service) -> str:
    status = error.status_code
    if status == 401:
        return f"does not accept the key in {service.api_key_env}: set a valid one"
    if status == 402 or error.code in _SPENT:
        return "has an account with nothing left to spend"
    if status == 403:
        return "does not allow this to the account of this key"
    if status == 404:
        return "has nothing at this address; an address usually ends in /v1"
    if 300 <= status < 400:
        return "sends requests on to another address: name that one, if you trust it"
    if status == 429:
        return "gets too many requests from this account"
    if status == _BAD_GATEWAY and _is_page(error.response):
        return "is hidden behind a page: is there a proxy that wants a login?"
    return "has a fault of its own" if status >= 500 else "refused the request"


def _codes(error: APIError) -> list[str]:
    found = (error.type, error.code, error.param)
    return list(dict.fromkeys(code for code in found if isinstance(code, str) and _CODE.fullmatch(code)))


def _message(error: APIError) -> str | None:
    """The service's own sentence; the client's `message` is the whole answer."""
    body = error.body
    said = body.get("message") if isinstance(body, dict) else None
    return said if isinstance(said, str) else None

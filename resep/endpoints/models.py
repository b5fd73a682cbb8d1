"""Which models a server offers."""

from __future__ import annotations

from resep.endpoints.asking import get
from resep.endpoints.consent import api_key, require_agreement
from resep.endpoints.records import Endpoint


def model_names(endpoint: Endpoint) -> list[str] | None:
    """The models that the server offers, or None where it does not say."""
    require_agreement(endpoint)
    reply = get(endpoint, api_key(endpoint), "/models")
    listed = reply.body.get("data") if reply and isinstance(reply.body, dict) else None
    if not isinstance(listed, list):
        return None
    return [entry["id"] for entry in listed if isinstance(entry, dict) and isinstance(entry.get("id"), str)]

"""Checks of the servers that a recipe sends rows to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from resep.address import read_address
from resep.document.places import KeyPath
from resep.recipe.arms import placed_arms
from resep.recipe.checks.hosted import is_hosted
from resep.recipe.draft import Check, Draft, Finding


def rows_are_not_readable_on_the_way(draft: Draft) -> Iterator[Finding]:
    for path, endpoint in _endpoints(draft):
        try:
            address = read_address(endpoint)
        except ValueError:
            continue  # told with the step's own options
        if address.is_readable_on_the_way:
            message = "what is sent over http:// can be read on the way, rows and key alike: use https:// if you can"
            yield Finding(path, message, "warning")


def personal_data_is_not_sent(draft: Draft) -> Iterator[Finding]:
    names = [name for name, _ in _steps(draft)]
    for path, endpoint in _endpoints(draft):
        if "placeholders" not in names:
            message = (
                "rows are sent to this server as they are, personal data included; the step placeholders takes e-mail "
                "addresses, phone numbers and the like out of them first"
            )
            if not _is_this_machine(endpoint):
                yield Finding(path, message, "warning")


def _endpoints(draft: Draft) -> Iterator[tuple[KeyPath, str]]:
    for index, (name, options) in enumerate(_steps(draft)):
        endpoint = options.get("endpoint") if isinstance(options, dict) else None
        if isinstance(endpoint, str):
            yield ("preprocessing", index, name, "endpoint"), endpoint
    for name, options in (draft.value("evaluation.evaluators", dict) or {}).items():
        if isinstance(options, dict) and isinstance(options.get("endpoint"), str):
            yield ("evaluation", "evaluators", name, "endpoint"), options["endpoint"]
    for index, name, options in placed_arms(draft.value("generation.arms", list) or []):
        if isinstance(options.get("endpoint"), str):
            yield ("generation", "arms", index, name, "endpoint"), options["endpoint"]
    if is_hosted(draft) and (url := draft.value("training.openai.endpoint", str)) is not None:
        yield ("training", "openai", "endpoint"), url


def _steps(draft: Draft) -> list[tuple[str, Any]]:
    steps = draft.value("preprocessing", list) or []
    return [next(iter(s.items())) if isinstance(s, dict) and len(s) == 1 else (str(s), {}) for s in steps]


def _is_this_machine(endpoint: str) -> bool:
    try:
        return read_address(endpoint).is_this_machine
    except ValueError:
        return False


CHECKS: tuple[Check, ...] = (rows_are_not_readable_on_the_way, personal_data_is_not_sent)

"""To which servers this person agreed that rows are sent, and with which of their keys.

A recipe may name a server; it cannot make anybody send their rows to it. The agreement is to an origin (scheme, host,
port), given once with `--send-to` and remembered. A key goes along only if its variable was named to that same origin:
otherwise a stranger's recipe could have any variable of the environment sent to a server of its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resep.address import VARIABLE, read_address
from resep.endpoints.records import Endpoint, EndpointError
from resep.errors import ResepError
from resep.paths import config_folder

if TYPE_CHECKING:
    from resep.recipe import Recipe


@dataclass(frozen=True)
class Destination:
    """A server that a recipe sends rows to. `asked_by` is the key of the recipe that names it."""

    origin: str
    variable: str | None
    asked_by: str

    @property
    def option(self) -> str:
        """What a person types to agree."""
        return f"--send-to {self.origin}" + (f"={self.variable}" if self.variable else "")


def destinations(recipe: Recipe) -> list[Destination]:
    """Every server that the recipe's steps, arms and evaluators name."""
    return list(dict.fromkeys(_destinations(recipe)))


def agree(text: str) -> None:
    """Remember that the person lets rows go to this server: `https://host`, `host`, or `https://host=VARIABLE`.

    Raises ResepError where the text is no such thing.
    """
    url, _, variable = text.partition("=")
    try:
        origin = read_address(url if "://" in url else f"https://{url}").origin
    except ValueError as error:
        raise ResepError(f"--send-to {url}: {error}") from error
    if variable and not VARIABLE.fullmatch(variable):
        raise ResepError(f"--send-to {url}=...: after '=' stands the name of a variable, never a key itself")
    remembered = _remembered()
    variables = {*remembered.get(origin, ()), *([variable] if variable else [])}
    _write({**remembered, origin: sorted(variables)})


def is_agreed(origin: str, variable: str | None) -> bool:
    """Whether rows may go to this server, and the key in this variable with them."""
    remembered = _remembered()
    return origin in remembered and (variable is None or variable in remembered[origin])


def require_agreement(endpoint: Endpoint) -> None:
    """Raise EndpointError where the person has not agreed to this server: the last door before anything is sent."""
    destination = Destination(read_address(endpoint.url).origin, endpoint.api_key_env, "")
    if not is_agreed(destination.origin, destination.variable):
        raise EndpointError(
            f"rows would be sent to {destination.origin}, which happens only if you say so: {destination.option}"
        )


def api_key(endpoint: Endpoint) -> str | None:
    """The key, read from the environment when it is needed. Raises EndpointError where the variable is not set."""
    if endpoint.api_key_env is None:
        return None
    key = os.environ.get(endpoint.api_key_env, "").strip()
    if not key:
        raise EndpointError(
            f"your environment has no {endpoint.api_key_env}, in which the key for {read_address(endpoint.url).origin} "
            f"should be: export {endpoint.api_key_env}=..."
        )
    if not key.isascii() or not key.isprintable():
        raise EndpointError(f"what {endpoint.api_key_env} holds is no key: it has characters that no header may have")
    return key


def _destinations(recipe: Recipe) -> Iterator[Destination]:
    named = [(f"preprocessing.{step.name}", step.options) for step in recipe.steps]
    named += [(f"generation.arms.{name}", options) for name, options in recipe.arms.items()]
    named += [(f"evaluation.evaluators.{name}", options) for name, options in recipe.evaluators.items()]
    named += [("training.openai", recipe["training.openai"])] if recipe["training.openai"] else []
    for key, options in named:
        if isinstance(options.get("endpoint"), str):
            try:
                origin = read_address(options["endpoint"]).origin
            except ValueError as error:
                raise ResepError(f"{key}.endpoint: {error}") from error
            yield Destination(origin, options.get("api_key_env"), key)


def _remembered() -> dict[str, list[str]]:
    """origin -> the variables whose keys may go there."""
    try:
        remembered = json.loads(_file().read_text(encoding="utf-8"))
        return {str(origin): [str(variable) for variable in variables] for origin, variables in remembered.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ResepError(f"{_file()} (servers that rows may go to) cannot be read; mend or delete it") from error


def _write(remembered: dict[str, list[str]]) -> None:
    file = _file()
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    partial.write_text(json.dumps(remembered, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(file)


def _file() -> Path:
    return config_folder() / "endpoints.json"

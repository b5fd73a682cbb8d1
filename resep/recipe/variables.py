"""`variables:` and `${name}`: replaced in paths, ids and endpoints only, so that `${5}` in a prompt stays text.

The schema marks the keys (`x-substitutes`). `${env:NAME}` is an environment variable, which the person running the
recipe has to let through by name (`--allow-env NAME`): a recipe cannot read the environment. What it holds becomes
part of a path or an id and is recorded as such; names that look like those of secrets are never let through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from resep.document import Document
from resep.document.places import KeyPath, Place, dotted
from resep.errors import Problem
from resep.recipe.paths import Lead
from resep.suggest import did_you_mean

MARK = "x-substitutes"
_REFERENCE = re.compile(r"\$\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(r"(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|AUTH|KEY|APIKEY)($|_)", re.IGNORECASE)


@dataclass(frozen=True)
class Substitution:
    """The document with every variable replaced. `leads` are the values that begin with one, by dotted key."""

    document: Document
    leads: Mapping[str, Lead] = field(default_factory=dict)


def substitute(
    document: Document, is_marked: Callable[[KeyPath], bool], environment: Mapping[str, str]
) -> Substitution:
    """Replace `${name}` where `is_marked` allows it. `environment` is what was let through of the environment.

    An unknown variable is a problem of the document; one that nothing uses, a warning.
    """
    given = document.data.get("variables")
    values = _Values(document, given if isinstance(given, dict) else {}, environment)
    data, leads = deepcopy(document.data), {}
    for path, text in list(_references(document.data, ())):
        if not is_marked(path):
            continue
        if "${" in _REFERENCE.sub("", text):
            values.problems.append(document.problem(path, "'${' begins a variable, and no '}' ends it: ${name}"))
        _put(data, path, _REFERENCE.sub(lambda found, at=path: values.text(found[1], at), text))  # type: ignore[misc]
        if text.startswith("${") and (lead := values.lead(text)):
            leads[dotted(path)] = lead
    values.judge()
    return Substitution(replace(document, data=data, problems=(*document.problems, *values.problems)), leads)


def looks_like_a_secret(name: str) -> bool:
    """Whether an environment variable's name is that of a token, a password or a key."""
    return _SECRET.search(name) is not None


class _Values:
    """What variables stand for, which of them were used, and what was wrong."""

    def __init__(self, document: Document, given: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self.document, self.given, self.environment = document, given, environment
        self.used: set[str] = set()
        self.problems: list[Problem] = []

    def text(self, name: str, at: KeyPath) -> str:
        """The value of `${name}`, which stands at a path; where there is none, the reference as it is."""
        self.used.add(name)
        known = self._known(name)
        if known is None:
            self.problems.append(self.document.problem(at, self._unknown(name)))
        return known[0] if known else f"${{{name}}}"

    def lead(self, text: str) -> Lead | None:
        """What a text that begins with a variable is relative to."""
        found = _REFERENCE.match(text)
        known = self._known(found[1]) if found else None
        return Lead(known[1], known[0]) if known else None

    def judge(self) -> None:
        """Names that are none, variables within variables, variables that nothing uses."""
        for name, value in self.given.items():
            path = ("variables", name)
            if not _NAME.fullmatch(name):
                message = "a variable's name is made of letters, digits and '_'"
                self.problems.append(self.document.problem(path, message, of_key=True))
            elif isinstance(value, str) and _REFERENCE.search(value):
                message = "a variable's value is taken as it is: variables within it are not replaced"
                self.problems.append(self.document.problem(path, message))
            elif name not in self.used and self.used <= set(self.given):  # else it is the misspelt one that was meant
                message = "nothing uses this variable; ${name} is replaced in paths, ids and endpoints only"
                self.problems.append(self.document.problem(path, message, severity="warning", of_key=True))

    def _known(self, name: str) -> tuple[str, Place] | None:
        if name.startswith("env:"):
            variable = name.removeprefix("env:")
            place = Place(f"--allow-env {variable}", 1, 1, "", typed=True)
            return (self.environment[variable], place) if variable in self.environment else None
        if name not in self.given:
            return None
        value = self.given[name]
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return text, self.document.place(("variables", name))

    def _unknown(self, name: str) -> str:
        if name.startswith("env:"):
            return _not_let_through(name.removeprefix("env:"))
        known = ", ".join(self.given) or "none"
        hint = did_you_mean(name, self.given) or f"; variables has {known}"
        return f"there is no variable '{name}'{hint}"


def _not_let_through(variable: str) -> str:
    if not _NAME.fullmatch(variable):
        return f"'{variable}' is no environment variable: write ${{env:NAME}}; a default belongs into variables"
    if looks_like_a_secret(variable):
        return f"{variable} looks like a secret, which no path, id or endpoint needs: it is never let through"
    return (
        f"this recipe asks for {variable} of your environment, which it sees only if you say so: --allow-env {variable}"
    )


def _references(data: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Every text with a `${` in it, and where it stands."""
    if isinstance(data, str):
        if "${" in data:
            yield path, data
        return
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from _references(value, (*path, key))


def _put(data: Any, path: KeyPath, value: str) -> None:
    for part in path[:-1]:
        data = data[part]
    data[path[-1]] = value

"""Checks across keys that concern the model's name, the sources and the steps that are made twice or for nothing."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from resep.recipe.draft import Check, Draft, Finding
from resep.recipe.paths import is_address
from resep.recipe.remote import holds_credentials

_URL = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/([\w.-]+/[\w.-]+)", re.IGNORECASE)
_MOVING = ("main", "master", "head", "latest", "default")


def model_is_a_name(draft: Draft) -> Iterator[Finding]:
    base = draft.value("model.base", str) or ""
    if found := _URL.match(base):
        message = f"a model is named, not linked to: write 'base: {found[1]}', and the commit as 'revision'"
        yield Finding(("model", "base"), message)
    elif "://" in base:
        message = "a model is an embedded name, a hub id (owner/name) or a folder; a recipe fetches no other address"
        yield Finding(("model", "base"), message)


def revision_stands_still(draft: Draft) -> Iterator[Finding]:
    revision = draft.value("model.revision", str)
    if revision and revision.lower() in _MOVING:
        message = (
            f"'{revision}' moves: the same recipe means other weights next year; write the commit that it points at "
            "today (40 hex digits, on the model's page under 'Files')"
        )
        yield Finding(("model", "revision"), message, "warning")


def sources_are_read_once(draft: Draft) -> Iterator[Finding]:
    seen: list[Any] = []
    for index, source in draft.sources():
        if not isinstance(source.get("path"), str):
            continue
        same = (posixpath.normpath(source["path"]), source.get("fields"), source.get("answer"))
        if same in seen:
            first = seen.index(same)
            message = f"this file is source {first + 1} already: each of its rows would count twice; leave it out"
            yield Finding(("data", "sources", index, "path"), message, "warning")
        seen.append(same)


def source_is_a_path_or_the_hub(draft: Draft) -> Iterator[Finding]:
    for index, source in draft.sources():
        at = ("data", "sources", index)
        given = [key for key in ("revision", "subset") if source.get(key) is not None]
        if source.get("hub") is None:
            for key in given + ["split"] * (source.get("split") is not None):
                yield Finding((*at, key), f"'{key}' belongs to a data set of the hub, and this source has no 'hub'")
        elif source.get("path") is not None:
            yield Finding((*at, "path"), "a source has a 'path' or a 'hub', not both; make two sources of it")


def addresses_can_be_fetched(draft: Draft) -> Iterator[Finding]:
    """What is wrong with an address, before anything is asked of it."""
    for index, source in draft.sources():
        path = source.get("path")
        if isinstance(path, str) and is_address(path):
            from resep.sources.remote import complaint  # 15 ms, for recipes that need it

            if reason := complaint(path):
                shown = "an address" if holds_credentials(path) else f"'{path}'"
                yield Finding(("data", "sources", index, "path"), f"{shown}: {reason}")


def question_is_not_its_answer(draft: Draft) -> Iterator[Finding]:
    for index, source in draft.sources():
        fields = source.get("fields")
        if isinstance(fields, dict) and "prompt" in fields and fields["prompt"] == fields.get("response"):
            message = f"'{fields['prompt']}' is mapped to prompt and to response: the model would learn to repeat"
            yield Finding(("data", "sources", index, "fields"), message)


def steps_are_made_once(draft: Draft) -> Iterator[Finding]:
    seen: list[Any] = []
    for index, step in enumerate(draft.value("preprocessing", list) or []):
        if step in seen:
            message = f"the same step with the same options is step {seen.index(step) + 1} already; leave it out"
            yield Finding(("preprocessing", index), message, "warning")
        seen.append(step)


def placeholders_look_everywhere(draft: Draft) -> Iterator[Finding]:
    """Personal data survives where nobody looks."""
    for index, step in enumerate(draft.value("preprocessing", list) or []):
        options = step.get("placeholders") if isinstance(step, dict) else None
        if not isinstance(options, dict):
            continue
        path, fields = ("preprocessing", index, "placeholders"), options.get("fields")
        left = [name for name in ("prompt", "response") if isinstance(fields, list) and name not in fields]
        if left:
            message = f"personal data survives in {' and '.join(left)}; add {' and '.join(left)} to fields"
            yield Finding((*path, "fields"), message, "warning")
        if options.get("detectors") == [] and not options.get("patterns") and not options.get("words"):
            message = "without detectors and patterns nothing is found; leave detectors out, and all of them look"
            yield Finding((*path, "detectors"), message, "warning")


CHECKS: tuple[Check, ...] = (
    model_is_a_name,
    revision_stands_still,
    sources_are_read_once,
    source_is_a_path_or_the_hub,
    addresses_can_be_fetched,
    question_is_not_its_answer,
    steps_are_made_once,
    placeholders_look_everywhere,
)

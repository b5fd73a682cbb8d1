"""Checks across keys that concern the arms: which there are, whose weights answer, which may be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from resep.address import VARIABLE, read_address
from resep.document.places import KeyPath
from resep.models.embedded import EMBEDDED
from resep.paths import data_folder
from resep.recipe.arms import NATIVE, SOURCES, TUNED, WELL_KNOWN, has_base_weights, placed_arms, source_of
from resep.recipe.checks.hosted import is_hosted
from resep.recipe.draft import Check, Draft, Finding
from resep.recipe.meanings import meant
from resep.recipe.paths import is_hub_id, is_written_as_folder
from resep.suggest import did_you_mean, listed

_ARMS = ("generation", "arms")
_COLUMNS = ("id", "prompt", "system", "target")  # of predictions.csv, which has one for each arm, too
_OF_SERVERS = ("api_key_env", "concurrency")
_FOREIGN_TO_OPENAI = {"top_k": 0, "repetition_penalty": 1.0}  # with the values that say nothing


def arms_are_known(draft: Draft) -> Iterator[Finding]:
    for index, entry in enumerate(_entries(draft)):
        if isinstance(entry, str) and entry not in WELL_KNOWN:
            path = (*_ARMS, index)
            other = f"; a name alone is {listed(WELL_KNOWN)}; another model has options: '- {entry}: {{model: ...}}'"
            yield Finding(
                path, f"'{entry}' is not an arm{meant(path, entry) or did_you_mean(entry, WELL_KNOWN) or other}"
            )


def arm_names_are_their_own(draft: Draft) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, name, _ in placed_arms(_entries(draft)):
        is_own = isinstance(_entries(draft)[index], Mapping)
        if is_own and (name in WELL_KNOWN or name in _COLUMNS):
            message = f"'{name}' has a meaning of its own; give this arm another name"
            yield Finding((*_ARMS, index, name), message, of_key=True)
        elif is_own and name in seen:
            yield Finding((*_ARMS, index, name), f"there is an arm '{name}' already", of_key=True)
        seen.add(name)


def arm_options_fit(draft: Draft) -> Iterator[Finding]:
    """Every option says something beside the others."""
    for path, options in _own(draft):
        source = source_of(options)
        rivals = [key for key in SOURCES if key in options and key != source]
        rivals = [key for key in rivals if (source, key) != ("endpoint", "model")]
        if rivals:
            message = f"'{source}' says whose weights answer, and so does {listed(rivals)}; keep one of them"
            yield Finding((*path, source), message, of_key=True)
        yield from (
            Finding((*path, key), reason, of_key=True) for key in options if (reason := _out_of_place(key, options))
        )
        same = options.get("weights", "base")
        if options in ({}, {"weights": same}) and same in WELL_KNOWN:
            message = f"this asks {same} itself once more: write '- {same}', or give it examples or a chat_template"
            yield Finding(path, message, of_key=True)


def arm_sources_can_be_had(draft: Draft) -> Iterator[Finding]:
    for path, options in _own(draft):
        source = source_of(options)
        if source == "adapter" and (reason := draft.escape((*path, "adapter"))):
            yield Finding((*path, "adapter"), f"'{options['adapter']}' {reason}")
        if source == "model":
            yield from _model_is_pinned(draft, path, options)
        if source == "endpoint":
            yield from _server_is_named(path, options)


def arm_templates_are_known(draft: Draft) -> Iterator[Finding]:
    known = [*sorted(file.stem for file in data_folder("chat_templates").glob("*.jinja")), NATIVE]
    for path, options in _own(draft):
        name, place = options.get("chat_template"), (*path, "chat_template")
        if isinstance(name, str) and name.endswith(".jinja"):
            if reason := draft.escape(place):
                yield Finding(place, f"'{name}' {reason}")
        elif isinstance(name, str) and name not in known:
            hint = did_you_mean(name, known) or f": {listed(known)}, or a .jinja file beside the recipe"
            yield Finding(place, f"'{name}' is not among the chat templates{hint}")


def classes_are_named(draft: Draft) -> Iterator[Finding]:
    for path, options in _own(draft):
        if options.get("choose") == "per_class" and draft.value("split.stratify_by", str) is None:
            message = "no classes are named: write the field that holds them as split.stratify_by"
            yield Finding((*path, "choose"), message)


def arms_can_be_compared(draft: Draft) -> Iterator[Finding]:
    if len(_known(draft)) < len(_entries(draft)):
        return
    arms = _known(draft)
    if arms and TUNED not in arms:
        yield Finding(_ARMS, "'tuned' is missing: the verdict is about the tuned model; add it")
    has_opponent = any(map(has_base_weights, arms.values())) or draft.value("evaluation.baseline", str)
    if arms and not has_opponent:
        names = [name for name, options in WELL_KNOWN.items() if has_base_weights(options)]
        message = (
            f"{listed(names)} is missing: the tuned model is compared with it; add one of them, or say in "
            "evaluation.baseline which other arm it is compared with"
        )
        yield Finding(_ARMS, message)


def arms_differ(draft: Draft) -> Iterator[Finding]:
    if draft.value("prompt.chat_template") != NATIVE or not draft.has("generation.arms"):
        return
    names = _known(draft)
    for index, name, _ in placed_arms(_entries(draft)):
        plain, at, _ = name.partition("@")
        if at and plain in names:
            message = (
                f"with chat_template: native this arm is the same as {plain}; leave it out, and the run is shorter"
            )
            yield Finding((*_ARMS, index), message, "warning")


def baseline_is_an_arm(draft: Draft) -> Iterator[Finding]:
    baseline = draft.value("evaluation.baseline", str)
    opponents = [name for name in _known(draft) if name != TUNED]
    if baseline is not None and opponents and baseline not in opponents:
        message = f"'{baseline}' is not an arm to compare with; generation.arms has {listed(opponents)}"
        yield Finding(("evaluation", "baseline"), message)


def servers_know_the_decoding(draft: Draft) -> Iterator[Finding]:
    if not is_hosted(draft) and not any(source_of(options) == "endpoint" for _, options in _own(draft)):
        return
    for key, nothing in _FOREIGN_TO_OPENAI.items():
        if draft.value(f"generation.{key}") not in (None, nothing):
            message = f"OpenAI's own servers refuse {key}; vLLM and llama.cpp know it"
            yield Finding(("generation", key), message, "warning")


def _out_of_place(key: str, options: Mapping[str, Any]) -> str | None:
    if key in _OF_SERVERS and "endpoint" not in options:
        return f"'{key}' is for an endpoint, and none is named"
    if key == "chat_template" and "endpoint" in options:
        return "a server renders the conversation with its own template; leave it out"
    if key == "revision" and "endpoint" in options:
        return "a server does not say which revision it has; leave it out"
    if key == "revision" and "model" not in options:
        return "a revision is for a model, and none is named"
    if key == "choose" and "examples" not in options:
        return "no examples are shown: write how many, 'examples: 3'"
    return None


def _model_is_pinned(draft: Draft, path: KeyPath, options: Mapping[str, Any]) -> Iterator[Finding]:
    name, place = options["model"], (*path, "model")
    if not isinstance(name, str) or name in EMBEDDED:
        return
    if draft.is_folder(place) or is_written_as_folder(name):
        if reason := draft.escape(place):
            yield Finding(place, f"'{name}' {reason}")
    elif is_hub_id(name) and "revision" not in options:
        message = f"'{name}' is a hub id: write its commit beside it, 'revision: ...', so that it stays the same model"
        yield Finding(place, message)
    elif not is_hub_id(name):
        hint = did_you_mean(name, EMBEDDED) or f"; embedded are {listed(EMBEDDED)}"
        yield Finding(place, f"'{name}' is no embedded model, no hub id (owner/name) and no folder (./{name}){hint}")


def _server_is_named(path: KeyPath, options: Mapping[str, Any]) -> Iterator[Finding]:
    variable = options.get("api_key_env")
    if "model" not in options:
        yield Finding((*path, "model"), "this key is missing; add it: what the server calls its model")
    try:
        read_address(str(options["endpoint"]))
    except ValueError as error:
        yield Finding((*path, "endpoint"), str(error))
    if isinstance(variable, str) and not VARIABLE.fullmatch(variable):
        message = "this is no name of an environment variable; a key itself never stands in a recipe"
        yield Finding((*path, "api_key_env"), message)


def _entries(draft: Draft) -> list[Any]:
    return draft.value("generation.arms", list) or []


def _known(draft: Draft) -> dict[str, Mapping[str, Any]]:
    return {name: options for _, name, options in placed_arms(_entries(draft))}


def _own(draft: Draft) -> Iterator[tuple[KeyPath, Mapping[str, Any]]]:
    """(path, options) of every arm that is written as one with options, as the user gave them."""
    given = draft.given.get("generation")
    found = given.get("arms") if isinstance(given, Mapping) else None
    entries: list[Any] = found if isinstance(found, list) else []
    for index, name, options in placed_arms(entries):
        if isinstance(entries[index], Mapping):
            yield (*_ARMS, index, name), options


CHECKS: tuple[Check, ...] = (
    arms_are_known,
    arm_names_are_their_own,
    arm_options_fit,
    arm_sources_can_be_had,
    arm_templates_are_known,
    classes_are_named,
    arms_can_be_compared,
    arms_differ,
    baseline_is_an_arm,
    servers_know_the_decoding,
)

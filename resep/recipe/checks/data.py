"""Checks across keys that concern the model, the data and the steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from resep.paths import data_folder
from resep.recipe.checks.hosted import is_hosted
from resep.recipe.draft import Check, Draft, Finding
from resep.recipe.meanings import meant
from resep.recipe.paths import is_address, is_hub_id, is_written_as_folder
from resep.suggest import did_you_mean, listed

_BLINDING = ("lowercase", "strip_punctuation")  # after these, detectors no longer see an e-mail or a phone number
EMBEDDED_MODELS = ("smollm2-135m-instruct",)
_PATTERN_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,31}")  # as the step `placeholders` wants it


def model_is_pinned(draft: Draft) -> Iterator[Finding]:
    base, has_revision = draft.value("model.base", str), draft.has("model.revision")
    if not base or is_hosted(draft):
        return
    path = ("model", "base")
    is_folder = is_written_as_folder(base) or draft.is_folder(path)
    if is_hub_id(base) and not is_folder and not has_revision:
        message = (
            f"'{base}' is a hub id: add 'revision: ...' below it, a commit or a tag, so that the same recipe means the "
            f"same weights next year (a local folder is written './{base}')"
        )
        yield Finding(path, message)
    if has_revision and (is_folder or "/" not in base):
        yield Finding(("model", "revision"), f"a revision belongs to a hub id (owner/name), and '{base}' is none")
    hint = meant(path, base) or did_you_mean(base, EMBEDDED_MODELS)
    if "/" not in base and base not in EMBEDDED_MODELS and not is_folder and hint:
        yield Finding(path, f"no embedded model has this name{hint} (a local folder is written './{base}')")
    if is_folder and (reason := draft.escape(path)):
        yield Finding(path, f"'{base}' {reason}")


def sources_stay_below(draft: Draft) -> Iterator[Finding]:
    for index, source in draft.sources():
        path = ("data", "sources", index, "path")
        named = source.get("path")
        if isinstance(named, str) and not is_address(named) and (reason := draft.escape(path)):
            yield Finding(path, f"'{source['path']}' {reason}")


def conditions_are_understood(draft: Draft) -> Iterator[Finding]:
    from resep.expressions import understood

    for index, source in draft.sources():
        if isinstance(source.get("where"), str):
            try:
                understood(source["where"])
            except ValueError as error:
                yield Finding(("data", "sources", index, "where"), str(error))


def personal_data_goes_first(draft: Draft) -> Iterator[Finding]:
    steps = list(draft.steps())
    for index, (name, _) in steps:
        before = [other for at, (other, _) in steps if at < index and other in _BLINDING]
        if name == "placeholders" and before:
            message = (
                f"personal data survives: after {' and '.join(before)} the detectors no longer recognise e-mail "
                "addresses, phone numbers and links; move placeholders to the front"
            )
            yield Finding(("preprocessing", index), message, "warning")


def own_placeholders_have_names(draft: Draft) -> Iterator[Finding]:
    for index, (name, options) in draft.steps():
        for option, called in (("patterns", "a pattern"), ("words", "a list of words")):
            own = options.get(option) if name == "placeholders" else None
            for key in own if isinstance(own, dict) else ():
                if _PATTERN_NAME.fullmatch(key):
                    continue
                plain = re.sub(r"\W+", "_", key).upper()
                hint = f", such as {plain}" if _PATTERN_NAME.fullmatch(plain) else ""
                message = f"the name of {called} is in capital letters, digits and '_'{hint}"
                yield Finding(("preprocessing", index, name, option, key), message, of_key=True)


def patterns_are_safe(draft: Draft) -> Iterator[Finding]:
    from resep.patterns import compile_safe

    for index, (name, options) in draft.steps():
        patterns = options.get("patterns") if name == "placeholders" else None
        for key, pattern in patterns.items() if isinstance(patterns, dict) else ():
            try:
                compile_safe(pattern) if isinstance(pattern, str) else None
            except ValueError as error:
                yield Finding(("preprocessing", index, name, "patterns", key), str(error))


def small_languages_are_understood(draft: Draft) -> Iterator[Finding]:
    """The regular expression of `replace`, and the expression of `filter_expression`."""
    from resep.expressions import understood
    from resep.patterns import compile_safe

    readers: dict[str, tuple[str, Callable[[str], object]]] = {
        "replace": ("pattern", compile_safe),
        "filter_expression": ("keep", understood),
    }
    for index, (name, options) in draft.steps():
        option, read = readers.get(name, ("", str))
        if not isinstance(options.get(option), str):
            continue
        try:
            read(options[option])
        except ValueError as error:
            yield Finding(("preprocessing", index, name, option), str(error))


def template_is_known(draft: Draft) -> Iterator[Finding]:
    name, path = draft.value("prompt.chat_template", str), ("prompt", "chat_template")
    if name is None:
        return
    if name.endswith(".jinja"):
        if reason := draft.escape(path):
            yield Finding(path, f"'{name}' {reason}")
        return
    known = [*sorted(file.stem for file in data_folder("chat_templates").glob("*.jinja")), "native"]
    if name not in known:
        hint = (
            meant(path, name) or did_you_mean(name, known) or f": {listed(known)}, or a .jinja file beside the recipe"
        )
        yield Finding(path, f"'{name}' is not among the chat templates{hint}")


CHECKS: tuple[Check, ...] = (
    model_is_pinned,
    sources_stay_below,
    conditions_are_understood,
    personal_data_goes_first,
    own_placeholders_have_names,
    patterns_are_safe,
    small_languages_are_understood,
    template_is_known,
)

"""Checks across keys that concern the model, the data, the steps and the fields of a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from resep.document.places import KeyPath
from resep.paths import data_folder
from resep.recipe.checks.hosted import is_hosted
from resep.recipe.checks.split import OWN_TEXT, fields_spoken_of
from resep.recipe.draft import Check, Draft, Finding
from resep.recipe.meanings import meant
from resep.recipe.paths import is_address, is_hub_id, is_written_as_folder
from resep.suggest import did_you_mean, listed

_BLINDING = ("lowercase", "strip_punctuation")  # after these, detectors no longer see an e-mail or a phone number
EMBEDDED_MODELS = ("smollm2-135m-instruct",)
_PATTERN_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,31}")  # as the step `placeholders` wants it
_STEPS_OF_ONE_FIELD = ("series", "split_steps")
_EVALUATORS_OF_A_FIELD = ("contains", "regex")
_TEXT_FIELDS = ("prompt", "response")


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
    for index, source in enumerate(_sources(draft)):
        path = ("data", "sources", index, "path")
        named = source.get("path")
        if isinstance(named, str) and not is_address(named) and (reason := draft.escape(path)):
            yield Finding(path, f"'{source['path']}' {reason}")


def fields_are_mapped(draft: Draft) -> Iterator[Finding]:
    """Fields that splits, slices, clusters and evaluators speak of have to come from every source."""
    maps = dict(_mapped(draft))
    for path, field in chain(fields_spoken_of(draft), _fields_of_evaluators(draft)):
        without = [f"data.sources[{at}].fields" for at, fields in maps.items() if field not in fields]
        add = f"add '{field}: <its name in the file>' to 'fields'"
        if without and len(without) < len(maps):
            has_none = f", or 'values: {{{field}: ...}}' where the file has none"
            yield Finding(
                path, f"'{field}' is not a field that {listed(without)} maps: {add}{has_none}{draft.undoing(path)}"
            )
        elif without:
            further = sorted(set.intersection(*map(set, maps.values())) - set(OWN_TEXT))
            has = f"every source has {', '.join(further)}" if further else "no source maps a further field"
            near = did_you_mean(field, further) if path != ("split", "by") else ""  # by: split can have no other name
            hint = near or f"; {has}: {add}"
            yield Finding(path, f"'{field}' is not a field that data.sources[].fields maps{hint}{draft.undoing(path)}")


def values_are_no_fields_of_the_file(draft: Draft) -> Iterator[Finding]:
    for index, source in enumerate(_sources(draft)):
        fields, values = source.get("fields"), source.get("values")
        for name in values if isinstance(values, dict) else ():
            path = ("data", "sources", index, "values", name)
            if name in OWN_TEXT or name == "id":
                yield Finding(path, f"'{name}' differs from row to row: map it in 'fields'", of_key=True)
            elif isinstance(fields, dict) and name in fields:
                yield Finding(path, f"'fields' maps '{name}' already; leave one of the two out", of_key=True)


def fields_fit_the_format(draft: Draft) -> Iterator[Finding]:
    """`messages` in a source of questions and answers, `prompt` in one of conversations."""
    from resep.formats import FORMS, foreign_fields

    for index, source in enumerate(_sources(draft)):
        form, fields = FORMS.get(str(source.get("format"))), source.get("fields")
        if form is None or not isinstance(fields, dict):
            continue
        if source.get("answer") and source["format"] != "prompt_response":  # answers.py says so
            continue
        for name in foreign_fields(form, fields):
            message = f"format {source['format']} does not read '{name}'; its rows have {form.wants}"
            yield Finding(("data", "sources", index, "fields", name), message, of_key=True)


def conditions_are_understood(draft: Draft) -> Iterator[Finding]:
    from resep.expressions import understood

    for index, source in enumerate(_sources(draft)):
        if isinstance(source.get("where"), str):
            try:
                understood(source["where"])
            except ValueError as error:
                yield Finding(("data", "sources", index, "where"), str(error))


def step_fields_exist(draft: Draft) -> Iterator[Finding]:
    maps = [fields for _, fields in _mapped(draft)]
    known = {*_TEXT_FIELDS, *(name for fields in maps for name in fields)}
    for index, (name, options) in _steps(draft):
        fields = options.get("fields")
        named: list[tuple[KeyPath, Any]] = []
        named += [(("fields", at), field) for at, field in enumerate(fields if isinstance(fields, list) else [])]
        named += [(("field",), options.get("field"))] if name in _STEPS_OF_ONE_FIELD else []
        for at, field in named:
            if isinstance(field, str) and field not in known:
                hint = did_you_mean(field, known) or f"; fields are {', '.join(sorted(known))}"
                yield Finding(("preprocessing", index, name, *at), f"no source has a field '{field}'{hint}")


def personal_data_goes_first(draft: Draft) -> Iterator[Finding]:
    steps = list(_steps(draft))
    for index, (name, _) in steps:
        before = [other for at, (other, _) in steps if at < index and other in _BLINDING]
        if name == "placeholders" and before:
            message = (
                f"personal data survives: after {' and '.join(before)} the detectors no longer recognise e-mail "
                "addresses, phone numbers and links; move placeholders to the front"
            )
            yield Finding(("preprocessing", index), message, "warning")


def own_placeholders_have_names(draft: Draft) -> Iterator[Finding]:
    for index, (name, options) in _steps(draft):
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

    for index, (name, options) in _steps(draft):
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
    for index, (name, options) in _steps(draft):
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


def _sources(draft: Draft) -> list[Mapping[str, Any]]:
    sources = draft.value("data.sources", list) or []
    return [source if isinstance(source, dict) else {} for source in sources]


def _mapped(draft: Draft) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(index, the fields that its rows have) of every source whose mapping can be read."""
    for at, source in enumerate(_sources(draft)):
        values = source.get("values")
        if isinstance(source.get("fields"), dict):
            yield at, {**source["fields"], **(values if isinstance(values, dict) else {})}


def _fields_of_evaluators(draft: Draft) -> Iterator[tuple[KeyPath, str]]:
    for name in _EVALUATORS_OF_A_FIELD:
        if (field := draft.value(f"evaluation.evaluators.{name}.field", str)) is not None:
            yield ("evaluation", "evaluators", name, "field"), field


def _steps(draft: Draft) -> Iterator[tuple[int, tuple[str, Mapping[str, Any]]]]:
    """(index, (name, options)) of every step that is written as one."""
    for index, step in enumerate(draft.value("preprocessing", list) or []):
        if isinstance(step, dict) and len(step) == 1:
            name, options = next(iter(step.items()))
            yield index, (name, options if isinstance(options, dict) else {})


CHECKS: tuple[Check, ...] = (
    model_is_pinned,
    sources_stay_below,
    fields_are_mapped,
    values_are_no_fields_of_the_file,
    fields_fit_the_format,
    conditions_are_understood,
    step_fields_exist,
    personal_data_goes_first,
    own_placeholders_have_names,
    patterns_are_safe,
    small_languages_are_understood,
    template_is_known,
)

"""Checks across keys that concern how rows are shared out, and the fields by which they are sorted."""

from __future__ import annotations

import math
from collections.abc import Iterator

from resep.document.places import KeyPath
from resep.recipe.checks.drawing import drawn_fields
from resep.recipe.checks.given_splits import has_no_validation
from resep.recipe.draft import Check, Draft, Finding, Number

OWN_TEXT = ("prompt", "response", "messages", "id")  # these differ from row to row: there is nothing to sort by


def fractions_are_a_whole(draft: Draft) -> Iterator[Finding]:
    fractions = draft.value("split.fractions", dict) or {}
    parts = {name: part for name, part in fractions.items() if isinstance(part, Number)}
    total = sum(parts.values())
    if any(part > 1 for part in parts.values()):  # in per cent: the schema has said so
        return
    if len(parts) == 3 and not math.isclose(total, 1, abs_tol=1e-6):
        rest = 1 - total + parts.get("train", 0)
        fix = f"; train: {rest:g} would make it so" if 0 < round(rest, 6) < 1 else ""
        yield Finding(("split", "fractions"), f"the fractions add up to {total:g}; they have to add up to 1{fix}")
    elif len(parts) == 3 and parts.get("test", 0) > parts.get("train", 0):
        message = "more rows are held back for the test than trained on; are train and test exchanged?"
        yield Finding(("split", "fractions"), message, "warning")


def groups_are_no_strata(draft: Draft) -> Iterator[Finding]:
    field = draft.value("split.stratify_by", str)
    if field is not None and field == draft.value("split.group_by"):
        message = (
            f"group_by keeps all rows of one '{field}' on one side, and stratify_by wants every '{field}' on every "
            "side; leave one of the two out"
        )
        yield Finding(("split", "stratify_by"), message)


def limits_have_rows(draft: Draft) -> Iterator[Finding]:
    has_limit = draft.has("split.max_rows.validation")
    if has_limit and has_no_validation(draft):
        message = "without effect: split.fractions.validation is 0, so there are no validation rows"
        yield Finding(("split", "max_rows", "validation"), message, "warning")


def rows_can_be_sorted(draft: Draft) -> Iterator[Finding]:
    for path, field in fields_spoken_of(draft):
        if field in OWN_TEXT and path[1] != "group_by":
            message = (
                f"'{field}' is another in nearly every row, so it sorts nothing; name a field such as a category, "
                "mapped in data.sources[].fields"
            )
            yield Finding(path, message)


def fields_spoken_of(draft: Draft) -> Iterator[tuple[KeyPath, str]]:
    """Where a field of the rows is named to split, group or slice by, and the field."""
    for section, key in (("split", "stratify_by"), ("split", "group_by"), ("evaluation", "cluster_by")):
        if (field := draft.value(f"{section}.{key}", str)) is not None:
            yield (section, key), field
    if (by := draft.value("split.by", str)) in ("time", "split"):
        yield ("split", "by"), by
    for index, field in enumerate(draft.value("evaluation.slices", list) or []):
        if isinstance(field, str):
            yield ("evaluation", "slices", index), field
    yield from drawn_fields(draft)


CHECKS: tuple[Check, ...] = (fractions_are_a_whole, groups_are_no_strata, limits_have_rows, rows_can_be_sorted)

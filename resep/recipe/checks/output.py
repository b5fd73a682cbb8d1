"""Checks across keys that concern what is made of the trained weights."""

from __future__ import annotations

from collections.abc import Iterator

from resep.recipe.draft import Check, Draft, Finding

_MERGE, _INTO = ("output", "merge"), ("output", "merge_into")


def there_is_something_to_merge(draft: Draft) -> Iterator[Finding]:
    if draft.value("output.merge") is not True:
        return
    if draft.value("training.method") == "full":
        message = "nothing to merge: training.method is full, which trains every weight and leaves a whole model"
        yield Finding(_MERGE, f"{message}; leave this out, or set training.method to lora or qlora")
    elif draft.value("training.trainer") == "openai":
        yield Finding(_MERGE, "nothing to merge: the service keeps the weights that it trains; leave this out")


def merge_into_has_an_effect(draft: Draft) -> Iterator[Finding]:
    if not draft.has("output.merge_into"):
        return
    if draft.value("output.merge") is not True:
        message = "without effect: nothing is merged; set output.merge to true, or leave this out"
        yield Finding(_INTO, message, "warning")
    elif draft.value("output.merge_into") == "original" and draft.value("training.method") == "lora":
        message = "without effect: lora trains on the original weights, so what was evaluated is merged either way"
        yield Finding(_INTO, message, "warning")


CHECKS: tuple[Check, ...] = (there_is_something_to_merge, merge_into_has_an_effect)

"""Checks across keys that concern the version, the split, training and decoding."""

from __future__ import annotations

import math
from collections.abc import Iterator

from resep.recipe.draft import Check, Draft, Finding, Number


def version_is_known(draft: Draft) -> Iterator[Finding]:
    version = draft.value("resep", int)
    if version is not None and version > 1:
        message = f"this recipe is written in version {version} of the recipe language, and this resep reads version 1"
        yield Finding(("resep",), f"{message}: install a newer resep")


def fractions_are_a_whole(draft: Draft) -> Iterator[Finding]:
    fractions = draft.value("split.fractions", dict) or {}
    parts = [part for part in fractions.values() if isinstance(part, Number)]
    if len(parts) == 3 and not math.isclose(sum(parts), 1, abs_tol=1e-6):
        yield Finding(("split", "fractions"), f"the fractions add up to {sum(parts):g}; they have to add up to 1")


def training_has_one_length(draft: Draft) -> Iterator[Finding]:
    if draft.has("training.max_steps") and draft.has("training.num_epochs"):
        yield Finding(
            ("training", "max_steps"), "num_epochs is given as well; give one of the two: both say how long to train"
        )


def batches_multiply(draft: Draft) -> Iterator[Finding]:
    batch, micro, accumulation = (
        draft.value(f"training.{key}", int) for key in ("batch_size", "micro_batch_size", "gradient_accumulation_steps")
    )
    default = "" if draft.has("training.batch_size") else ", its default"
    advice = f"batch_size is {batch}{default}; leave one of the three out, and it follows from the others"
    if batch and micro and accumulation and micro * accumulation != batch:
        message = f"micro_batch_size {micro} times gradient_accumulation_steps {accumulation} is {micro * accumulation}"
        yield Finding(("training", "micro_batch_size"), f"{message}, but {advice}")
    elif batch and (part := micro or accumulation) and batch % part:
        key = "micro_batch_size" if micro else "gradient_accumulation_steps"
        yield Finding(("training", key), f"{part} does not divide batch_size, which is {batch}{default}")


def adapters_fit_the_method(draft: Draft) -> Iterator[Finding]:
    if draft.value("training.method") == "full" and draft.has("training.lora"):
        message = "method is full, which trains every weight and has no adapters; leave lora out, or set method: lora"
        yield Finding(("training", "lora"), message, of_key=True)


def early_stopping_can_see(draft: Draft) -> Iterator[Finding]:
    if not draft.has("training.early_stopping"):
        return
    path = ("training", "early_stopping")
    if draft.value("split.fractions.validation", Number) == 0:
        yield Finding(path, "this needs validation rows, and split.fractions.validation is 0")
    if draft.value("training.eval_per_epoch", Number) == 0:
        yield Finding(path, "this needs the validation loss, and training.eval_per_epoch is 0")


def options_can_be_passed_through(draft: Draft) -> Iterator[Finding]:
    options = draft.value("training.axolotl", dict)
    if not options:
        return
    from resep.recipe.pass_through import check  # reads Axolotl's schema, 0.1 MB, which most recipes do not need

    for key, message in check(options):
        yield Finding(("training", "axolotl", key), message, of_key=True)


def sampling_is_on(draft: Draft) -> Iterator[Finding]:
    if draft.value("generation.do_sample") is not False:
        return
    for key in ("temperature", "top_p", "top_k"):
        if draft.has(f"generation.{key}"):
            message = "without effect, because do_sample is false and the likeliest token is always taken"
            yield Finding(("generation", key), message, "warning")


CHECKS: tuple[Check, ...] = (
    version_is_known,
    fractions_are_a_whole,
    training_has_one_length,
    batches_multiply,
    adapters_fit_the_method,
    early_stopping_can_see,
    options_can_be_passed_through,
    sampling_is_on,
)

"""Checks across keys that concern the version, batches, the optimiser, adapters and the training's cadence."""

from __future__ import annotations

import math
from collections.abc import Iterator

from resep.recipe.checks.given_splits import has_no_validation
from resep.recipe.draft import Check, Draft, Finding, Number

_FASTEST, _SLOWEST = 0.01, 1e-7  # learning rates beyond these diverge, or change nothing
_OF_ADAPTERS = ("lora_", "peft_", "loraplus_")


def version_is_known(draft: Draft) -> Iterator[Finding]:
    version = draft.value("resep", int)
    if version is not None and version > 1:
        message = f"this recipe is written in version {version} of the recipe language, and this resep reads version 1"
        yield Finding(("resep",), f"{message}: install a newer resep")


def training_has_one_length(draft: Draft) -> Iterator[Finding]:
    if draft.has("training.max_steps") and draft.has("training.num_epochs"):
        message = "num_epochs is given as well; give one of the two: both say how long to train"
        yield Finding(("training", "max_steps"), message)


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
        what = "is more than" if part > batch else "does not divide"
        parts = [part for part in range(1, batch + 1) if batch % part == 0]
        near = sorted(sorted(parts, key=lambda size: abs(size - part))[:2])
        choice = " or ".join(map(str, near))
        yield Finding(
            ("training", key), f"{part} {what} batch_size, which is {batch}{default}; {choice} would divide it"
        )


def rate_is_in_its_range(draft: Draft) -> Iterator[Finding]:
    rate, path = draft.value("training.learning_rate", Number), ("training", "learning_rate")
    if not rate:
        return
    if rate > _FASTEST:
        message = (
            f"{rate:g} is far above what fine-tuning stands: the loss will grow without end; 1e-5 to 1e-3 is usual"
        )
        yield Finding(path, message, "warning")
    elif 0 < rate < _SLOWEST:
        message = f"{rate:g} is so small that nothing will be learned; 1e-5 to 1e-3 is usual"
        yield Finding(path, message, "warning")


def warmup_fits_the_schedule(draft: Draft) -> Iterator[Finding]:
    ratio, scheduler = draft.value("training.warmup_ratio", Number), draft.value("training.lr_scheduler")
    path = ("training", "warmup_ratio")
    if scheduler == "constant" and ratio and draft.has("training.warmup_ratio"):
        message = "without effect, because 'constant' has no warm-up; write lr_scheduler: constant_with_warmup"
        yield Finding(path, message, "warning")
    elif scheduler == "constant_with_warmup" and ratio == 0:
        yield Finding(path, "there is nothing to warm up with 0; give a share of the steps, such as 0.05", "warning")
    elif ratio and ratio > 0.5:
        message = f"the learning rate rises during {ratio:.0%} of the training and hardly acts; 0.03 to 0.1 is usual"
        yield Finding(path, message, "warning")


def adapters_fit_the_method(draft: Draft) -> Iterator[Finding]:
    if draft.value("training.method") != "full":
        return
    why = "method is full, which trains every weight and has no adapters"
    if draft.has("training.lora"):
        yield Finding(("training", "lora"), f"{why}; leave lora out, or set method: lora", of_key=True)
    for option in draft.value("training.axolotl", dict) or {}:
        if option.startswith(_OF_ADAPTERS):
            message = f"{why}; leave this option out, or set method: lora"
            yield Finding(("training", "axolotl", option), message, of_key=True)


def targets_are_modules(draft: Draft) -> Iterator[Finding]:
    targets = draft.value("training.lora.target_modules", list) or []
    if "all-linear" in targets:
        message = "all-linear is no module's name but stands for all of them; write target_modules: all-linear"
        yield Finding(("training", "lora", "target_modules", targets.index("all-linear")), message)


def precision_fits_the_machine(draft: Draft) -> Iterator[Finding]:
    precision, path = draft.value("training.precision"), ("training", "precision")
    if precision in ("bf16", "fp16") and draft.value("compute.profile") == "cpu":
        message = f"{precision} needs a GPU, and compute.profile is cpu; leave precision out: on a CPU it is fp32"
        yield Finding(path, message)
    elif precision == "fp16" and draft.value("training.method") == "full":
        message = (
            "fp16 is too coarse to add small steps to every weight; bf16 is not, and auto takes it where the GPU can"
        )
        yield Finding(path, message, "warning")


def validation_is_there(draft: Draft) -> Iterator[Finding]:
    """What reads the validation loss needs rows, and measurements."""
    no_rows = has_no_validation(draft)
    per_epoch, path = draft.value("training.eval_per_epoch", Number), ("training", "early_stopping")
    if draft.has("training.early_stopping"):
        if no_rows:
            message = "this needs validation rows, and split.fractions.validation is 0; give it 0.1, or leave this out"
            yield Finding(path, message)
        if per_epoch == 0:
            yield Finding(path, "this needs the validation loss, and training.eval_per_epoch is 0; set it to 1 or more")
    elif no_rows and per_epoch and draft.has("training.eval_per_epoch"):
        message = "nothing to measure: split.fractions.validation is 0; give it a share, or leave this out"
        yield Finding(("training", "eval_per_epoch"), message, "warning")


def early_stopping_can_happen(draft: Draft) -> Iterator[Finding]:
    patience, per_epoch = draft.value("training.early_stopping", int), draft.value("training.eval_per_epoch", Number)
    epochs = draft.value("training.num_epochs", Number)
    if not patience or not per_epoch or not epochs:
        return
    if draft.has("training.save_per_epoch") and draft.value("training.save_per_epoch") != per_epoch:
        message = (
            f"without effect: with early_stopping a checkpoint is kept at every measurement, {per_epoch} per epoch"
        )
        yield Finding(("training", "save_per_epoch"), message, "warning")
    measured = math.floor(per_epoch * epochs)
    if measured <= patience:
        message = (
            f"this can never happen: {epochs:g} epoch{'s' * (epochs != 1)} with eval_per_epoch {per_epoch:g} "
            f"make{'s' * (epochs == 1)} {measured} measurement{'s' * (measured != 1)}, and stopping takes more than "
            f"{patience}; raise eval_per_epoch, or lower this"
        )
        yield Finding(("training", "early_stopping"), message, "warning")


def options_can_be_passed_through(draft: Draft) -> Iterator[Finding]:
    options = draft.value("training.axolotl", dict)
    if not options:
        return
    from resep.recipe.pass_through import check  # reads Axolotl's schema, 0.1 MB, which most recipes do not need

    for key, message in check(options):
        yield Finding(("training", "axolotl", key), message, of_key=True)


def there_is_one_price(draft: Draft) -> Iterator[Finding]:
    if draft.has("compute.price_per_hour") and draft.has("compute.price_per_million_tokens"):
        message = "price_per_hour is given as well; give one of the two: a trainer is paid by the hour or by the token"
        yield Finding(("compute", "price_per_million_tokens"), message)


CHECKS: tuple[Check, ...] = (
    version_is_known,
    training_has_one_length,
    batches_multiply,
    rate_is_in_its_range,
    warmup_fits_the_schedule,
    adapters_fit_the_method,
    targets_are_modules,
    precision_fits_the_machine,
    validation_is_there,
    early_stopping_can_happen,
    options_can_be_passed_through,
    there_is_one_price,
)

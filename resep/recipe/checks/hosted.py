"""Checks of a recipe that a service trains (`training.trainer: openai`): what it can be told, and what it cannot."""

from __future__ import annotations

from collections.abc import Iterator

from resep.address import VARIABLE, read_address
from resep.models.embedded import EMBEDDED
from resep.recipe.arms import NATIVE, WELL_KNOWN, placed_arms, source_of
from resep.recipe.draft import Check, Draft, Finding, Number
from resep.recipe.paths import is_written_as_folder

_OPENAI = "openai"
_MOST_EPOCHS, _MOST_ROWS, _MOST_SEED = 50, 256, 2**31 - 1  # as the service has published them
# What only a training on this machine knows.
OF_THIS_MACHINE = (
    *("method", "lora", "max_steps", "micro_batch_size", "gradient_accumulation_steps", "optimizer", "lr_scheduler"),
    *("warmup_ratio", "weight_decay", "max_grad_norm", "eval_per_epoch", "save_per_epoch", "early_stopping", "packing"),
    *("gradient_checkpointing", "precision", "axolotl"),
)


def knobs_are_those_of_the_service(draft: Draft) -> Iterator[Finding]:
    if not is_hosted(draft):
        if draft.has("training.openai"):
            message = (
                "this section is for 'trainer: openai', and this machine trains; leave it out, or name that trainer"
            )
            yield Finding(("training", "openai"), message, of_key=True)
        return
    for key in OF_THIS_MACHINE:
        if draft.has(f"training.{key}"):
            message = (
                "a service trains, and chooses this itself: it has no such knob; leave it out (null deletes what a "
                "parent says)"
            )
            yield Finding(("training", key), message, of_key=True)
    if draft.has("training.learning_rate"):
        message = (
            "the service has a learning rate of its own for each model, and takes a factor for it: write openai: "
            "{learning_rate_multiplier: ...}; 1 leaves it as it is, higher learns faster"
        )
        yield Finding(("training", "learning_rate"), message, of_key=True)
    if draft.value("training.overflow") not in (None, "fail", "drop"):
        message = "the service's tokenizer is not here, so nothing can be cut to a number of tokens; write fail or drop"
        yield Finding(("training", "overflow"), message)


def figures_are_within_the_services(draft: Draft) -> Iterator[Finding]:
    if not is_hosted(draft):
        return
    epochs, rows = draft.value("training.num_epochs", Number), draft.value("training.batch_size", int)
    if epochs is not None and (epochs != int(epochs) or epochs > _MOST_EPOCHS):
        yield Finding(
            ("training", "num_epochs"), f"the service takes whole epochs, 1 to {_MOST_EPOCHS}, not {epochs:g}"
        )
    if rows is not None and rows > _MOST_ROWS:
        yield Finding(("training", "batch_size"), f"the service takes {_MOST_ROWS} rows a step at most, not {rows}")
    if (seed := draft.value("seed", int)) is not None and seed > _MOST_SEED:
        yield Finding(("seed",), f"the service takes a seed of {_MOST_SEED} at most, not {seed}")


def model_is_the_services(draft: Draft) -> Iterator[Finding]:
    base = draft.value("model.base", str)
    if not is_hosted(draft) or base is None:
        return
    if base in EMBEDDED or is_written_as_folder(base):
        message = f"'{base}' is a model of this machine; name one of the service's, such as gpt-4.1-mini-2025-04-14"
        yield Finding(("model", "base"), message)
    if draft.has("model.revision"):
        yield Finding(
            ("model", "revision"), "a service's model has no revision: its name says which it is", of_key=True
        )


def conversations_are_the_services(draft: Draft) -> Iterator[Finding]:
    if not is_hosted(draft):
        return
    if draft.has("prompt.chat_template"):
        message = "the service renders conversations with its own template; leave this out"
        yield Finding(("prompt", "chat_template"), message, of_key=True)
    if draft.value("prompt.train_on") == "all":
        yield Finding(("prompt", "train_on"), "a service trains on the assistant's answers alone; write assistant")


def arms_are_there(draft: Draft) -> Iterator[Finding]:
    if not is_hosted(draft):
        return
    entries = draft.value("generation.arms", list) or []
    for index, name, options in placed_arms(entries):
        path = ("generation", "arms", index)
        if source_of(options) == "adapter":
            message = "an adapter is for weights on this machine, and the base model is at a service"
            yield Finding((*path, name, "adapter"), message, of_key=True)
        elif source_of(options) == "weights" and options.get("chat_template"):
            own = () if name in WELL_KNOWN else (name, "chat_template")
            same = name.partition("@")[0] if options["chat_template"] == NATIVE and not own else "it"
            message = (
                f"the service renders conversations with its own template; leave {'this arm' if not own else same}"
            )
            yield Finding((*path, *own), f"{message} out", of_key=bool(own))


def evaluators_can_score(draft: Draft) -> Iterator[Finding]:
    """Those that ask the weights behind an arm have nothing to ask where servers answer for all."""
    arms = placed_arms(draft.value("generation.arms", list) or [])
    if not is_hosted(draft) or any(source_of(options) in ("model", "adapter") for *_, options in arms):
        return
    for plugin in draft.plugins:
        if plugin.kind == "evaluators" and "models" in plugin.needs:
            message = (
                "asks the weights behind the arms, and a service answers for all of them without showing its weights: "
                "no row can be scored; leave it out"
            )
            yield Finding(("evaluation", "evaluators", plugin.name), f"{plugin.name} {message}", of_key=True)


def service_has_an_address(draft: Draft) -> Iterator[Finding]:
    url, variable = draft.value("training.openai.endpoint", str), draft.value("training.openai.api_key_env", str)
    if url is not None:
        try:
            read_address(url)
        except ValueError as error:
            yield Finding(("training", "openai", "endpoint"), str(error))
    if variable is not None and not VARIABLE.fullmatch(variable):
        message = "this is no name of an environment variable; a key itself never stands in a recipe"
        yield Finding(("training", "openai", "api_key_env"), message)


def service_is_paid_by_the_token(draft: Draft) -> Iterator[Finding]:
    if is_hosted(draft) and draft.has("compute.price_per_hour"):
        message = "without effect: a service is paid by the token; write price_per_million_tokens"
        yield Finding(("compute", "price_per_hour"), message, "warning", of_key=True)


def is_hosted(draft: Draft) -> bool:
    return bool(draft.value("training.trainer") == _OPENAI)


CHECKS: tuple[Check, ...] = (
    knobs_are_those_of_the_service,
    figures_are_within_the_services,
    model_is_the_services,
    conversations_are_the_services,
    arms_are_there,
    evaluators_can_score,
    service_has_an_address,
    service_is_paid_by_the_token,
)

"""The plug-in that Axolotl loads: reports what training does, and mends what would go wrong in silence.

Reported (resep.events, JSON lines): begin (planned steps, parameters), metric, progress, error, end. The parent calls
training a success only by these: Axolotl exits with 0 where the loss is NaN, where nothing is learned, and where this
very plug-in could not be imported.

Mended:
* LoRA's initial weights are drawn before Axolotl seeds anything;
* a NaN loss is logged as 0 (transformers' `logging_nan_inf_filter`);
* evaluation before the first step, which Axolotl forces, costs a CPU more than it tells;
* bitsandbytes on CPUs with AVX512-BF16: the first evaluation repacks the 4-bit weights for a kernel without autograd,
  and every later step loses the gradient through the frozen layers (measured on 0.50.2: one warning, wrong training).
"""

from __future__ import annotations

import math
from typing import Any

import transformers
from axolotl.integrations.base import BasePlugin

from resep import events
from resep.onednn.frozen import quicken_frozen

_LOGGED = ("loss", "learning_rate", "grad_norm", "eval_loss")


class Events(BasePlugin):  # type: ignore[misc]
    """What Axolotl calls. `post_train` is not used: it fires twice."""

    def pre_model_load(self, cfg: Any) -> None:
        """The first hook in a worker's life: end with the parent, and seed what Axolotl does not."""
        events.end_with_parent()
        transformers.set_seed(cfg.seed)

    def get_training_args(self, cfg: Any) -> dict[str, Any]:  # noqa: ARG002
        """Training arguments that Axolotl's own options cannot reach."""
        return {"logging_nan_inf_filter": False, "eval_on_start": False}

    def post_model_load(self, cfg: Any, model: Any) -> None:  # noqa: ARG002
        """On a CPU keep 4-bit layers differentiable after an evaluation, and let what is frozen multiply quicker."""
        for module in model.modules():
            if hasattr(module, "support_avx512bf16_for_cpu"):
                module.support_avx512bf16_for_cpu = False
        quicken_frozen(model)

    def add_callbacks_post_trainer(self, cfg: Any, trainer: Any) -> list[Any]:  # noqa: ARG002
        """The callback that reports."""
        return [_Report(trainer)]


class _Report(transformers.TrainerCallback):  # type: ignore[misc]
    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        if not state.is_world_process_zero:
            return
        parameters = list(self._trainer.model.parameters())
        events.emit(
            "begin",
            planned_steps=state.max_steps,
            first_step=state.global_step,
            trainable_parameters=sum(_size(p) for p in parameters if p.requires_grad),
            total_parameters=sum(_size(p) for p in parameters),
            precision=_precision(self._trainer.model, args),
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        if state.is_world_process_zero:
            events.emit("progress", done=state.global_step, total=state.max_steps, unit="steps")

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
        values = {name: float(logs[name]) for name in _LOGGED if name in logs}
        if not state.is_world_process_zero or not values:
            return
        if complaint := _complaint(values, may_overflow=args.fp16):
            events.emit("error", message=f"step {state.global_step}: {complaint}")
            raise FloatingPointError(complaint)
        events.emit("metric", step=state.global_step, epoch=state.epoch, **values)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        if state.is_world_process_zero:
            events.emit("end", steps=state.global_step, stopped_early=self._ran_out_of_patience())

    def _ran_out_of_patience(self) -> bool:
        stoppers = [
            callback
            for callback in self._trainer.callback_handler.callbacks
            if isinstance(callback, transformers.EarlyStoppingCallback)
        ]
        return any(stopper.early_stopping_patience_counter >= stopper.early_stopping_patience for stopper in stoppers)


def _complaint(values: dict[str, float], *, may_overflow: bool) -> str:
    """Why training cannot go on with these figures, or nothing. fp16's loss scaler makes infinite gradients normal."""
    bad = [name for name, value in values.items() if not math.isfinite(value)]
    if not bad or (may_overflow and bad == ["grad_norm"]):
        return ""
    if bad == ["loss"] and "grad_norm" in values:  # the mean over no token at all
        return (
            "no token of its rows is trained on, every label is masked: "
            "`resep preview` shows which tokens are (prompt.train_on, prompt.chat_template)"
        )
    return (
        f"{' and '.join(bad)} became {', '.join(str(values[name]) for name in bad)}: most often the learning rate is "
        "too high (try a tenth, or a longer training.warmup_ratio), or the base model's weights are broken"
    )


def _precision(model: Any, args: Any) -> str:
    """How the base weights are held and in what they are computed: `nf4, fp32`, `bf16`."""
    kinds = {type(parameter).__name__ for parameter in model.parameters()}
    computed = "bf16" if args.bf16 else "fp16" if args.fp16 else "fp32"
    return f"nf4, {computed}" if "Params4bit" in kinds else computed


def _size(parameter: Any) -> int:
    """Elements of a parameter; 4-bit weights hold two in a byte, and know their true shape."""
    state = getattr(parameter, "quant_state", None)
    return math.prod(state.shape) if state is not None else parameter.numel()

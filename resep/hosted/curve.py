"""What a service says of a training, in the words of a training on this machine: losses by step, and a summary."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openai.types.fine_tuning import FineTuningJob

# The service's names -> those of training.jsonl. The loss over all validation rows comes once an epoch; `valid_loss` is
# that of one batch of them, and is taken only where there is nothing better.
_ALL, _BATCH = "full_valid_loss", "valid_loss"


def figures(event: Mapping[str, Any]) -> dict[str, Any]:
    """`step`, `loss` and what else an event measures; empty where it measures nothing."""
    data = event.get("data")
    if not isinstance(data, Mapping) or not isinstance(data.get("step"), int | float):
        return {}
    named = {"loss": data.get("train_loss"), _ALL: data.get(_ALL), _BATCH: data.get(_BATCH)}
    found = {name: float(value) for name, value in named.items() if value is not None and _is_finite(value)}
    if not found:
        return {}
    planned = data.get("total_steps")
    return {"step": int(data["step"]), **found, **({"planned_steps": int(planned)} if planned else {})}


def curve(events: Iterable[Mapping[str, Any]], n_epochs: Any) -> list[dict[str, Any]]:
    """The records of training.jsonl by step: step, epoch where it can be told, loss, eval_loss."""
    by_step: dict[int, dict[str, Any]] = {}
    for event in events:
        if found := figures(event):
            by_step.setdefault(found["step"], {}).update(found)
    records = [by_step[step] for step in sorted(by_step)]
    source = _ALL if any(_ALL in record for record in records) else _BATCH
    return [_record(record, source, n_epochs) for record in records]


def summary(job: FineTuningJob, records: Sequence[Mapping[str, Any]], planned: int | None) -> dict[str, Any]:
    """What summary.json says. None: the service does not tell."""
    steps = max((record["step"] for record in records), default=None)
    return {
        "planned_steps": planned or steps,
        "steps": steps,
        "stopped_early": False,
        "trainable_parameters": None,
        "total_parameters": None,
        "final_loss": _last(records, "loss"),
        "final_eval_loss": _last(records, "eval_loss"),
        "method": "supervised, at a service",
        "precision": None,
        "job": job.id,
        "trained_tokens": job.trained_tokens,
        "hyperparameters": hyperparameters(job),
        "files": {"train": job.training_file, "validation": job.validation_file},
    }


def hyperparameters(job: FineTuningJob) -> dict[str, Any]:
    """As the service has them, its own choices among them; older ones stand beside the method."""
    method = job.method.supervised if job.method else None
    given = (method.hyperparameters if method else None) or job.hyperparameters
    names = ("n_epochs", "batch_size", "learning_rate_multiplier")
    return {name: value for name in names if (value := getattr(given, name, None)) is not None}


def planned_steps(events: Iterable[Mapping[str, Any]]) -> int | None:
    """How many steps the service planned, where it says so."""
    return next((found["planned_steps"] for e in events if "planned_steps" in (found := figures(e))), None)


def _record(found: Mapping[str, Any], source: str, n_epochs: Any) -> dict[str, Any]:
    record: dict[str, Any] = {"step": found["step"]}
    if isinstance(n_epochs, int) and found.get("planned_steps"):
        record["epoch"] = round(found["step"] / found["planned_steps"] * n_epochs, 4)
    record |= {"loss": found["loss"]} if "loss" in found else {}
    return record | ({"eval_loss": found[source]} if source in found else {})


def _last(records: Sequence[Mapping[str, Any]], name: str) -> float | None:
    return next((record[name] for record in reversed(records) if name in record), None)


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

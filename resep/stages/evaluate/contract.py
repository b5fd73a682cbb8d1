"""What an evaluator owes: one Score per sample, in order, with its own metrics. A crash in a row stays in that row.

An evaluator may work in batches behind its generator, so a crash does not say which row it belongs to. Then the samples
that have no score yet are asked for one at a time: the rows that crash alone are the ones at fault.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from resep.context import Context
from resep.errors import ResepError
from resep.records import Metric, Sample, Score
from resep.stages.evaluate.aggregates import aggregates_of, fault_in_stats
from resep.stages.evaluate.encoders import whole

if TYPE_CHECKING:
    from resep.statistics import Aggregate

Kept = TypeVar("Kept")
# Not the fault of a row: asking again would only fail again, and be stored as a result.
_NOT_A_ROW = (ResepError, ImportError, MemoryError, OSError)


@dataclass(frozen=True)
class Evaluator:
    """An opened evaluator plug-in with its options."""

    name: str
    module: ModuleType
    options: Mapping[str, Any]

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """METRICS, or what the plug-in's `metrics(options)` makes of its options."""
        if hasattr(self.module, "metrics"):
            return tuple(self.module.metrics(self.options))
        return tuple(self.module.METRICS)

    @property
    def reads_raw(self) -> bool:
        """`TEXTS = "raw"`: it reads what the arms really wrote, and nothing else: it is asked once."""
        return getattr(self.module, "TEXTS", None) == "raw"

    @property
    def aggregates(self) -> Mapping[str, Aggregate]:
        """Its functions for metrics that are no mean over rows. Raises ResepError where one is missing."""
        return aggregates_of(self.name, self.module, self.metrics)

    @property
    def has_own_rows(self) -> bool:
        """It asks the arms something else than the test rows."""
        return hasattr(self.module, "make_samples")

    def own_samples(self, context: Context) -> list[Sample] | None:
        """Its rows, with what the arms said to them; None for an evaluator of the test rows."""
        return list(self.module.make_samples(context, **self.options)) if self.has_own_rows else None

    def signature(self, context: Context) -> str:
        """What the numbers depend on: the plug-in's own `signature`, else its name and options."""
        if hasattr(self.module, "signature"):
            return str(self.module.signature(context, **self.options))
        return "|".join([self.name, *(f"{option}:{value}" for option, value in self.options.items())])

    def summarise(self, samples: Sequence[Sample], scores: Sequence[Score], context: Context) -> dict[str, Any]:
        """What the plug-in has to say beyond rows: `warnings`, and anything for the report."""
        if not hasattr(self.module, "summarise"):
            return {}
        return dict(self.module.summarise(samples, scores, context, **self.options))


@dataclass(frozen=True)
class Told:
    """What an evaluator says beside its scores: what its numbers depend on, tables for the report, warnings."""

    signature: str
    extra: Mapping[str, Any]
    warnings: tuple[str, ...]


def told(evaluator: Evaluator, samples: Sequence[Sample], scores: Sequence[Score], context: Context) -> Told:
    """Its `signature` and `summarise`. One that crashes is a warning: the rows are scored all the same."""
    signature, no_signature = _guarded(lambda: evaluator.signature(context))
    summary, no_summary = _guarded(lambda: _spelt(evaluator.summarise(samples, scores, context)))
    extra = dict(summary or {})
    crashes = {"summary": no_summary, "signature": no_signature}
    warnings = [
        *(f"evaluator {evaluator.name}: its {what} could not be made: {why}" for what, why in crashes.items() if why),
        *_listed(extra.pop("warnings", [])),
    ]
    return Told(signature or f"{evaluator.name}|not known: {no_signature}", extra, tuple(warnings))


def _listed(warnings: Any) -> list[str]:
    """A plug-in may give one warning where a list of them was meant."""
    return [str(each) for each in (warnings if isinstance(warnings, list) else [warnings])]


def _guarded(ask: Callable[[], Kept]) -> tuple[Kept | None, str | None]:
    """What the plug-in answers, or how it crashed."""
    try:
        return ask(), None
    except _NOT_A_ROW:
        raise
    except Exception as error:  # noqa: BLE001 (a plug-in may raise anything)
        return None, f"{type(error).__name__}: {error}"


def _spelt(said: dict[str, Any]) -> dict[str, Any]:
    """The same as a file holds it, with U+FFFD for half a character. Raises what json raises where none can."""
    return dict(json.loads(whole(json.dumps(said, ensure_ascii=False))))


def score(evaluator: Evaluator, samples: Sequence[Sample], context: Context) -> Iterator[Score]:
    """One checked Score per sample, in order. Raises ResepError when the evaluator breaks its contract."""
    done = 0
    try:
        for given in _ask(evaluator, samples, context):
            yield _checked(evaluator, given, samples, done)
            done += 1
    except _NOT_A_ROW:
        raise
    except Exception as error:  # noqa: BLE001 (a plug-in may raise anything; the row that does so is told)
        if len(samples) == 1:
            yield failed(evaluator, samples[0], error)
        else:
            for sample in samples[done:]:
                yield from score(evaluator, [sample], context)
        return
    if done < len(samples):
        raise ResepError(
            f"evaluator {evaluator.name}: gave {done} scores for {len(samples)} samples; it owes one per sample, "
            f"in order, also for those it cannot score (with values of None): the first without one is "
            f"{_called(samples[done])}"
        )


def failed(evaluator: Evaluator, sample: Sample, error: Exception) -> Score:
    """The score of a row that crashed: no values, and what happened."""
    return Score(sample.id, sample.arm, _nothing(evaluator), error=f"{type(error).__name__}: {error}")


def _ask(evaluator: Evaluator, samples: Sequence[Sample], context: Context) -> Iterable[Score]:
    given = evaluator.module.evaluate(iter(samples), context, **evaluator.options)
    if not isinstance(given, Iterable):
        raise ResepError(f"evaluator {evaluator.name}: evaluate() gave {type(given).__name__}, not scores to iterate")
    return given


def _checked(evaluator: Evaluator, given: Any, samples: Sequence[Sample], at: int) -> Score:
    if not isinstance(given, Score):
        raise ResepError(f"evaluator {evaluator.name}: gave {type(given).__name__} instead of a Score")
    if at >= len(samples):
        raise ResepError(f"evaluator {evaluator.name}: gave more than one score per sample ({len(samples)} samples)")
    expected = samples[at]
    if (given.id, given.arm) != (expected.id, expected.arm):
        raise ResepError(
            f"evaluator {evaluator.name}: gave a score for {_called(given)} where {_called(expected)} was next; "
            f"scores come in the order of the samples"
        )
    return _with_numbers(evaluator, given)


def _with_numbers(evaluator: Evaluator, given: Score) -> Score:
    names = {metric.name for metric in evaluator.metrics}
    # Rows of its own may be of several kinds: a metric that is not asked of a row is left out.
    wrong = set(given.values) - names if evaluator.has_own_rows else set(given.values) ^ names
    if wrong:
        raise ResepError(
            f"evaluator {evaluator.name}: its score of {_called(given)} has the values {sorted(given.values)}, "
            f"but METRICS names {sorted(names)}; a value that could not be had is None"
        )
    numbers = {name: None if value is None else float(value) for name, value in given.values.items()}
    if fault := fault_in_stats(given, evaluator.metrics):
        return replace(given, values=_nothing(evaluator), stats={}, error=given.error or fault)
    odd = [name for name, value in numbers.items() if value is not None and not math.isfinite(value)]
    if not odd:
        return replace(given, values=numbers)
    told = ", ".join(f"{name} is {numbers[name]}" for name in odd)
    return replace(given, values={**numbers, **dict.fromkeys(odd)}, error=given.error or f"not a number: {told}")


def _nothing(evaluator: Evaluator) -> dict[str, float | None]:
    return dict.fromkeys(metric.name for metric in evaluator.metrics)


def _called(record: Sample | Score) -> str:
    return f"{record.id!r} of arm {record.arm!r}"

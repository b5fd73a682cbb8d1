"""The options of the evaluator `judge`, and the metrics they lead to. Light: checking a recipe imports this."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from resep.address import VARIABLE, read_address
from resep.records import Metric
from resep.rubric import Criterion, criteria_faults, read_criteria
from resep.suggest import nearest

Mode = Literal["rubric", "pairwise", "both"]
PREFERENCE = "judge_preference"
PRICES = ("input_per_million", "output_per_million")
SKIPPED = "judge: skipped, nobody was asked: its options name neither an endpoint nor a model on this machine"


@dataclass(frozen=True)
class Settings:
    """The options of the evaluator, as its docstring describes them."""

    endpoint: str | None
    model: str | None
    api_key_env: str | None
    mode: Mode
    criteria: tuple[Criterion, ...]
    reference: bool
    temperature: float | None
    max_new_tokens: int
    logprobs: bool
    concurrency: int
    price: Mapping[str, float]
    seed: int

    @property
    def decoding(self) -> dict[str, Any]:
        """How every request is answered, the seed aside."""
        drawn = {} if self.temperature is None else {"temperature": self.temperature}
        wanted = {"logprobs": True, "top_logprobs": 20} if self.logprobs else {}
        return {**drawn, **wanted, "max_tokens": self.max_new_tokens}


def read_settings(options: Mapping[str, Any]) -> Settings:
    """The settings of all options, defaults filled in."""
    return Settings(**{**options, "criteria": read_criteria(options["criteria"])})


def judge_metrics(options: Mapping[str, Any]) -> tuple[Metric, ...]:
    """The metrics that these options lead to: none where there is nobody to ask."""
    if not options.get("model"):
        return ()
    mode, criteria = options.get("mode", "rubric"), options.get("criteria") or {}
    named = read_criteria(criteria) if isinstance(criteria, Mapping) else ()
    rubric = [] if mode == "pairwise" else [_metric(criterion) for criterion in named]
    return (*rubric, *([] if mode == "rubric" else [_preference()]))


def judging_faults(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(option, what is wrong), defaults left out or filled in. Values of a wrong type are the schema's to tell."""
    yield from _whom_faults(options)
    criteria = options.get("criteria")
    for name, fault in criteria_faults(criteria if isinstance(criteria, Mapping) else {}):
        yield f"criteria.{name}", fault
    yield from _number_faults(options)
    for name in options.get("price") or ():
        if name not in PRICES:
            yield "price", f"'{name}' is no price; there are {' and '.join(PRICES)}, each for a million tokens"


def _metric(criterion: Criterion) -> Metric:
    help_text = f"judge, 1 to 5: {criterion.question}"
    return Metric(f"judge_{criterion.name}", direction="higher", low=1, high=5, kind="ordinal", help=help_text)


def _preference() -> Metric:
    help_text = "judge: preferred to the candidate, a tie is half; the candidate's own is 0.5"
    return Metric(PREFERENCE, direction="higher", low=0, high=1, help=help_text, relative=True)


def _whom_faults(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    endpoint, model, variable = options.get("endpoint"), options.get("model"), options.get("api_key_env")
    if isinstance(endpoint, str):
        try:
            read_address(endpoint)
        except ValueError as error:
            yield "endpoint", str(error)
        if not model:
            yield "model", "name the model that judges, as the endpoint calls it"
    elif isinstance(model, str) and "/" not in model:
        yield from _local_faults(model)
    if variable is not None and endpoint is None:
        yield "api_key_env", "a key is for an endpoint, and none is named"
    if isinstance(variable, str) and not VARIABLE.fullmatch(variable):
        yield "api_key_env", "this is no name of an environment variable; a key itself never stands in a recipe"


def _local_faults(model: str) -> Iterator[tuple[str, str]]:
    from resep.models.embedded import EMBEDDED  # here: few recipes judge with a model on this machine

    if model not in EMBEDDED:
        near = nearest(model, EMBEDDED)
        hint = f" (there is '{near}')" if near else ""
        yield (
            "model",
            (
                f"no embedded model is called '{model}'{hint}; a folder is written './{model}', "
                "a model of the hub owner/name@revision, and one of a server needs its endpoint"
            ),
        )


def _number_faults(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    ranges = {"temperature": (0, 2), "max_new_tokens": (1, 100_000), "concurrency": (1, 1024)}
    for option, (low, high) in ranges.items():
        value = options.get(option)
        if isinstance(value, int | float) and not isinstance(value, bool) and not low <= value <= high:
            yield option, f"{value} is not possible: from {low:g} to {high:,}"

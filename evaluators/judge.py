"""A language model rates every answer from 1 to 5, one criterion at a time, or says which of two answers is better.

endpoint: a server with the API of OpenAI, https://host/v1; answers go to it, so it wants your word (--send-to)
model: the model that judges, as the endpoint calls it; without one an embedded name, owner/name@revision or a folder
api_key_env: the name of the environment variable that holds the key, never the key itself
mode: rubric gives every answer 1 to 5 points for each criterion; pairwise asks which of two answers is better, the
  candidate's or the other arm's, in both orders; both does both
criteria: name -> {question, levels}, where levels say what "1" and "5" mean; {} alone stands for a shipped one. None:
  correctness, completeness and clarity
reference: whether the judge sees the reference
temperature: 0: the likeliest answer; null: what the server does by itself, for servers that refuse the option
max_new_tokens: the longest answer: a number takes few; more for a model that thinks aloud first
logprobs: ask for log-probabilities, and take the expected score over them; false for servers that refuse them
concurrency: how many requests are on their way at once
price: what a million tokens cost, {input_per_million: 0.15, output_per_million: 0.60}, to count the cost
seed: sent with every request

Without an endpoint and a model it is skipped, and the report says so. An answer that is no number, not even when asked
again, is no score. The judge reads what the arms really wrote, before the recipe's text steps. Answers are kept in your
cache: nothing is asked, or paid for, twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from resep import Context, Metric, Sample, Score
from resep.digests import digest_json
from resep.errors import ResepError
from resep.judging_answers.settings import SKIPPED, Settings, judge_metrics, judging_faults, read_settings

METRICS = (
    Metric("judge_correctness", direction="higher", low=1, high=5, kind="ordinal"),
    Metric("judge_completeness", direction="higher", low=1, high=5, kind="ordinal"),
    Metric("judge_clarity", direction="higher", low=1, high=5, kind="ordinal"),
    Metric("judge_preference", direction="higher", low=0, high=1, help="with mode pairwise or both", relative=True),
)
TEXTS = "raw"


def metrics(options: Mapping[str, Any]) -> tuple[Metric, ...]:
    """One for each criterion of the options; none where there is nobody to ask."""
    return judge_metrics(options)


def evaluate(
    samples: Iterable[Sample],
    context: Context,
    *,
    endpoint: str | None = None,
    model: str | None = None,
    api_key_env: str | None = None,
    mode: Literal["rubric", "pairwise", "both"] = "rubric",
    criteria: dict = {},  # type: ignore[type-arg]  # noqa: B006 - options are read from literals
    reference: bool = True,
    temperature: float | None = 0.0,
    max_new_tokens: int = 16,
    logprobs: bool = True,
    concurrency: int = 8,
    price: dict[str, float] = {},  # noqa: B006
    seed: int = 42,
) -> Iterator[Score]:
    from resep.judging_answers.scoring import judged  # it needs what checking a recipe does without

    options = {
        "endpoint": endpoint,
        "model": model,
        "api_key_env": api_key_env,
        "mode": mode,
        "criteria": criteria,
        "reference": reference,
        "temperature": temperature,
        "max_new_tokens": max_new_tokens,
        "logprobs": logprobs,
        "concurrency": concurrency,
        "price": price,
        "seed": seed,
    }
    if not model:
        yield from (Score(sample.id, sample.arm, {}) for sample in samples)
        return
    rows = list(samples)
    yield from judged(rows, _settings(options), context.samples or rows)


def signature(context: Context, **options: Any) -> str:  # noqa: ARG001
    if not options["model"]:
        return "judge|skipped"
    asked = {name: options[name] for name in ("mode", "reference", "temperature", "max_new_tokens", "logprobs")}
    criteria = [[c.name, c.question, c.anchors] for c in _settings(options).criteria]
    said = "|".join(f"{name}:{value}" for name, value in asked.items())
    return f"judge|model:{options['model']}|{said}|criteria:{digest_json(criteria)[:12]}|texts:raw|version:1"


def summarise(samples: Sequence[Sample], scores: Sequence[Score], context: Context, **options: Any) -> dict[str, Any]:
    from resep.judging_answers.findings import findings

    if not options["model"]:
        return {"judge": {"skipped": SKIPPED}, "warnings": [SKIPPED]}
    return findings(samples, scores, _settings(options), context.arms)


def _settings(options: Mapping[str, Any]) -> Settings:
    for option, message in judging_faults(options):
        raise ResepError(f"evaluation.evaluators.judge.{option}: {message}")
    return read_settings(options)

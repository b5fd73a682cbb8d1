"""README.md of what was trained: a model card as the Hugging Face hub reads it, from the results and the recipe.

Nothing of a row stands in it, no path, and nothing that another machine would say otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from resep.document.inline import inline
from resep.document.writer import dump_yaml
from resep.handover.asking import Weights, base_name, text_steps
from resep.models.embedded import EMBEDDED
from resep.plugins import describe
from resep.recipe.paths import is_hub_id
from resep.rounding import NOTHING, places, plain
from resep.stages.generate.arms import Precision
from resep.stages.prepare.text import text_pipeline
from resep.stages.report.text import cell, shown

if TYPE_CHECKING:
    from jinja2 import Environment

    from resep.recipe import Recipe

_TEMPLATES = Path(__file__).parent
_QUESTION = "How do I begin?"
_TUNED = "tuned"
_DTYPES: tuple[Literal["float32", "bfloat16", "float16"], ...] = ("float32", "bfloat16", "float16")
_STORED = ((False, False), (True, False), (True, True))  # in 4 bits, and turned back
_NUMBERS = {each.name: each for dtype, how in product(_DTYPES, _STORED) for each in [Precision(dtype, *how)]}


def model_card(recipe: Recipe, results: Mapping[str, Any], weights: Weights) -> str:
    """The text of README.md for the folder `adapter` or `model` of a run with these results."""
    base, merged = base_name(recipe), results.get("merged") if weights == "model" else None
    page = {
        "front": dump_yaml(_front(recipe, weights, base)),
        "results": results,
        "weights": weights,
        "recipe": recipe,
        "base": base,
        "base_kind": "embedded" if base in EMBEDDED else "hub" if is_hub_id(base) else "folder",
        "identity": _identity(results),
        "merged": merged,
        "numbers": Precision(merged["dtype"]) if merged else _numbers(results),
        "means": list(_means(results)),
        "steps": list(_steps(recipe)),
        "question": _QUESTION,
        "asked": _asked(recipe),
        "decoding": _decoding(recipe),
        "facts": list(_facts(recipe, results)),
        "limits": list(_limits(recipe, results, weights)),
    }
    return _environment().get_template("card.md.jinja").render(page)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"cell": cell, "code": _code, "py": _literal}
    return environment


def _code(text: str) -> str:
    """The text between backticks, on one line."""
    return "`" + " ".join(shown(text, 400).split()).replace("`", "'") + "`"


def _literal(value: Any) -> str:
    """A text or a number as Python and JSON both write it."""
    return {True: "True", False: "False"}[value] if isinstance(value, bool) else json.dumps(value, ensure_ascii=False)


def _front(recipe: Recipe, weights: Weights, base: str) -> dict[str, Any]:
    """The YAML at the top, by the hub's names; data sets only where the hub has them."""
    hubs = [source["hub"] for source in recipe["data.sources"] if source.get("hub")]
    found = {
        "base_model": None if base.startswith("./") else base,
        "library_name": "peft" if weights == "adapter" else "transformers",
        "pipeline_tag": "text-generation",
        "language": recipe["language"],
        "license": (recipe["license"] or "").lower(),
        "datasets": list(dict.fromkeys(hubs)),
        "tags": list(dict.fromkeys([*(recipe["tags"] or []), recipe["training.method"], "resep"])),
    }
    return {key: value for key, value in found.items() if value}


def _identity(results: Mapping[str, Any]) -> str | None:
    """What the base model is: a name with a digest or a revision."""
    arms = results["arms"].values()
    return next((facts["model"] for facts in arms if facts.get("weights") in ("base", _TUNED)), None)


def _numbers(results: Mapping[str, Any]) -> Precision:
    """The numbers that the arms computed with."""
    arms = results["arms"]
    told = [arms.get(_TUNED, {}).get("precision"), *(facts.get("precision") for facts in arms.values())]
    return next((_NUMBERS[name] for name in told if name in _NUMBERS), Precision("float32"))


def _means(results: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """(arm, mean, interval, rows) of the primary metric; the candidate last."""
    verdict = results["verdict"]
    metric = results["metrics"].get(verdict["metric"])
    for arm in sorted(metric["arms"] if metric else (), key=lambda arm: arm == verdict["candidate"]):
        facts = metric["arms"][arm]
        low, high = facts.get("ci_low"), facts.get("ci_high")
        digits = places(low, high)
        interval = NOTHING if low is None or high is None else f"{plain(low, digits)} to {plain(high, digits)}"
        yield arm, plain(facts["mean"], digits), interval, f"{facts['n']:,}"


def _steps(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    """(name, options, what it does) of every step that a prompt goes through."""
    for step in text_steps(recipe):
        for name, options in step.items():
            if "prompt" in options.get("fields", ("prompt",)):
                told = (f"{key}: {_option(value)}" for key, value in options.items() if value and key != "fields")
                yield name, ", ".join(told), describe(recipe.plugin("preprocessing", name)).help


def _option(value: Any) -> str:
    """Of a map its keys alone: a list of words to be masked must not stand in a card."""
    return inline(list(value) if isinstance(value, Mapping) else value)


def _asked(recipe: Recipe) -> str:
    return text_pipeline(recipe.steps, "prompt")(_QUESTION)


def _decoding(recipe: Recipe) -> dict[str, Any]:
    """The arguments of `generate` that decode as the recipe does."""
    told = recipe["generation"]
    sampling = {key: told[key] for key in ("temperature", "top_p", "top_k") if told["do_sample"]}
    penalty = {"repetition_penalty": told["repetition_penalty"]} if told["repetition_penalty"] != 1.0 else {}
    return {"do_sample": told["do_sample"], "max_new_tokens": told["max_new_tokens"], **sampling, **penalty}


def _facts(recipe: Recipe, results: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What it was trained on, and how, in numbers."""
    data, training, splits = results["data"], results["training"], results["data"]["splits"]
    yield "rows", ", ".join(f"{splits.get(name, 0):,} {name}" for name in ("train", "validation", "test"))
    tokens = data.get("tokens", {}).get("splits", {}).get("train", {})
    if tokens.get("tokens"):
        yield "tokens in the training rows", f"{tokens['tokens']:,}, {tokens['trained_tokens']:,} of them trained on"
    yield "method", _method(recipe)
    yield "steps", f"{training['steps']:,} of {recipe['training.batch_size']} rows"
    yield "learning rate", f"{recipe['training.learning_rate']:g}, {recipe['training.lr_scheduler']}"
    if training.get("trainable_parameters"):
        yield "trained weights", f"{training['trainable_parameters']:,} of {training['total_parameters']:,}"
    if training.get("final_eval_loss") is not None:
        yield "validation loss at the end", f"{training['final_eval_loss']:.3f}"
    yield "seed", str(recipe["seed"])


def _method(recipe: Recipe) -> str:
    method, lora = recipe["training.method"], recipe["training.lora"]
    if not lora:
        return "every weight"
    targets = lora["target_modules"]
    named = targets if isinstance(targets, str) else ", ".join(targets)
    return f"{method}, r {lora['r']}, alpha {lora['alpha']}, dropout {lora['dropout']:g}, on {named}"


def _limits(recipe: Recipe, results: Mapping[str, Any], weights: Weights) -> Iterator[str]:
    rows, verdict = results["prompts"]["rows"], results["verdict"]
    by = ", ".join(dict.fromkeys(metric["evaluator"] for metric in results["metrics"].values()))
    yield f"Measured on {rows:,} rows of one data set, by {by}, and by nothing else."
    if verdict["outcome"] != "better":
        yield "It was not shown to be better than its base model: see the sentence above."
    if also := results["prompts"]["also_trained"]:
        yield f"{also:,} of the test prompts were also trained on, so part of the gain may be memory."
    tuned = results["arms"].get(_TUNED, {})
    if tuned.get("truncated"):
        most = recipe["generation.max_new_tokens"]
        yield f"{tuned['truncated']:,} of {tuned['rows']:,} answers were cut at {most} tokens."
    yield "A prompt that did not go through the steps above is one that it never saw the like of."
    yield "It answers other questions in the manner of its training rows, too; what it says may be wrong."
    if weights == "adapter" and recipe["training.method"] == "qlora":
        yield "It was trained on 4-bit weights: on the original ones it gives other answers than those measured."
    yield "The base model's licence and limits hold as well."

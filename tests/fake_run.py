"""A made-up run for the tests of the report: the folders that prepare ... evaluate leave, for three arms and 45 rows.

The tuned arm follows the target closely and sometimes fails; the base in its own format is the stronger base.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resep.records import Example, Message, Sample, Score, write_jsonl

ARMS = ("base", "tuned", "base@native-template")
EVALUATORS = ("order_accuracy", "bertscore", "exact_match", "length")
CONFIG: Mapping[str, Any] = {
    "name": "fake",
    "recipe_sha256": "0123456789abcdef0123456789abcdef",
    "description": "Ordered steps for questions about apps.",
    "arms": list(ARMS),
    "evaluators": list(EVALUATORS),
    "seed": 42,
    "model.base": "smollm2-135m-instruct",
    "split.by": "prompt",
    "training.method": "qlora",
    "training.learning_rate": 0.001,
    "training.num_epochs": 2,
    "training.lora.r": 16,
    "generation.max_new_tokens": 160,
    "evaluation.primary": "order_accuracy",
    "evaluation.baseline": None,
    "evaluation.cluster_by": None,
    "evaluation.slices": ["category"],
    "expect.order_accuracy.delta": "> 0",
    "expect.bertscore_f1.delta": ">= 0.5",
}
_SKILL = {"base": (0.35, 0.55), "tuned": (0.85, 0.12), "base@native-template": (0.6, 0.3)}
_VERBS = ("open", "tap", "choose", "select", "confirm", "check", "enter", "save", "press", "review")
_THINGS = (
    "the settings",
    "your profile",
    "security",
    "the payments tab",
    "the order list",
    "your pin",
    "notifications",
)
_APPS = ("Brindle Bank", "Mapleway", "Kopi Go", "Larkmail")

_METRICS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "order_accuracy": (
        {"name": "order_accuracy", "direction": "higher", "low": 0.0, "high": 1.0, "help": "step pairs in right order"},
        {"name": "sequence_f1", "direction": "higher", "low": 0.0, "high": 1.0, "help": "longest run in order"},
        {"name": "order_given_matched", "direction": "higher", "low": 0.0, "high": 1.0, "help": "order alone"},
    ),
    "bertscore": (
        {"name": "bertscore_f1", "direction": "higher", "low": -1.0, "high": 1.0, "help": "closeness in meaning"},
    ),
    "exact_match": ({"name": "exact_match", "direction": "higher", "low": 0.0, "high": 1.0, "kind": "binary"},),
    "length": (
        {"name": "truncated", "direction": "lower", "low": 0.0, "high": 1.0, "kind": "binary"},
        {"name": "output_words", "direction": "none", "unit": "words", "help": "words in the output"},
    ),
}


def fake_run(folder: Path, rows: int = 45, outputs: Mapping[str, str] | None = None) -> dict[str, Path]:
    """Write the stages' folders and return them by stage name. `outputs` replaces outputs of tuned, by row id."""
    rng = random.Random(7)
    examples = [_example(number, rng) for number in range(rows)]
    answers = {arm: [_answer(example, arm, rng) for example in examples] for arm in ARMS}
    samples = {
        arm: [_sample(e, arm, a, outputs or {}) for e, a in zip(examples, answers[arm], strict=True)] for arm in ARMS
    }
    inputs = {"prepare": _prepare(folder / "prepare", examples, rng), "tokenise": _tokenise(folder / "tokenise", rows)}
    inputs["train"] = _train(folder / "train", rng)
    for arm in ARMS:
        inputs[f"generate:{arm}"] = _generate(folder / f"generate-{arm}", arm, samples[arm])
    for name in EVALUATORS:
        inputs[f"evaluate:{name}"] = _evaluate(folder / f"evaluate-{name}", name, samples, rng)
    for number, (name, path) in enumerate(inputs.items()):
        provenance = {
            "versions": {"python": "3.11.7", "torch": "2.13.0"},
            "platform": "Linux x86_64",
            "seconds": 3.5 * number,
        }
        _json(path / "stage.json", {"stage": name, "key": f"{number:032x}", "outputs": {}, "provenance": provenance})
    return inputs


def _example(number: int, rng: random.Random) -> Example:
    steps = tuple(rng.sample([f"{verb} {thing}" for verb in _VERBS for thing in _THINGS], rng.randint(3, 7)))
    prompt = f"how do i reset {_THINGS[number % 7]} in {_APPS[number % 4]} case {number}"
    answer = "\n".join(f"{i}. {step}" for i, step in enumerate(steps, 1))
    messages = (Message("user", prompt), Message("assistant", answer))
    return Example(f"row-{number:03d}", messages, steps, {"category": _APPS[number % 4]})


def _answer(example: Example, arm: str, rng: random.Random) -> list[str]:
    keep, stray = _SKILL[arm]
    steps = [step for step in example.target if rng.random() < keep]
    if rng.random() < stray and len(steps) > 1:
        i = rng.randrange(len(steps) - 1)
        steps[i], steps[i + 1] = steps[i + 1], steps[i]
    steps += [f"visit the help page of {rng.choice(_APPS)}" for _ in range(3) if rng.random() < stray]
    return steps


def _sample(example: Example, arm: str, steps: Sequence[str], outputs: Mapping[str, str]) -> Sample:
    text = "\n".join(f"{i}. {step}" for i, step in enumerate(steps, 1))
    text = outputs.get(example.id, text) if arm == "tuned" else text
    cut = "length" if arm == "base" and len(steps) > 5 else "stop"
    return Sample(example.id, arm, example.target, text, example.prompt, cut, 40, len(text.split()), example.metadata)


def _prepare(folder: Path, examples: Sequence[Example], rng: random.Random) -> Path:
    folder.mkdir(parents=True)
    write_jsonl(folder / "train.jsonl", [_example(1000 + n, rng) for n in range(30)])
    write_jsonl(folder / "test.jsonl", examples)
    return _json(
        folder / "statistics.json",
        {
            "rows_in": 320,
            "rows_kept": 309,
            "dropped": {"duplicate": 9, "empty response": 2},
            "splits": {"train": 234, "validation": 30, "test": len(examples)},
            "steps": [{"name": "placeholders", "rows_in": 320, "rows_out": 320, "changed": 41}],
            "placeholders": {"[EMAIL]": 22, "[PHONE]": 19},
            "warnings": ["category has one value with fewer than 5 rows"],
            "strata": {},
        },
    )


def _tokenise(folder: Path, rows: int) -> Path:
    folder.mkdir(parents=True)
    splits = {"train": {"rows": 234, "tokens": 17_100, "trained_tokens": 11_020, "longest": 171, "over_limit": 0}}
    return _json(
        folder / "statistics.json", {"splits": splits, "overflow": [], "marker_rows": 0, "warnings": [], "n": rows}
    )


def _train(folder: Path, rng: random.Random) -> Path:
    folder.mkdir(parents=True)
    records: list[dict[str, Any]] = []
    for step in range(1, 57):
        loss = 1.55 + 1.7 * 0.93**step + rng.uniform(-0.08, 0.08)
        records.append({"step": step, "epoch": step / 28, "loss": loss, "learning_rate": 1e-3, "grad_norm": 1.0})
        if step % 14 == 0:
            records.append({"step": step, "epoch": step / 28, "eval_loss": 1.7 + 1.5 * 0.93**step})
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "training.jsonl").write_text(lines, encoding="utf-8")
    summary = {
        "planned_steps": 56,
        "steps": 56,
        "stopped_early": False,
        "trainable_parameters": 4_884_480,
        "total_parameters": 139_400_064,
        "final_loss": 1.58,
        "final_eval_loss": 1.73,
        "method": "qlora",
        "precision": "nf4",
    }
    return _json(folder / "summary.json", summary)


def _generate(folder: Path, arm: str, samples: Sequence[Sample]) -> Path:
    folder.mkdir(parents=True)
    write_jsonl(folder / "samples.jsonl", samples)
    native = arm == "base@native-template"
    facts = {
        "arm": arm,
        "model": "smollm2-135m-instruct#0a1b2c3d4e5f",
        "precision": "nf4, compute float32",
        "template": "native" if native else "mistral",
        "decoding": {"do_sample": False, "max_new_tokens": 160},
        "prompt_sha256": "bb" * 32 if native else "aa" * 32,
        "proof": {"adapter_off_equals_base": True, "largest_difference": 0.0} if arm == "base" else None,
        "truncated": sum(s.finish_reason == "length" for s in samples),
        "empty": sum(not s.output for s in samples),
    }
    return _json(folder / "arm.json", facts)


def _evaluate(folder: Path, name: str, samples: Mapping[str, Sequence[Sample]], rng: random.Random) -> Path:
    folder.mkdir(parents=True)
    scores = [_score(name, sample, rng) for arm in ARMS for sample in samples[arm]]
    write_jsonl(folder / "scores.jsonl", scores)
    write_jsonl(folder / "raw_scores.jsonl", scores)
    extra: dict[str, Any] = {}
    if name == "order_accuracy":
        extra = {
            "sweep": [
                {"threshold": t, "arms": {arm: 0.7 - t / 2 + 0.2 * (arm == "tuned") for arm in ARMS}}
                for t in (0.2, 0.3, 0.4, 0.5)
            ],
            "chance": {"base": 0.11, "tuned": 0.13, "base@native-template": 0.12},
            "forms": {
                "base": {"lines": 30, "numbered": 15},
                "tuned": {"numbered": 45},
                "base@native-template": {"numbered": 45},
            },
        }
    signature = f"{name}|v1|normalise=recipe"
    return _json(
        folder / "metrics.json",
        {"signature": signature, "metrics": list(_METRICS[name]), "warnings": [], "extra": extra},
    )


def _score(name: str, sample: Sample, rng: random.Random) -> Score:
    output = tuple(line.partition(". ")[2] or line for line in sample.output.splitlines())
    target = tuple(sample.target)
    if name == "order_accuracy":
        return _order_score(sample, output, target)
    overlap = len(set(output) & set(target)) / len(target)
    values: dict[str, float | None] = {
        "bertscore": {"bertscore_f1": round(0.2 + 0.6 * overlap + rng.uniform(-0.05, 0.05), 4)},
        "exact_match": {"exact_match": float(output == target)},
        "length": {
            "truncated": float(sample.finish_reason == "length"),
            "output_words": float(len(sample.output.split())),
        },
    }[name]  # type: ignore[assignment]
    return Score(sample.id, sample.arm, values)


def _order_score(sample: Sample, output: tuple[str, ...], target: tuple[str, ...]) -> Score:
    pairs = [(output.index(step), j, 1.0) for j, step in enumerate(target) if step in output]
    n, k = len(target), len(pairs)
    concordant = sum(a[0] < b[0] for x, a in enumerate(pairs) for b in pairs[x + 1 :])
    values = {
        "order_accuracy": concordant / (n * (n - 1) / 2),
        "sequence_f1": 2 * k / (len(output) + n),
        "order_given_matched": concordant / (k * (k - 1) / 2) if k >= 2 else None,
    }
    detail = {"output_steps": list(output), "reference_steps": list(target), "pairs": [list(p) for p in pairs]}
    return Score(sample.id, sample.arm, values, detail=detail)


def _json(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path.parent

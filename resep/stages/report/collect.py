"""What the stages left, as one value: results.json. With samples and scores it is all that the page knows."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resep.records import Example, Sample, read_jsonl
from resep.stages.report.conclusions import conclude
from resep.stages.report.metrics import read_scores
from resep.stages.report.overfit import reading, signs
from resep.stages.report.slices import left_out
from resep.stages.tokenise.write import TOO_LONG
from resep.statistics import SMALL
from resep.store import read_stage

Folders = Mapping[str, Path]


def collect(
    inputs: Folders, config: Mapping[str, Any], run_id: str, plugins: Mapping[str, Path] | None = None
) -> dict[str, Any]:
    """The content of results.json (DESIGN.md, section 6). `inputs`: stage name -> folder. No NaN comes out.

    `plugins`: evaluator -> its file, where it is not ours.
    """
    arms = {arm: _arm(inputs[f"generate:{arm}"]) for arm in config["arms"]}
    files = plugins or {}
    scored = [read_scores(name, inputs[f"evaluate:{name}"], arms, files.get(name)) for name in config["evaluators"]]
    tested = list(read_jsonl(inputs["prepare"] / "test.jsonl", Example))
    results = {
        **said_of(config),
        "run_id": run_id,
        **({"rehearsal": config["rehearsal"]} if "rehearsal" in config else {}),
        "arms": arms,
        **conclude(scored, arms, tested, config),
        "data": _data(_json(inputs["prepare"] / "statistics.json"), _json(inputs["tokenise"] / "statistics.json")),
        "training": _training(inputs["train"]),
        **({"merged": _json(inputs["merge"] / "merge.json")} if "merge" in inputs else {}),
        "prompts": _prompts(inputs),
        "controls": {s.evaluator: s.extra for s in scored if s.extra},
        "environment": _environment(inputs),
        "seconds": {name: read_stage(folder)["provenance"].get("seconds") for name, folder in inputs.items()},
    }
    said = [_json(inputs[name] / "statistics.json").get("warnings", []) for name in ("prepare", "tokenise")]
    results["warnings"] = [
        *(w for warnings in said for w in warnings),
        *(w for s in scored for w in s.warnings),
        *warnings_of(tested, results),
    ]
    return dict(without_nan(results))


def said_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """What results.json says of the recipe: `recipe` and `settings`."""
    return {
        "recipe": {"name": config["name"], "sha256": config["recipe_sha256"], "description": config.get("description")},
        "settings": {key: value for key, value in config.items() if value is not None and key not in _ELSEWHERE},
    }


_ELSEWHERE = {"name", "description", "recipe_sha256", "arms", "evaluators", "rehearsal"}


def without_nan(value: Any) -> Any:
    """The value with None for every number that JSON cannot spell."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: without_nan(inner) for key, inner in value.items()}
    return [without_nan(inner) for inner in value] if isinstance(value, list | tuple) else value


def _arm(folder: Path) -> dict[str, Any]:
    ids = [sample.id for sample in read_jsonl(folder / "samples.jsonl", Sample)]
    return _json(folder / "arm.json") | {"rows": len(ids)}


def _data(prepared: Mapping[str, Any], tokens: Mapping[str, Any]) -> dict[str, Any]:
    """The ledger's counts, with the rows that turned out too long when they were tokenised as dropped."""
    splits = dict(prepared["splits"])
    too_long = [entry["split"] for entry in tokens["overflow"] if not entry["kept"]]
    for split in too_long:
        splits[split] -= 1
    dropped = prepared["dropped"] | ({TOO_LONG: len(too_long)} if too_long else {})
    return {
        **prepared,
        "rows_kept": prepared["rows_kept"] - len(too_long),
        "dropped": dropped,
        "splits": splits,
        "tokens": tokens,
    }


def _training(folder: Path) -> dict[str, Any]:
    lines = (folder / "training.jsonl").read_text(encoding="utf-8").splitlines()
    curve = [without_nan(json.loads(line)) for line in lines if line.strip()]
    summary = without_nan(_json(folder / "summary.json"))
    return {**summary, "reading": reading(curve), "signs": signs(curve), "curve": curve}


def _prompts(inputs: Folders) -> dict[str, int]:
    """How many test prompts there are, how many of them differ, and how many were also trained on."""
    trained = {_question(example) for example in read_jsonl(inputs["prepare"] / "train.jsonl", Example)}
    tested = list(read_jsonl(inputs["prepare"] / "test.jsonl", Example))
    return {**asked(tested), "also_trained": sum(_question(example) in trained for example in tested)}


def asked(tested: Sequence[Example | Sample]) -> dict[str, int]:
    """How many test prompts there are, and how many of them differ."""
    return {"rows": len(tested), "distinct": len({_question(row) for row in tested})}


def _question(example: Example | Sample) -> str:
    return "\n".join(message.content for message in example.prompt)


def _environment(inputs: Folders) -> dict[str, Any]:
    """Versions and machine, as each stage noted them when it ran; where stages differ, every value is named."""
    found: dict[str, list[str]] = {}
    platforms: list[str] = []
    for folder in inputs.values():
        noted = read_stage(folder)["provenance"]
        platforms.append(noted.get("platform", "unknown"))
        for package, version in noted.get("versions", {}).items():
            found.setdefault(package, []).append(version)
    versions = {package: ", ".join(dict.fromkeys(given)) for package, given in found.items()}
    return {"versions": versions, "platform": ", ".join(dict.fromkeys(platforms))}


def warnings_of(tested: Sequence[Example | Sample], results: Mapping[str, Any]) -> list[str]:
    """What is to be said of the results themselves: `slices`, `settings`, `prompts` and `arms` of results.json."""
    said: list[str] = []
    if results["slices"]:
        said += left_out(tested, results["settings"]["evaluation.slices"])
    prompts, rows = results["prompts"], results["prompts"]["rows"]
    if prompts["also_trained"]:
        said.append(f"{prompts['also_trained']} of {rows} test prompts were also trained on: the gain may be memory")
    if prompts["distinct"] < rows and not results["settings"].get("evaluation.cluster_by"):
        said.append(
            f"{rows} test rows ask {prompts['distinct']} different questions: rows of one question are not "
            "independent, the intervals are too narrow; name a field in evaluation.cluster_by"
        )
    if rows < SMALL:
        said.append(f"{rows} test rows are few: intervals are wide and a little optimistic below {SMALL}")
    for arm, facts in results["arms"].items():
        if (cut := facts.get("truncated") or 0) * 10 > facts["rows"]:
            said.append(f"{arm}: {cut} of {facts['rows']} answers were cut at generation.max_new_tokens")
    return said


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))

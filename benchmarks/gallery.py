"""Run every recipe of the gallery for real, and write what came of it into README's table.

    python benchmarks/gallery.py [RECIPE...]     runs recipes/*_cpu.yaml, or the named ones; then writes the table
    python benchmarks/gallery.py --table         writes the table again from docs/gallery.json

Each figure is one of the run's own results.json, but for memory: the largest process of the run, by the system's count.
Time is what the stages took when they ran; a stage that is reused keeps the time it once took. docs/gallery.json holds
the figures of the runs, so that the table can be checked without running them again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FIGURES = ROOT / "docs" / "gallery.json"
README = ROOT / "README.md"
BEGIN, END = "<!-- gallery: written by `make gallery` -->\n", "<!-- end of gallery -->\n"
HEAD = (
    "| recipe | task | model | rows: train, test | time | memory | metric | base → tuned | difference (95% interval) |"
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("recipes", nargs="*", type=Path, help="default: recipes/*_cpu.yaml")
    parser.add_argument("--table", action="store_true", help="run nothing, write the table again")
    args = parser.parse_args()
    figures = known()
    for recipe in [] if args.table else args.recipes or sorted((ROOT / "recipes").glob("*_cpu.yaml")):
        figures[recipe.stem] = run(recipe, figures.get(recipe.stem, {}))
        FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    README.write_text(with_table(README.read_text(encoding="utf-8"), figures), encoding="utf-8")
    return 0


def known() -> dict[str, dict[str, Any]]:
    """The figures of earlier runs, by recipe."""
    found: dict[str, dict[str, Any]] = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    return found


def run(recipe: Path, before: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a recipe's run. `before`: those of the last one, whose memory counts where it is reused."""
    started = subprocess.Popen([sys.executable, str(ROOT / "runner.py"), str(recipe)], cwd=ROOT)
    _, status, usage = os.wait4(started.pid, 0)
    if (code := os.waitstatus_to_exitcode(status)) not in (0, 4):  # 4: an expectation was not met; the run is whole
        raise SystemExit(f"{recipe}: exit code {code}")
    results = json.loads((ROOT / "runs" / recipe.stem / "latest" / "results.json").read_text(encoding="utf-8"))
    largest_gib = round(usage.ru_maxrss / 2**20, 1)  # Linux counts KiB
    was_reused = before.get("run") == results["run_id"]
    return figures_of(results, max(largest_gib, before["memory_gib"]) if was_reused else largest_gib)


def figures_of(results: Mapping[str, Any], memory_gib: float) -> dict[str, Any]:
    """What the table tells of a run. The comparison is the one that the verdict speaks of."""
    verdict = results["verdict"]
    metric = results["metrics"][verdict["metric"]]
    sides = ("baseline", "candidate")
    (comparison,) = (c for c in metric["comparisons"] if all(c[side] == verdict[side] for side in sides))
    shown = ("delta", "ci_low", "ci_high", "baseline_mean", "candidate_mean")
    return {
        "task": results["recipe"]["description"],
        "model": results["settings"]["model.base"],
        "train": results["data"]["splits"]["train"],
        "test": comparison["n"],
        "seconds": round(sum(results["seconds"].values())),
        "memory_gib": memory_gib,
        "metric": verdict["metric"],
        "direction": metric["direction"],
        "baseline": verdict["baseline"],
        "run": results["run_id"],
        **{name: round(comparison[name], 3) for name in shown},
    }


def with_table(text: str, figures: Mapping[str, Mapping[str, Any]]) -> str:
    """README with the table of these figures in its place."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return head + BEGIN + table(figures) + END + tail


def table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [HEAD, "|---|---|---|--:|--:|--:|---|--:|--:|"]
    return "\n".join([*lines, *(_line(name, found) for name, found in sorted(figures.items()))]) + "\n"


def _line(name: str, found: Mapping[str, Any]) -> str:
    arrow = {"higher": " ↑", "lower": " ↓"}.get(found["direction"], "")
    base = found["baseline_mean"] if found["baseline"] == "base" else f"{found['baseline_mean']} ({found['baseline']})"
    cells: Sequence[str] = (
        f"[{name}](recipes/{name}.yaml)",
        found["task"].rstrip("."),
        found["model"],
        f"{found['train']}, {found['test']}",
        f"{found['seconds'] // 60} min {found['seconds'] % 60:02} s",
        f"{found['memory_gib']} GiB",
        f"`{found['metric']}`{arrow}",
        f"{base} → {found['candidate_mean']}",
        f"{found['delta']:+.3f} ({found['ci_low']:.3f} to {found['ci_high']:.3f})",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())

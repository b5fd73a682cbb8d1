"""What `resep check` costs beside an empty Python, beside 200 recipes in one call, and beside the other tools' checks.

    python benchmarks/check_time.py [--repeats N] [--only-resep]

Every figure is CPU time (user and system) of a child process, because wall time on a shared machine says little. The
ratios are from one run. Other tools are measured where they are installed in the same environment, each on a config of
its own with one misspelt optional key, and what a person learns from each is told by its exit code and its output.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parent.parent
RECIPES = ROOT / "recipes"
MANY = 200
TYPO = ("learning_rate:", "learning_rte:")
BUDGET_S, BUDGET_MANY_MS = 0.2, 15.0


@dataclass(frozen=True)
class Measured:
    """CPU seconds of each repeat of one command, its exit code, its output, and whether that named the typo."""

    name: str
    seconds: tuple[float, ...]
    code: int
    output: str

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def names_the_typo(self) -> bool:
        return "learning_rte" in self.output or "warmup_ratoi" in self.output

    @property
    def tells_the_line(self) -> bool:
        return self.names_the_typo and any(f"yaml:{line}:" in self.output for line in range(1, 200))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only-resep", action="store_true", help="leave the other tools out")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        empty = measure("python -c pass", [sys.executable, "-c", "pass"], args.repeats)
        rows = [empty, *_ours(Path(folder), args.repeats)]
        if not args.only_resep:
            rows += [measure(name, command, 2) for name, command in _others(Path(folder))]
        _print_table(rows, empty)
        _print_many(Path(folder), empty)


def measure(name: str, command: Sequence[str], repeats: int) -> Measured:
    """Run the command a few times and take the CPU time of it and of the children it waited for."""
    environment = {**os.environ, "AXOLOTL_DO_NOT_TRACK": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
    seconds = []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return Measured(name, tuple(seconds), done.returncode, done.stdout + done.stderr)


def _ours(folder: Path, repeats: int) -> Iterator[Measured]:
    """A shipped recipe, one that extends a shipped parent, and one with a typo."""
    child = folder / "child.yaml"
    parent = sorted((RECIPES / "base").glob("*.yaml"))[0].stem
    text = (RECIPES / "quickstart.yaml").read_text(encoding="utf-8")
    child.write_text(f"extends: base/{parent}\n{text}", encoding="utf-8")
    wrong = folder / "wrong.yaml"
    wrong.write_text(text.replace(*TYPO), encoding="utf-8")
    for name, file in (("a shipped recipe", RECIPES / "quickstart.yaml"), ("with extends", child), ("a typo", wrong)):
        yield measure(f"resep check, {name}", _check(file), repeats)


def _check(*files: Path) -> list[str]:
    return [sys.executable, "-m", "resep", "check", *map(str, files)]


def _others(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The config check of each other tool that is installed here, on a config with a misspelt optional key."""
    data = folder / "rows.jsonl"
    data.write_text(json.dumps({"messages": [{"role": "user", "content": "a"}]}) + "\n", encoding="utf-8")
    if _has("axolotl"):
        config = folder / "axolotl.yaml"  # learning_rate is required, so an optional key is misspelt
        lines = ["base_model: nowhere/none", "learning_rate: 0.0001", "warmup_ratoi: 0.1", "micro_batch_size: 1"]
        lines += ["datasets:", f"  - path: {data}", "    type: chat_template", f"output_dir: {folder}/out"]
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield f"axolotl {version('axolotl')} validate_config", [sys.executable, "-c", _AXOLOTL, str(config)]
        yield (
            f"axolotl {version('axolotl')} preprocess",
            [sys.executable, "-m", "axolotl.cli.preprocess", str(config)],
        )
    if _has("trl"):
        arguments = ["sft", "--model_name_or_path", "nowhere/none", "--dataset_name", "none", "--learning_rte", "1e-4"]
        on_cpu = ["--use_cpu", "--bf16", "false", "--output_dir", f"{folder}/trl"]  # without, it stops at the GPU
        yield f"trl {version('trl')} sft", [str(Path(sys.executable).with_name("trl")), *arguments, *on_cpu]
    if _has("soup-cli"):
        config = folder / "soup.yaml"
        config.write_text("base: nowhere/none\ntask: sft\ntraining: {learning_rte: 1e-4}\n", encoding="utf-8")
        yield f"soup-cli {version('soup-cli')} plan", [str(Path(sys.executable).with_name("soup")), "plan", str(config)]


# The check alone, without looking for model and data: the best that Axolotl can do.
_AXOLOTL = """
import sys, yaml
from axolotl.utils.config import validate_config
from axolotl.utils.dict import DictDefault
caps = dict(bf16=True, fp8=False, tf32=True, n_gpu=1, n_node=1, compute_capability="sm_90")
with open(sys.argv[1]) as file:
    config = validate_config(DictDefault(yaml.safe_load(file)), caps, {"torch_version": "2.13.0"})
print("accepted")
"""


def _has(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _print_table(rows: Sequence[Measured], empty: Measured) -> None:
    width = max(len(row.name) for row in rows) + 2
    print(f"{'':<{width}}{'best':>8}{'median':>8}{'x empty':>9}  exit  the typo")
    for row in rows:
        median = statistics.median(row.seconds)
        told = "line and key" if row.tells_the_line else "key" if row.names_the_typo else "-"
        print(
            f"{row.name:<{width}}{row.best:>6.3f} s{median:>6.3f} s{row.best / empty.best:>9.1f}{row.code:>6}  {told}"
        )
    ours = next(row for row in rows if row.name == "resep check, a typo")
    for row in rows:
        if not row.name.startswith(("resep", "python")):
            print(f"{row.name}: {row.best / ours.best:.0f} times the CPU time of resep check")
    verdict = "kept" if max(row.best for row in rows if row.name.startswith("resep")) < BUDGET_S else "MISSED"
    print(f"budget: {BUDGET_S} s for one recipe: {verdict}")


def _print_many(folder: Path, empty: Measured) -> None:
    """Recipes of the clone, and children of them, in one call."""
    shipped = [RECIPES / "quickstart.yaml", RECIPES / "howto_steps.yaml", folder / "child.yaml"]
    one = measure("one", _check(shipped[0]), 3)
    many = measure("many", _check(*(shipped[n % len(shipped)] for n in range(MANY))), 3)
    each_ms = 1000 * (many.best - one.best) / (MANY - 1)
    verdict = "kept" if each_ms < BUDGET_MANY_MS else "MISSED"
    print(f"{MANY} recipes in one call, a third of them with extends: {many.best:.2f} s, {each_ms:.1f} ms each further")
    print(f"budget: {BUDGET_MANY_MS} ms each: {verdict} (exit {many.code}; python -c pass {1000 * empty.best:.0f} ms)")


if __name__ == "__main__":
    main()

"""What preparing rows costs: Resep beside datasets.map, polars and a bare loop, on the same file.

    python -m benchmarks.preparation [--rows 1000000] [--rounds 3] [--only resep-1,loop] [--folder DIR]

Every engine runs in a process of its own, in turn, as often as there are rounds; its best round counts. CPU time is
that of the process and its children. Memory is the largest sum of what they hold alone and their share of what they
hold together (PSS), looked at ten times a second: `own` was allocated, `files` is what the system keeps of mapped files
and can drop. Engines that are not installed are left out with a word.

Only Resep writes a ledger and statistics, checks its finds (a card's issuer and digits, a phone's form), and goes on
after a kill. Near leakage is not looked for, which it is not either where a recipe of so many rows says nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.preparation_rows import write_rows

ROOT = Path(__file__).parent.parent
NAMES = ("resep-1", "resep-2", "loop", "datasets", "polars")
RECIPE = """\
resep: 1
name: benchmark
model: {{base: smollm2-135m-instruct}}
data: {{sources: [{{path: {rows}, fields: {{category: category, topic: topic}}}}]}}
preprocessing: [placeholders, lowercase, strip_punctuation, deduplicate]
split: {{fractions: {{train: 0.9, validation: 0.05, test: 0.05}}, leakage: {{near: ignore}}}}
evaluation: {{primary: exact_match, evaluators: {{exact_match: {{}}}}}}
"""
_EVERY_S = 0.1


@dataclass(frozen=True)
class Measured:
    """One run: seconds, peak memory in bytes (allocated, and of files), rows that were kept."""

    cpu_s: float
    wall_s: float
    own: int
    files: int
    kept: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(NAMES), help="engines, separated by commas")
    parser.add_argument("--folder", type=Path, help="where the rows are kept for another time (default: nowhere)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        rows = (args.folder or Path(folder)) / f"rows-{args.rows}.jsonl"
        if not rows.exists():
            write_rows(rows, args.rows)
        names = list(_installed(args.only.split(",")))
        load = os.getloadavg()[0]
        found: dict[str, list[Measured]] = {name: [] for name in names}
        for _ in range(args.rounds):
            for name in names:
                found[name].append(measured(name, rows, Path(folder) / "work"))
        best = {name: min(rounds, key=lambda each: each.cpu_s) for name, rounds in found.items()}
        print(f"{args.rows:,} rows, {rows.stat().st_size / 1e6:,.0f} MB, best of {args.rounds} by CPU time;", end=" ")
        print(f"{os.cpu_count()} cores, load {load:.1f} before and {os.getloadavg()[0]:.1f} after\n")
        print("\n".join(table(best, args.rows)))


def measured(name: str, rows: Path, folder: Path) -> Measured:
    """Run one engine on the rows, in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    started = time.monotonic()
    child = subprocess.Popen(_command(name, rows, folder), cwd=folder, env=_environment(name), stdout=-3, stderr=-1)
    peak = _Peak(child.pid)
    assert child.stderr is not None
    said = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    peak.stop()
    if status:
        sys.exit(f"{name} failed:\n{said.decode()[-3000:]}")
    wall_s = time.monotonic() - started
    return Measured(used.ru_utime + used.ru_stime, wall_s, peak.own, peak.files, _kept(folder))


def table(best: Mapping[str, Measured], rows: int) -> Iterator[str]:
    """The lines of a table in Markdown. Ratios are to the first engine."""
    first = next(iter(best.values()))
    yield "| engine | CPU s | wall s | rows per CPU second | speed | peak memory MB, own + files | rows kept |"
    yield "|---|---|---|---|---|---|---|"
    for name, each in best.items():
        memory = f"{each.own / 1e6:,.0f} + {each.files / 1e6:,.0f}"
        speed = f"{rows / each.cpu_s:,.0f} | {first.cpu_s / each.cpu_s:.2f} x"
        yield f"| {_label(name)} | {each.cpu_s:.1f} | {each.wall_s:.1f} | {speed} | {memory} | {each.kept:,} |"


def _label(name: str) -> str:
    if name.startswith("resep"):
        return f"Resep, {name[-1]} worker{'s' * (name[-1] != '1')}"
    return "a bare loop in Python" if name == "loop" else f"{name} {version(name)}"


def _installed(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        try:
            if name in ("datasets", "polars"):
                version(name)
        except PackageNotFoundError:
            print(f"{name} is not installed: left out", file=sys.stderr)
        else:
            yield name


def _command(name: str, rows: Path, folder: Path) -> list[str]:
    if not name.startswith("resep"):
        return [sys.executable, "-m", "benchmarks.preparation_engines", name, str(rows), str(folder)]
    (folder / "recipe.yaml").write_text(RECIPE.format(rows="rows.jsonl"), encoding="utf-8")
    typed = f"data.sources[0].path={rows.resolve()}"
    return [sys.executable, "-m", "resep", "run", "recipe.yaml", "--until", "prepare", "--set", typed]


def _environment(name: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    workers = {"RESEP_WORKERS": name[-1]} if name.startswith("resep") else {}
    return {**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", **workers}


def _kept(folder: Path) -> int:
    """The rows in all splits that were written, wherever below the folder."""
    files = [file for split in ("train", "validation", "test") for file in folder.rglob(f"{split}.jsonl")]
    assert len(files) == 3, files
    return sum(sum(chunk.count(b"\n") for chunk in _chunks(file)) for file in files)


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as content:
        while chunk := content.read(2**20):
            yield chunk


class _Peak:
    """The largest memory of a process and its children, looked at until `stop`."""

    def __init__(self, pid: int) -> None:
        self.own = self.files = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(pid,))
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self, pid: int) -> None:
        while not self._is_over.wait(_EVERY_S):
            sizes = [_pss(each) for each in _tree(pid)]
            own, files = sum(own for own, _ in sizes), sum(files for _, files in sizes)
            if own + files > self.own + self.files:
                self.own, self.files = own, files


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _tree(int(child))


def _pss(pid: int) -> tuple[int, int]:
    """Bytes that a process has allocated, and its share of mapped files; nothing of one that is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0, 0
    sizes = {words[0]: int(words[1]) * 1024 for line in lines if len(words := line.split()) == 3}
    return sizes.get("Pss_Anon:", 0), sizes.get("Pss_File:", 0) + sizes.get("Pss_Shmem:", 0)


if __name__ == "__main__":
    main()

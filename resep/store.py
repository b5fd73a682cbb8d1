"""Run a stage or reuse it. A stage is a function of its config, the files it reads and the outputs of earlier stages.

key      sha256 of what steers the result: stage, revision, config, digests of the files read, digests of the inputs,
         file by file. No path, time, host or version: those are provenance, written beside the result.
commit   take the lock, work in `<key>.partial`, write `stage.json`, rename. A folder that exists is complete.
cutoff   a stage sees only the declared outputs of those it needs: a re-run that gives the same bytes stops the ripple.
reason   `reuse`, or what changed since this recipe last ran the stage: `training.learning_rate: 0.0001 -> 0.0003`.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resep.digests import DigestMemory, digest_json, digest_tree, read_json_or_nothing, write_json
from resep.errors import ResepError
from resep.reasons import what_changed

Emit = Callable[[Mapping[str, Any]], None]  # an event on its way to the terminal
Ingredients = Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """One stage about to run: its config, the folders of the stages it needs (by name), and the folder to fill."""

    name: str
    config: Mapping[str, Any]
    inputs: Mapping[str, Path]
    out: Path


@dataclass(frozen=True)
class Stage:
    """A step of the pipeline. `name` is `kind` or `kind:instance`.

    `run(tasks, emit)` receives all due stages of its kind and yields each task when its folder is complete.
    `config` steers the result (canonical JSON, dotted keys, no path). `outputs` are the files and folders whose
    content counts. `needs` maps an earlier stage to those of its outputs that this one reads. `reads` maps a word to a
    file outside the store. `revision` is raised when the code changes its result.
    """

    name: str
    run: Callable[[Sequence[Task], Emit], Iterator[Task]]
    config: Mapping[str, Any]
    outputs: tuple[str, ...]
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reads: Mapping[str, Path] = field(default_factory=dict)
    revision: int = 1

    @property
    def kind(self) -> str:
        return self.name.partition(":")[0]


@dataclass(frozen=True)
class Decision:
    """Whether a stage is reused or runs, and why. `key` is None while an earlier stage has yet to run."""

    stage: Stage
    key: str | None
    reuse: bool
    reason: str


@dataclass(frozen=True)
class Store:
    """A folder of finished stages, shared by every recipe that uses it. `recipe` names the one that asks now."""

    root: Path
    recipe: str

    def decide(self, stage: Stage, folders: Mapping[str, Path]) -> Decision:
        """Reuse or run, and why. `folders` holds the finished stages so far; a missing one leaves the key open."""
        pending = list(dict.fromkeys(name.partition(":")[0] for name in stage.needs if name not in folders))
        if pending:
            return Decision(stage, None, False, f"run if {', '.join(pending)} change{'s' * (len(pending) == 1)}")
        ingredients = self._ingredients(stage, folders)
        key = digest_json(ingredients)
        if self._is_complete(stage, key):
            return Decision(stage, key, True, "reuse")
        if self.folder(stage, key).exists():
            return Decision(stage, key, False, "run again, because files of its result are gone from the store")
        return Decision(stage, key, False, self._reason(stage, ingredients))

    def obtain(
        self,
        stages: Sequence[Stage],
        folders: Mapping[str, Path],
        emit: Emit,
        provenance: Callable[[], Mapping[str, Any]] = dict,
    ) -> Iterator[tuple[Stage, Path]]:
        """Yield each stage (all of one kind) with its complete folder: at once where reused, else as it finishes."""
        due = {}
        for stage in stages:
            decision = self.decide(stage, folders)
            assert decision.key is not None, f"{stage.name} ran before {sorted(stage.needs)}"
            if decision.reuse:
                self._remember(stage, decision.key)
                yield stage, self.folder(stage, decision.key)
            else:
                due[decision.key] = stage
        if due:
            yield from self._run(due, folders, emit, provenance)

    def folder(self, stage: Stage, key: str) -> Path:
        return self.root / stage.kind / key

    def _is_complete(self, stage: Stage, key: str) -> bool:
        """Whether the result is there with all its files: somebody may have tidied up in the store."""
        folder = self.folder(stage, key)
        return all((folder / name).exists() for name in ("stage.json", *stage.outputs))

    def _run(
        self,
        due: Mapping[str, Stage],
        folders: Mapping[str, Path],
        emit: Emit,
        provenance: Callable[[], Mapping[str, Any]],
    ) -> Iterator[tuple[Stage, Path]]:
        with ExitStack() as locks:
            for key in sorted(due):  # one order for everybody: two runs cannot wait for each other
                locks.enter_context(_locked(self.folder(due[key], key).with_suffix(".lock"), emit))
            tasks = {}
            for key, stage in due.items():
                if self._is_complete(stage, key):  # another run finished it while this one waited
                    yield stage, self._finish(stage, key)
                else:
                    discard(self.folder(stage, key))
                    tasks[stage.name] = key, self._task(stage, key, folders)
            started = time.time()
            run = next(iter(due.values())).run
            for task in run([task for _, task in tasks.values()], emit) if tasks else ():
                key, _ = tasks.pop(task.name)
                stage = due[key]
                self._commit(stage, key, folders, {**provenance(), "seconds": round(time.time() - started, 2)})
                started = time.time()
                yield stage, self._finish(stage, key)
            assert not tasks, f"stages ended without a result: {sorted(tasks)}"

    def _task(self, stage: Stage, key: str, folders: Mapping[str, Path]) -> Task:
        out = self.folder(stage, key).with_suffix(".partial")
        out.mkdir(parents=True, exist_ok=True)
        return Task(stage.name, stage.config, {name: folders[name] for name in stage.needs}, out)

    def _commit(self, stage: Stage, key: str, folders: Mapping[str, Path], provenance: Mapping[str, Any]) -> None:
        final = self.folder(stage, key)
        partial = final.with_suffix(".partial")
        ingredients = self._ingredients(stage, folders)
        if digest_json(ingredients) != key:
            discard(partial)
            read = ", ".join(map(str, stage.reads.values()))
            raise ResepError(f"{stage.name}: what it reads has changed while it ran ({read}); run it again")
        record = {
            "stage": stage.name,
            "key": key,
            "ingredients": ingredients,
            "outputs": {name: digest_tree(partial / name) for name in stage.outputs},
            "provenance": provenance,
        }
        write_json(partial / "stage.json", record)
        partial.rename(final)

    def _finish(self, stage: Stage, key: str) -> Path:
        self._remember(stage, key)
        return self.folder(stage, key)

    def _ingredients(self, stage: Stage, folders: Mapping[str, Path]) -> Ingredients:
        memory = DigestMemory(self.root / "digests.json")
        inputs = {}
        for name, files in stage.needs.items():
            outputs = read_stage(folders[name])["outputs"]
            inputs.update({f"{name}/{file}": outputs[file] for file in files})
        return {
            "stage": stage.name,
            "revision": stage.revision,
            "config": dict(stage.config),
            "reads": {word: memory.digest(path) for word, path in stage.reads.items()},
            "inputs": inputs,
        }

    def _reason(self, stage: Stage, ingredients: Ingredients) -> str:
        last = self._last().get(stage.name)
        record = self.folder(stage, last) / "stage.json" if last else None
        if record is None or not record.exists():
            return "run, for the first time"
        return f"run, because {what_changed(read_stage(record.parent)['ingredients'], ingredients)}"

    def _last(self) -> dict[str, str]:
        return read_json_or_nothing(self.root / "last" / f"{self.recipe}.json")

    def _remember(self, stage: Stage, key: str) -> None:
        last = self._last()
        if last.get(stage.name) != key:
            write_json(self.root / "last" / f"{self.recipe}.json", {**last, stage.name: key})


def read_stage(folder: Path) -> dict[str, Any]:
    """What `stage.json` says of a finished stage: ingredients, outputs with their digests, provenance."""
    return dict(json.loads((folder / "stage.json").read_text(encoding="utf-8")))


@contextmanager
def _locked(path: Path, emit: Emit) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            emit({"event": "warning", "message": "another run is working on the same stage: waiting for it"})
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def discard(folder: Path) -> None:
    """Remove a stage's folder, finished or not."""
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def check_writable(root: Path) -> None:
    """Say early, and in words, that results cannot be kept here."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        (root / ".writable").touch()
        (root / ".writable").unlink()
    except OSError as error:
        raise ResepError(f"cannot write to the store {root}: {error.strerror}; choose another with --store") from error

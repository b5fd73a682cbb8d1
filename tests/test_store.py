import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from resep.errors import ResepError
from resep.store import Emit, Stage, Store, Task, check_writable


def _ignore(event: Mapping[str, Any]) -> None:
    del event


def _writer(calls: list[str], text: str = "same") -> Any:
    def run(tasks: Sequence[Task], emit: Emit) -> Iterator[Task]:
        del emit
        for task in tasks:
            calls.append(task.name)
            (task.out / "a.txt").write_text(text.format(**task.config))
            (task.out / "b.txt").write_text("constant")
            yield task

    return run


def _stage(name: str, run: Any, config: Mapping[str, Any], **more: Any) -> Stage:
    return Stage(name, run, config, outputs=("a.txt", "b.txt"), **more)


def _obtain(store: Store, stages: Sequence[Stage]) -> dict[str, Path]:
    folders: dict[str, Path] = {}
    for stage in stages:
        folders |= {s.name: f for s, f in store.obtain([stage], folders, _ignore)}
    return folders


def test_the_same_ingredients_are_run_once(tmp_path: Path) -> None:
    calls: list[str] = []
    stage = _stage("prepare", _writer(calls), {"x": 1})
    first = _obtain(Store(tmp_path, "r"), [stage])
    second = _obtain(Store(tmp_path, "r"), [stage])
    assert calls == ["prepare"]
    assert first == second
    assert (first["prepare"] / "stage.json").exists()


def test_a_changed_config_runs_again_and_says_why(tmp_path: Path) -> None:
    store = Store(tmp_path, "r")
    _obtain(store, [_stage("train", _writer([]), {"training.learning_rate": 0.0001})])
    decision = store.decide(_stage("train", _writer([]), {"training.learning_rate": 0.0003}), {})
    assert not decision.reuse
    assert decision.reason == "run, because training.learning_rate: 0.0001 -> 0.0003"


def test_a_file_that_changes_while_it_is_read_leaves_no_result(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("old")
    calls: list[str] = []
    write = _writer(calls)

    def edited_meanwhile(tasks: Sequence[Task], emit: Emit) -> Iterator[Task]:
        rows.write_text("new")
        yield from write(tasks, emit)

    store = Store(tmp_path / "store", "r")
    with pytest.raises(
        ResepError, match=r"prepare: what it reads has changed while it ran \(.*rows.jsonl\); run it again"
    ):
        _obtain(store, [_stage("prepare", edited_meanwhile, {}, reads={"rows.jsonl": rows})])
    rows.write_text("old")
    _obtain(store, [_stage("prepare", write, {}, reads={"rows.jsonl": rows})])
    assert calls == ["prepare", "prepare"]


def test_a_change_far_into_a_long_value_is_told_without_it(tmp_path: Path) -> None:
    store, long = Store(tmp_path, "r"), "x" * 80
    _obtain(store, [_stage("prepare", _writer([]), {"prompt.system": f"{long} a"})])
    decision = store.decide(_stage("prepare", _writer([]), {"prompt.system": f"{long} b"}), {})
    assert decision.reason == "run, because prompt.system changed"


def test_a_changed_file_that_is_read_is_the_reason(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text("1")
    store = Store(tmp_path / "store", "r")
    _obtain(store, [_stage("prepare", _writer([]), {}, reads={"data.jsonl": data})])
    data.write_text("22")
    assert store.decide(_stage("prepare", _writer([]), {}, reads={"data.jsonl": data}), {}).reason == (
        "run, because data.jsonl changed"
    )


def test_the_key_holds_no_path(tmp_path: Path) -> None:
    keys = []
    for name in ("one", "two"):
        data = tmp_path / name / "data.jsonl"
        data.parent.mkdir()
        data.write_text("same")
        store = Store(tmp_path / name / "store", "r")
        keys.append(store.decide(_stage("prepare", _writer([]), {}, reads={"data": data}), {}).key)
    assert keys[0] == keys[1]


def test_an_unchanged_output_stops_the_ripple(tmp_path: Path) -> None:
    store, calls = Store(tmp_path, "r"), list[str]()
    needs = {"configure": ("a.txt",)}
    for comment in ("old", "new"):
        configure = _stage("configure", _writer([]), {"comment": comment})
        _obtain(store, [configure, _stage("train", _writer(calls), {}, needs=needs)])
    assert calls == ["train"]


def test_only_the_declared_files_of_an_input_count(tmp_path: Path) -> None:
    store, calls = Store(tmp_path, "r"), list[str]()
    for version in ("1", "2"):
        prepare = _stage("prepare", _writer([], "{version}"), {"version": version})
        _obtain(store, [prepare, _stage("generate:base", _writer(calls), {}, needs={"prepare": ("b.txt",)})])
    assert calls == ["generate:base"]


def test_a_crash_leaves_nothing_that_looks_finished_and_the_next_run_continues_there(tmp_path: Path) -> None:
    def crash(tasks: Sequence[Task], emit: Emit) -> Iterator[Task]:
        (tasks[0].out / "half.txt").write_text("kept")
        emit({"event": "progress"})
        raise RuntimeError("power cut")
        yield

    def finish(tasks: Sequence[Task], emit: Emit) -> Iterator[Task]:
        assert (tasks[0].out / "half.txt").read_text() == "kept"
        yield from _writer([])(tasks, emit)

    store = Store(tmp_path, "r")
    with pytest.raises(RuntimeError):
        _obtain(store, [_stage("train", crash, {})])
    assert not store.decide(_stage("train", finish, {}), {}).reuse
    assert _obtain(store, [_stage("train", finish, {})])["train"].name.isalnum()


def test_instances_of_a_kind_run_together_and_commit_one_by_one(tmp_path: Path) -> None:
    def half(tasks: Sequence[Task], emit: Emit) -> Iterator[Task]:
        yield from _writer([])(tasks[:1], emit)
        raise RuntimeError("second arm failed")

    store = Store(tmp_path, "r")
    stages = [_stage("generate:base", half, {}), _stage("generate:tuned", half, {})]
    with pytest.raises(RuntimeError):
        list(store.obtain(stages, {}, _ignore))
    assert [store.decide(stage, {}).reuse for stage in stages] == [True, False]


def test_a_stage_behind_one_that_has_yet_to_run_is_undecided(tmp_path: Path) -> None:
    decision = Store(tmp_path, "r").decide(_stage("report", _writer([]), {}, needs={"train": ("a.txt",)}), {})
    assert (decision.key, decision.reason) == (None, "run if train changes")


def test_two_runs_at_once_do_the_work_once(tmp_path: Path) -> None:
    calls: list[str] = []
    stage = _stage("train", _writer(calls), {})
    threads = [threading.Thread(target=_obtain, args=(Store(tmp_path, f"r{i}"), [stage])) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == ["train"]


def test_provenance_is_kept_beside_the_result_and_outside_the_key(tmp_path: Path) -> None:
    stage = _stage("train", _writer([]), {})
    store = Store(tmp_path, "r")
    [(_, folder)] = store.obtain([stage], {}, _ignore, lambda: {"versions": {"torch": "2"}})
    record = json.loads((folder / "stage.json").read_text())
    assert record["provenance"]["versions"] == {"torch": "2"}
    assert "versions" not in json.dumps(record["ingredients"])


def test_a_store_that_cannot_be_written_is_said_early(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResepError, match="cannot write to the store"):
        check_writable(tmp_path / "file" / "store")


@pytest.mark.parametrize("lost", ["stage.json", "a.txt"])
def test_a_result_with_a_file_gone_is_made_again(tmp_path: Path, lost: str) -> None:
    calls: list[str] = []
    store, stage = Store(tmp_path, "r"), _stage("prepare", _writer(calls), {})
    folder = _obtain(store, [stage])["prepare"]
    (folder / lost).unlink()
    assert store.decide(stage, {}).reason == "run again, because files of its result are gone from the store"
    assert _obtain(store, [stage])["prepare"] == folder
    assert (folder / lost).exists()
    assert calls == ["prepare", "prepare"]


def test_damaged_notes_cost_only_what_they_noted(tmp_path: Path) -> None:
    calls: list[str] = []
    data = tmp_path / "data.jsonl"
    data.write_text("1")
    store, stage = Store(tmp_path / "s", "r"), _stage("prepare", _writer(calls), {}, reads={"data.jsonl": data})
    first = _obtain(store, [stage])
    for note in ("digests.json", "last/r.json"):
        (tmp_path / "s" / note).write_text("{")
    assert _obtain(store, [stage]) == first
    assert calls == ["prepare"]


def test_two_runs_may_write_the_same_note_at_once(tmp_path: Path) -> None:
    code = "import sys, pathlib; from resep.digests import write_json\nfor n in range(300): write_json(FILE, n)"
    code = code.replace("FILE", "pathlib.Path(sys.argv[1])")
    command = [sys.executable, "-c", code, str(tmp_path / "digests.json")]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    errors = [writer.communicate()[1] for writer in writers]
    assert errors == [b"", b""]


def test_a_reason_names_the_first_changes_and_counts_the_rest(tmp_path: Path) -> None:
    store = Store(tmp_path, "r")
    _obtain(store, [_stage("report", _writer([]), {f"option_{n}": 1 for n in range(9)})])
    reason = store.decide(_stage("report", _writer([]), {f"option_{n}": 2 for n in range(9)}), {}).reason
    assert reason.startswith("run, because option_0: 1 -> 2; ")
    assert reason.endswith("option_5: 1 -> 2; and 3 more")

"""Files of the store in a run folder: an edit there never reaches the store."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from resep import placing
from resep.placing import place


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with weights, which are large enough to be linked, and a text."""
    monkeypatch.setattr(placing, "_LINKED_BYTES", 10)
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"w" * 100)
    (folder / "config.json").write_text("{" + " " * 100 + "}")
    return folder


def test_large_weights_are_linked_and_nobody_may_write_to_them(store: Path, tmp_path: Path) -> None:
    target = tmp_path / "run" / "model" / "model.safetensors"
    place(store / "model.safetensors", target)
    assert target.samefile(store / "model.safetensors")
    assert not target.stat().st_mode & 0o222


def test_all_else_is_copied(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(store / "config.json", tmp_path / "config.json")
    assert not (tmp_path / "config.json").samefile(store / "config.json")
    monkeypatch.setattr(placing, "_LINKED_BYTES", 1000)
    place(store / "model.safetensors", tmp_path / "small.safetensors")
    assert (tmp_path / "small.safetensors").stat().st_mode & 0o200


def test_weights_are_copied_where_the_file_system_knows_no_links(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:  # noqa: ARG001
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    place(store / "model.safetensors", tmp_path / "model.safetensors")
    assert (tmp_path / "model.safetensors").read_bytes() == b"w" * 100
    assert not (tmp_path / "model.safetensors").samefile(store / "model.safetensors")
    assert (store / "model.safetensors").stat().st_mode & 0o200


def test_other_weights_in_the_same_place_leave_the_old_ones_of_the_store_alone(store: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.safetensors"
    place(store / "model.safetensors", target)
    (store / "other.safetensors").write_bytes(b"o" * 200)
    place(store / "other.safetensors", target)
    assert (store / "model.safetensors").read_bytes() == b"w" * 100
    assert target.read_bytes() == b"o" * 200


def test_what_is_there_already_is_left_as_it_is(store: Path, tmp_path: Path) -> None:
    target = tmp_path / "config.json"
    place(store / "config.json", target)
    before = target.stat()
    place(store / "config.json", target)
    assert target.stat() == before
    os.utime(store / "config.json", (1, 1))
    place(store / "config.json", target)
    assert target.stat().st_mtime == 1

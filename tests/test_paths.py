from __future__ import annotations

from pathlib import Path

import pytest

from resep import paths
from resep.errors import ResepError


@pytest.mark.parametrize("name", ["preprocessing", "converters", "evaluators", "chat_templates", "schemas", "recipes"])
def test_our_folders_are_found_in_a_clone(name: str) -> None:
    assert any(paths.data_folder(name).iterdir())


def test_an_installed_package_has_its_folders_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "resep" / "schemas").mkdir(parents=True)
    (tmp_path / "schemas").mkdir()
    monkeypatch.setattr(paths, "_PACKAGE", tmp_path / "resep")
    assert paths.data_folder("schemas") == tmp_path / "resep" / "schemas"


def test_a_folder_beside_an_installed_package_is_somebody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "schemas").mkdir()
    monkeypatch.setattr(paths, "_PACKAGE", tmp_path / "resep")
    with pytest.raises(ResepError, match="install it again"):
        paths.data_folder("schemas")

from pathlib import Path

import pytest

from resep.errors import RecipeError, ResepError
from resep.user_settings import UserSettings, user_settings


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "resep").mkdir()
    return tmp_path / "resep" / "config.yaml"


def test_without_a_file_the_defaults_hold(settings_file: Path) -> None:
    assert not settings_file.exists()
    assert user_settings() == UserSettings()


def test_a_team_names_its_store_once(settings_file: Path) -> None:
    settings_file.write_text("store: /mnt/team/store\n")
    assert user_settings().store == Path("/mnt/team/store")
    assert user_settings().axolotl_python == UserSettings().axolotl_python


def test_a_misspelt_setting_is_told_with_the_nearest(settings_file: Path) -> None:
    settings_file.write_text("axolotl_pyton: /opt/axolotl/bin/python\n")
    with pytest.raises(ResepError, match="did you mean 'axolotl_python'"):
        user_settings()


def test_a_file_that_is_no_yaml_is_told_by_line(settings_file: Path) -> None:
    settings_file.write_text("store: [\n")
    with pytest.raises(RecipeError, match=r"config\.yaml:"):
        user_settings()

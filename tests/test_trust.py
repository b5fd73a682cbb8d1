from __future__ import annotations

from pathlib import Path

import pytest

from resep.errors import ResepError
from resep.plugins.trust import is_trusted, trust


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = tmp_path / "evaluators" / "mine.py"
    path.parent.mkdir()
    path.write_text("def evaluate(samples, context): ...\n")
    return path


def test_nothing_is_trusted_before_a_person_says_so(plugin: Path) -> None:
    assert not is_trusted(plugin)


def test_consent_is_remembered_for_the_content_wherever_it_lies(plugin: Path, tmp_path: Path) -> None:
    trust(plugin)
    copy = tmp_path / "copy.py"
    copy.write_bytes(plugin.read_bytes())
    assert is_trusted(plugin)
    assert is_trusted(copy)


def test_a_changed_file_has_to_be_agreed_to_again(plugin: Path) -> None:
    trust(plugin)
    plugin.write_text(plugin.read_text() + "import os\n")
    assert not is_trusted(plugin)


def test_an_earlier_consent_is_kept(plugin: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text("x = 1\n")
    trust(plugin)
    trust(other)
    assert is_trusted(plugin)
    assert is_trusted(other)


@pytest.mark.parametrize("content", ["{", "[]", "\xff"])
def test_a_broken_list_is_named_and_never_taken_for_consent(plugin: Path, tmp_path: Path, content: str) -> None:
    trust(plugin)
    (tmp_path / "config" / "resep" / "trusted.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(ResepError, match=r"trusted\.json"):
        is_trusted(plugin)

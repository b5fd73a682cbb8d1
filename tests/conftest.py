"""What tests share: golden files, written anew by `pytest --update-golden`."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings

GOLDEN = Path(__file__).parent / "golden"

Golden = Callable[[str, str], None]

# A shell has its background jobs ignore SIGINT, and so would everything that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# `make test` asks for the thorough profile; while working, a few examples say enough in a few seconds.
settings.register_profile("fast", max_examples=25, deadline=None)
settings.register_profile("thorough", max_examples=150, deadline=None)
settings.load_profile("fast")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files instead of comparing")


@pytest.fixture(autouse=True)
def own_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the settings, or the agreements to foreign code, of the person who runs the tests."""
    # A name is enough: mktemp would make a folder, and look through all earlier ones, 2,500 times.
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "settings" / uuid4().hex))
    monkeypatch.setenv("RESEP_EMBEDDING_CACHE", "off")


@pytest.fixture
def consent(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, the person has agreed to run any plug-in."""
    monkeypatch.setattr("resep.plugins.is_agreed", lambda sha256: bool(sha256))


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """`golden(name, text)` asserts that tests/golden/<name> holds this text."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8"), f"{file} differs; see the change with --update-golden"

    return compare

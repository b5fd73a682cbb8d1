"""The wheel carries the house: plug-ins, templates, schemas and recipes inside the one importable package."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PARTS = ("resep", "preprocessing", "converters", "evaluators", "evaluation", "chat_templates", "schemas", "recipes")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel, built from a copy so that nothing is left in the clone."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for part in PARTS:
        shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, source)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=source, check=True, capture_output=True
    )
    [wheel] = (source / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def _resep(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "XDG_CONFIG_HOME": str(folder)}
    command = [sys.executable, "-m", "resep", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_nothing_but_the_package_is_installed(site: Path) -> None:
    assert {path.name.partition("-")[0] for path in site.iterdir()} == {"resep"}
    assert (site / "resep/stages/report/templates/report.html.jinja").is_file()


def test_an_installed_resep_checks_and_prepares_its_own_recipes(site: Path, tmp_path: Path) -> None:
    recipe = str(site / "resep/recipes/quickstart.yaml")
    assert _resep(site, tmp_path, "check", recipe).returncode == 0
    done = _resep(site, tmp_path, recipe, "--until", "prepare")
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("runs/.store/prepare/*/train.jsonl"))) == 1


def test_an_installed_resep_lists_what_it_ships(site: Path, tmp_path: Path) -> None:
    listed = _resep(site, tmp_path, "list").stdout
    assert all(name in listed for name in ("quickstart", "placeholders", "axolotl", "order_accuracy", "mistral"))


def test_an_installed_resep_writes_a_recipe_to_start_from_and_explains_it(site: Path, tmp_path: Path) -> None:
    assert _resep(site, tmp_path, "new", "faq", "--task", "json").returncode == 0
    assert _resep(site, tmp_path, "check", "faq.yaml").returncode == 0
    explained = _resep(site, tmp_path, "explain", "faq.yaml", "training.learning_rate")
    assert "faq.yaml:" in explained.stdout, explained.stderr

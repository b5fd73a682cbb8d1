"""Every recipe of the gallery that is made for a GPU or a service, rehearsed whole, as many at once as there are cores.

Those for a CPU say the same of the embedded model; `make gallery` runs them for real.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resep.hardware import cores
from resep.paths import data_folder

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
RECIPES = [
    path
    for path in sorted(data_folder("recipes").glob("*.yaml"))
    if not path.stem.endswith("_cpu") and "smollm2" not in path.read_text(encoding="utf-8")
    if "small-model-on-cpu" not in path.read_text(encoding="utf-8")
]

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Path, Done]:
    """What each rehearsal printed. They share an empty cache, in which each tiny model is made once."""
    folder = tmp_path_factory.mktemp("gallery")

    def rehearse(recipe: Path) -> Done:
        command = [sys.executable, str(ROOT / "runner.py"), str(recipe), "--rehearse"]
        own = {"RESEP_CACHE": str(folder / "cache"), "XDG_CONFIG_HOME": str(folder), "HF_HUB_OFFLINE": "1"}
        return subprocess.run(
            command, cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, check=False
        )

    with ThreadPoolExecutor(max_workers=cores()) as pool:
        return dict(zip(RECIPES, pool.map(rehearse, RECIPES), strict=True))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_it_goes_through_every_stage(recipe: Path, rehearsed: Mapping[Path, Done]) -> None:
    assert len(RECIPES) >= 7
    done = rehearsed[recipe]
    assert done.returncode == 0, done.stderr
    assert "Every stage was rehearsed" in done.stdout


def test_recipes_with_one_model_share_one_tiny_model(rehearsed: Mapping[Path, Done]) -> None:
    makers = [done.stderr for done in rehearsed.values() if "making a tiny mistral" in done.stderr]
    users = [done.stderr for done in rehearsed.values() if "a tiny random mistral for" in done.stderr]
    assert len(makers) == 1
    assert len(users) > 3

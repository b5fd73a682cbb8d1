"""The folder in which Axolotl runs, and the environment it runs in."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.models.foreign import may_run_code
from resep.store import Task

if TYPE_CHECKING:
    from resep.hardware import Profile

_PACKAGE = Path(__file__).resolve().parents[2]


def prepare_work(task: Task, work: Path, model: Path) -> None:
    """Axolotl's working folder: its config with real paths, and only checkpoints that were completely written."""
    import yaml

    work.mkdir(parents=True, exist_ok=True)
    config = yaml.safe_load((task.inputs["configure"] / "axolotl.yaml").read_text(encoding="utf-8"))
    config = with_real_paths(config, model.resolve(), task.inputs["tokenise"].resolve(), work.resolve())
    (work / "axolotl.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    for checkpoint in (work / "output").glob("checkpoint-*"):
        if not _is_whole(checkpoint):
            shutil.rmtree(checkpoint)


def with_real_paths(config: Mapping[str, Any], model: Path, data: Path, work: Path) -> dict[str, Any]:
    """The config with its fixed words (`model`, `data/...`, `output`) replaced, and resuming switched on."""
    real = {
        **config,
        "base_model": str(model),
        "output_dir": str(work / "output"),
        "auto_resume_from_checkpoints": True,
        **({"trust_remote_code": True} if may_run_code(model) else {}),
    }
    for key in ("datasets", "test_datasets"):
        if key in config:
            real[key] = [{**entry, "path": str(data / Path(entry["path"]).name)} for entry in config[key]]
    return real


def environment(profile: Profile, work: Path, python: str) -> dict[str, str]:
    """The child's environment: no telemetry, no network (the model is a folder by now), one device, our plug-in."""
    variables = {
        **profile.environment,
        "AXOLOTL_DO_NOT_TRACK": "1",
        "DO_NOT_TRACK": "1",
        "HF_DATASETS_CACHE": str(work / "cache"),
        "AXOLOTL_TEE_STDOUT": "0",
    }
    if profile.name == "cuda":
        # One process sees one GPU: with several, transformers would split each batch over them behind our back.
        variables["CUDA_VISIBLE_DEVICES"] = (os.environ.get("CUDA_VISIBLE_DEVICES") or "0").split(",")[0]
    if Path(python) == Path(sys.executable):
        return variables
    # Another environment must see our package but none of the packages beside it.
    plugin = work / "plugin"
    plugin.mkdir(parents=True, exist_ok=True)
    if not (plugin / "resep").exists():
        (plugin / "resep").symlink_to(_PACKAGE)
    return {**variables, "PYTHONPATH": str(plugin.resolve())}


def _is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint was completely written: its trainer_state.json comes last."""
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True

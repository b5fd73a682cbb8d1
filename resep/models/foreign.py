"""What a model's folder may bring besides weights: Python files, and pickles, which are programs as well.

Weights are read from safetensors alone. Python files that came with a model run only where the person at the keyboard
agreed to them, remembered by the hash of their content like plug-ins; no recipe can agree. transformers has code of
its own for most models, and then never asks for theirs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from resep.digests import digest_json, digest_tree
from resep.errors import ResepError
from resep.plugins.trust import agree, is_agreed

CODE_FILES = ("*.py", "*/*.py")  # of a repository: what `--trust-remote-code` fetches and asks about
_CONFIGS = ("config.json", "tokenizer_config.json", "processor_config.json", "generation_config.json")
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")  # the names that transformers looks for


def require_safetensors(folder: Path) -> Path:
    """The folder, where its weights are safetensors; ResepError where they are not."""
    if any((folder / name).is_file() for name in _WEIGHTS):
        return folder
    raise ResepError(
        f"{folder} has no {_WEIGHTS[0]}: other weights (.bin, .pt) are pickles, which can run code and are not read; "
        "load the model once where you trust it, and save it with save_pretrained()"
    )


def code_files(folder: Path) -> tuple[Path, ...]:
    """The Python files that came with a model."""
    return tuple(sorted({file for pattern in CODE_FILES for file in folder.glob(pattern) if file.is_file()}))


def may_run_code(folder: Path) -> bool:
    """Whether transformers may run the code of this model's folder: the person agreed to exactly this text of it.

    Raises ResepError where the folder names code of another repository, which nobody can have agreed to.
    """
    elsewhere = [name for name in _named_classes(folder) if "--" in name]
    if elsewhere:
        raise ResepError(f"{folder} names code of another repository ({elsewhere[0]}): it is never run")
    return bool(code_files(folder)) and is_agreed(_digest(folder))


def agree_to_code(folder: Path) -> tuple[Path, ...]:
    """Remember that the person agreed to the Python files of this model's folder, and return them."""
    files = code_files(folder)
    if files:
        agree(_digest(folder), folder)
    return files


def _digest(folder: Path) -> str:
    """One hash of the Python files and of their names within the folder."""
    return digest_json({file.relative_to(folder).as_posix(): digest_tree(file) for file in code_files(folder)})


def _named_classes(folder: Path) -> Iterator[str]:
    """The classes that the folder's `auto_map`s name, such as `modeling_x.XForCausalLM` or `owner/name--file.Class`."""
    for name in _CONFIGS:
        try:
            config: Any = json.loads((folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # whoever needs the file will say what is wrong with it
        found = config.get("auto_map") if isinstance(config, dict) else None
        for value in found.values() if isinstance(found, dict) else ():
            yield from (str(part) for part in (value if isinstance(value, list) else [value]) if part)

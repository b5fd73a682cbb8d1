"""Where a result was made: versions and machine. Written beside each stage's result, never part of its key."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from resep import __version__

_PACKAGES = (
    *("axolotl", "torch", "transformers", "peft", "bitsandbytes", "accelerate", "datasets", "tokenizers"),
    *("bert-score", "numpy", "openai", "scipy"),
)


def provenance() -> dict[str, Any]:
    """Versions of Python and of the packages that results depend on (those installed), and the kind of machine."""
    return {
        "versions": {"resep": __version__, "python": platform.python_version()}
        | {p: v for p in _PACKAGES if (v := _version(p))},
        "platform": f"{platform.system()} {platform.machine()}",
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

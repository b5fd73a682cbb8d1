"""What an arm's name means: whose weights answer, and in which format they are asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from resep.errors import ResepError
from resep.suggest import did_you_mean

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.recipe import Recipe

NATIVE_ARM = "native-template"
KNOWN = ("base", "tuned", f"base@{NATIVE_ARM}", f"tuned@{NATIVE_ARM}")
_AMPERE = (8, 0)  # the first GPUs with bfloat16


@dataclass(frozen=True)
class Arm:
    """`weights`: the model as it was, or with what was trained. `template`: a chat template's name, or native."""

    name: str
    weights: Literal["base", "tuned"]
    template: str


@dataclass(frozen=True)
class Precision:
    """The numbers that arms compute with: as in training, so that only the training differs between them.

    `dequantise`: the 4-bit weights are turned back once, into numbers of `dtype` (measured on a CPU: logits bit-equal
    to those of the 4-bit modules as trained, and 10 % faster).
    """

    dtype: Literal["float32", "bfloat16", "float16"]
    four_bit: bool = False
    dequantise: bool = False

    @property
    def name(self) -> str:
        if self.dequantise:
            return f"nf4 dequantised to {self.dtype}"
        return f"nf4, computing in {self.dtype}" if self.four_bit else self.dtype


def read_arm(name: str, chat_template: str) -> Arm:
    """The arm called `name`, asked in the recipe's template. Raises ResepError for a name that means nothing."""
    weights, at, how = name.partition("@")
    if name not in KNOWN or (at and how != NATIVE_ARM):
        hint = did_you_mean(name, KNOWN) or f"; known are {', '.join(KNOWN)}"
        raise ResepError(f"generation.arms: there is no arm '{name}'{hint}")
    return Arm(name, "tuned" if weights == "tuned" else "base", "native" if at else chat_template)


def precision(recipe: Recipe, profile: Profile) -> Precision:
    """How the recipe trains on this machine is how every arm answers."""
    four_bit = recipe["training.method"] == "qlora"
    if profile.name == "cpu":
        return Precision("float32", four_bit, dequantise=four_bit)
    names: dict[str, Any] = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
    old = profile.capability is not None and profile.capability < _AMPERE
    return Precision(names.get(recipe["training.precision"], "float16" if old else "bfloat16"), four_bit)

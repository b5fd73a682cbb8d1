"""Print the training config that a recipe becomes, rendered over its prepared data. Nothing is trained."""

from __future__ import annotations

import argparse

from resep.commands.loading import recipe_arguments, run_until, store_arguments


def arguments(parser: argparse.ArgumentParser) -> None:
    recipe_arguments(parser)
    store_arguments(parser)


def main(args: argparse.Namespace) -> int:
    _, folders = run_until(args, "configure")
    print((folders["configure"] / "axolotl.yaml").read_text(encoding="utf-8"), end="")
    return 0

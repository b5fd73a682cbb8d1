"""Print the JSON Schema (draft-07) of recipes, for editors and other tools."""

from __future__ import annotations

import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser  # it takes none


def main(args: argparse.Namespace) -> int:
    from resep.paths import data_folder

    del args
    print((data_folder("schemas") / "recipe.schema.json").read_text(encoding="utf-8"), end="")
    return 0

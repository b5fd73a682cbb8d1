"""Print the JSON Schema (draft-07) of recipes, for editors and other tools; or the reference, for people."""

from __future__ import annotations

import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--markdown", action="store_true", help="every key and plug-in, described for people")


def main(args: argparse.Namespace) -> int:
    from resep.paths import data_folder

    if args.markdown:
        from resep.recipe.reference import reference

        print(reference(), end="")
        return 0
    print((data_folder("schemas") / "recipe.schema.json").read_text(encoding="utf-8"), end="")
    return 0

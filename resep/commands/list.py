"""List what there is: recipes, preprocessing steps, converters, evaluators, chat templates, runs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

KINDS = ("recipes", "preprocessing", "converters", "evaluators", "chat-templates", "runs")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=KINDS, nargs="?", help="what to list (default: all)")


def main(args: argparse.Namespace) -> int:
    for kind in [args.kind] if args.kind else KINDS:
        print(f"{kind}:")
        for name, help_text in _entries(kind):
            print(f"  {name:<24}{help_text}".rstrip())
    return 0


def _entries(kind: str) -> Iterator[tuple[str, str]]:
    from resep.paths import data_folder
    from resep.plugins import describe, find, names

    if kind == "recipes":
        for path in sorted(data_folder("recipes").glob("*.yaml")):
            yield path.stem, _first_comment(path)
    elif kind == "chat-templates":
        yield from ((path.stem, "") for path in sorted(data_folder("chat_templates").glob("*.jinja")))
    elif kind == "runs":
        yield from ((str(path.parent), "") for path in sorted(Path("runs").glob("*/*/results.json")))
    else:
        yield from ((name, describe(find(kind, name, None)).help) for name in names(kind))


def _first_comment(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = (line.lstrip("# ") for line in lines if line.startswith("#") and "yaml-language-server" not in line)
    return next(comments, "")

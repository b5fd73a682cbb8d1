"""List what there is: recipes, tasks to begin with, preprocessing steps, evaluators, converters, templates, runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=[*_LISTS], nargs="?", help="what to list, in detail (default: all, in short)")


def main(args: argparse.Namespace) -> int:
    for kind in [args.kind] if args.kind else _LISTS:
        print(f"{kind}:")
        for line in _aligned(_LISTS[kind](bool(args.kind))):
            print(f"  {line}".rstrip())
    return 0


def _aligned(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Rows as lines with aligned columns. A row of one cell stands by itself."""
    table = list(rows)
    columns = zip(*(row for row in table if len(row) > 1), strict=True)
    widths = [max(map(len, column)) for column in columns]
    for row in table:
        yield row[0] if len(row) == 1 else "   ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True))


def _recipes(in_detail: bool) -> Iterator[Sequence[str]]:
    from resep.recipe.gallery import cards

    if in_detail:
        yield "NAME", "MODEL", "DATA", "TAGS"
    for card in cards():
        if in_detail:
            yield card.name, card.model or "-", card.rows or "-", ", ".join(card.tags) or "-"
        yield (f"    {card.description}",) if in_detail else (card.name, card.description)


def _tasks(in_detail: bool) -> Iterator[Sequence[str]]:
    from resep.starter import tasks

    yield from tasks().items()
    if in_detail:
        yield ("begin with one: resep new NAME --task TASK",)


def _plugins(kind: str) -> Callable[[bool], Iterator[Sequence[str]]]:
    def rows(in_detail: bool) -> Iterator[Sequence[str]]:
        from resep.document.inline import inline
        from resep.plugins import describe, find, names

        for name in names(kind):
            plugin = describe(find(kind, name))
            yield name, plugin.help
            for option, said in plugin.options.items() if in_detail else ():
                yield f"  {option}: {inline(said.default)}", said.help

    return rows


def _chat_templates(in_detail: bool) -> Iterator[Sequence[str]]:
    from resep.paths import data_folder

    del in_detail
    for path in sorted(data_folder("chat_templates").glob("*.jinja")):
        first, *_ = path.read_text(encoding="utf-8").splitlines()
        yield path.stem, first.removeprefix("{#- ") if first.startswith("{#") else ""


def _runs(in_detail: bool) -> Iterator[Sequence[str]]:
    del in_detail
    yield from ((str(path.parent),) for path in sorted(Path("runs").glob("*/*/results.json")))


_LISTS: Mapping[str, Callable[[bool], Iterator[Sequence[str]]]] = {
    "recipes": _recipes,
    "tasks": _tasks,
    **{kind: _plugins(kind) for kind in ("preprocessing", "converters", "evaluators")},
    "chat-templates": _chat_templates,
    "runs": _runs,
}

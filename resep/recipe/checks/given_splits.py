"""Checks across keys that concern what decides a row's split, and splits that the data brings along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from resep.recipe.draft import Check, Draft, Finding, Number
from resep.splits import SPLITS
from resep.splits.given import Files
from resep.suggest import did_you_mean, listed


def one_thing_decides(draft: Draft) -> Iterator[Finding]:
    by = draft.value("split.by", str)
    if by == "split" and _files(draft) is not None:
        message = "by: split goes by a field of each row, and files by where the row stands; leave one of the two out"
        yield Finding(("split", "files"), message)
    if by == "time" and draft.has("split.stratify_by"):
        message = "by: time takes the newest rows for the test, whatever they are about; leave stratify_by out"
        yield Finding(("split", "stratify_by"), message)
    if draft.value("split.stratify") == "exact" and not draft.has("split.stratify_by"):
        message = "this says how the values of a field are shared out, and stratify_by has to say of which field"
        yield Finding(("split", "stratify"), message + draft.undoing(("split", "stratify")))


def given_splits_need_no_shares(draft: Draft) -> Iterator[Finding]:
    files = _files(draft)
    if files is None and draft.value("split.by") != "split":
        return
    for split in ("train", "test"):
        if draft.has(f"split.fractions.{split}"):
            message = (
                f"without effect: the data brings its splits along ({'by: split' if files is None else 'files'}); only "
                "'validation' is left to choose, a share of the training rows"
            )
            path = ("split", "fractions", split)
            yield Finding(path, message + draft.undoing(path))
    if files and "validation" in files.names and draft.value("split.fractions.validation", Number):
        message = "the validation rows are those of files.validation already; leave one of the two out"
        yield Finding(("split", "fractions", "validation"), message)


def files_are_sources(draft: Draft) -> Iterator[Finding]:
    """Every name in split.files means a source, or files of one."""
    files, sources = _files(draft), _sources(draft)
    if files is None:
        return
    for split, at, name in _unknown(files, sources):
        path = ("split", "files", split)
        has = listed(map(repr, sources)).replace(" or ", " and ")
        message = f"'{name}' is the path of no source{did_you_mean(name, sources) or f'; there are {has}'}"
        yield Finding(path if draft.value(".".join(path), str) else (*path, at), message)


def sources_are_in_one_split(draft: Draft) -> Iterator[Finding]:
    files, sources = _files(draft), _sources(draft)
    if files is None or list(_unknown(files, sources)):  # a name that is misspelt may be that of the source
        return
    for index, source in enumerate(sources):
        path, found = ("data", "sources", index), files.splits_of(source)
        if len(found) > 1:
            yield Finding(path, f"split.files has '{source}' in {' and in '.join(found)}; one has to do without it")
        elif not found and "train" in files.names and not any(files.is_used(n, [source]) for n in _names(files)):
            message = f"split.files has no split for '{source}'; name it there (without 'train' it has all others)"
            yield Finding(path, message)


def _unknown(files: Files, sources: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    """(split, place in its list, name) of every name that means no source; none where sources are not known here."""
    for split, names in files.names.items() if sources else ():
        yield from ((split, at, name) for at, name in enumerate(names) if not files.is_used(name, sources))


def has_no_validation(draft: Draft) -> bool:
    """Whether it is certain that there will be no validation rows."""
    if draft.value("split.by") == "split" or draft.has("split.files.validation"):
        return False
    share: float | None = draft.value("split.fractions.validation", Number)
    return share == 0


def _files(draft: Draft) -> Files | None:
    section = draft.value("split.files", dict)
    if section is None:
        return None
    return Files.from_section({split: _texts(section.get(split)) for split in SPLITS})


def _texts(names: object) -> list[str]:
    listed_names = names if isinstance(names, list) else [names]
    return [name for name in listed_names if isinstance(name, str)]


def _names(files: Files) -> list[str]:
    return [name for names in files.names.values() for name in names]


def _sources(draft: Draft) -> list[str]:
    """What split.files may call the sources: their paths, or hub:owner/name/split; none where one has neither."""
    sources = draft.value("data.sources", list) or []
    names = [_name(source) if isinstance(source, dict) else None for source in sources]
    return [name for name in names if name is not None] if None not in names else []


def _name(source: Mapping[str, object]) -> str | None:
    if isinstance(source.get("hub"), str):
        return "/".join(
            str(part) for part in (f"hub:{source['hub']}", source.get("subset"), source.get("split")) if part
        )
    path = source.get("path")
    return path if isinstance(path, str) else None


CHECKS: tuple[Check, ...] = (
    one_thing_decides,
    given_splits_need_no_shares,
    files_are_sources,
    sources_are_in_one_split,
)

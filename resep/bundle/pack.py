"""Write a bundle: the same run gives the same bytes, whoever writes it and whenever."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from resep.bundle.private import Finding, findings
from resep.errors import ResepError
from resep.recipe.paths import escapes
from resep.repeatable import INPUTS, Input, read_inputs

_ALWAYS = (
    *("axolotl.yaml", "job.json", "ledger.jsonl", "recipe.lock.yaml"),
    *("report.html", "report.md", "results.json"),
)
_SAMPLES = ("predictions.csv", "samples.jsonl", "scores.jsonl", "ratings.json")
_OF_AN_ADAPTER = (".safetensors", ".json", ".jinja", ".md", ".model", ".txt", ".py")
_READ = ("README.md", "resep.json")  # of an adapter, what tells of the recipe; the rest is the base model's


def pack(run: Path, out: Path, *, samples: bool, adapter: bool, allowed: Sequence[str] = ()) -> list[str]:
    """Write the bundle of a run folder to `out`, a .tar.gz, and return the names of what is in it.

    Raises ResepError where the folder is no run, or where something in it must not leave this machine: `allowed` are
    the kinds of findings that the person lets pass.
    """
    inputs = _inputs(run)
    texts = dict(_texts(run, inputs, _SAMPLES if samples else ()))
    of_adapter = dict(_adapter(run)) if adapter else {}
    told = {name: of_adapter[name].read_text(encoding="utf-8") for name in of_adapter if Path(name).name in _READ}
    looked_at = {**texts, **told}.items()
    _refuse(found for name, text in looked_at for found in findings(name, text) if found.kind not in allowed)
    contents: dict[str, bytes | Path] = {name: text.encode() for name, text in texts.items()}
    contents |= of_adapter
    top = f"{run.parent.name}-{run.name}"
    _write(out, {f"{top}/{name}": contents[name] for name in sorted(contents)})
    return sorted(contents)


def _inputs(run: Path) -> list[Input]:
    try:
        return read_inputs(run / "recipe")
    except FileNotFoundError as error:
        raise ResepError(f"{run} is not the folder of a finished run: it has no recipe/{INPUTS}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ResepError(f"{run}/recipe/{INPUTS} is damaged: run the recipe again, it writes it anew") from error


def _texts(run: Path, inputs: Sequence[Input], further: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(name in the bundle, text) of every file but the weights, with the names that the inputs have elsewhere."""
    renamed = {each.given: each.path for each in inputs if escapes(each.given)}
    for name in (*_ALWAYS, *further):
        if (run / name).is_file():
            text = (run / name).read_text(encoding="utf-8")
            for given in sorted(renamed, key=len, reverse=True):
                text = text.replace(given, renamed[given])
            yield name, text
    for path in sorted((run / "recipe").rglob("*")):
        if path.is_file() and path.name != INPUTS:
            yield path.relative_to(run / "recipe").as_posix(), path.read_text(encoding="utf-8")
    yield INPUTS, json.dumps([{**vars(each), "given": each.path} for each in inputs], indent=1) + "\n"


def _adapter(run: Path) -> Iterator[tuple[str, Path]]:
    folder = run / "adapter"
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and file.suffix in _OF_AN_ADAPTER]
    if not files:
        raise ResepError(
            f"{run} has no adapter: training.method: full leaves a whole model, which is not bundled, and what a "
            "service trained stays there"
        )
    return ((file.relative_to(run).as_posix(), file) for file in files)


def _refuse(found: Iterable[Finding]) -> None:
    by_kind: dict[str, list[Finding]] = {}
    for finding in found:
        by_kind.setdefault(finding.kind, []).append(finding)
    if not by_kind:
        return
    lines = [f"  {kind}: {_places(items)}" for kind, items in by_kind.items()]
    options = " ".join(f"--allow {kind}" for kind in by_kind)
    raise ResepError(
        "nothing was written: the bundle would carry what looks private\n"
        + "\n".join(lines)
        + "\nMask it in the data (preprocessing: placeholders) and run again; "
        + f"if it is not private, say so: {options}"
    )


def _places(items: Sequence[Finding]) -> str:
    files = ", ".join(dict.fromkeys(item.file for item in items))
    hints = ", ".join(list(dict.fromkeys(item.hint for item in items))[:3])
    return f"{len(items)} in {files} ({hints})"


def _write(out: Path, contents: Mapping[str, bytes | Path]) -> None:
    """A gzipped tar without times, owners and rights, which would differ from one machine to the next."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".partial")
    with (
        partial.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.mode = 0o644
            entry.size = content.stat().st_size if isinstance(content, Path) else len(content)
            with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as body:
                archive.addfile(entry, body)
    partial.replace(out)

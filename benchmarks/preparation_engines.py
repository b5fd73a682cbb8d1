"""The same job by other means: read, replace personal data, lowercase, strip punctuation, deduplicate, split, write.

    python -m benchmarks.preparation_engines NAME ROWS.jsonl FOLDER

Their five patterns are simple ones without a check of what they find; that is less work than a recipe's detectors do.
There is no ledger, no statistics, no leakage check, no restart. Each is written as its documentation teaches.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

PATTERNS = {  # constructs that Python and Rust read alike
    "\ue001": r"https?://[^\s]{1,200}",
    "\ue002": r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
    "\ue003": r"[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}",
    "\ue004": r"\+[0-9]{1,3}[ -]?[0-9]{2,4}[ -]?[0-9]{3,4}[ -]?[0-9]{3,4}",
    "\ue005": r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}",
}
NAMES = dict(zip(PATTERNS, ("[URL]", "[EMAIL]", "[CARD]", "[PHONE]", "[IP]"), strict=True))
_COMPILED = {hidden: re.compile(pattern) for hidden, pattern in PATTERNS.items()}
_MAY_HOLD = re.compile(r"[0-9@]|://")


class _Marks(dict[int, str | int]):
    """Code point -> a space for punctuation and symbols, itself for the rest; filled as characters come."""

    def __missing__(self, code: int) -> str | int:
        self[code] = " " if unicodedata.category(chr(code))[0] in "PS" else code
        return self[code]


_MARKS = _Marks()


def clean(text: str) -> str:
    """The text as the recipe's steps leave it."""
    if _MAY_HOLD.search(text):
        for hidden, pattern in _COMPILED.items():
            text = pattern.sub(hidden, text)
    text = " ".join(text.lower().translate(_MARKS).split())
    if not text.isascii():
        for hidden, name in NAMES.items():
            text = text.replace(hidden, name)
    return text


def digest(prompt: str, steps: Iterable[str]) -> bytes:
    return blake2b("\n".join((prompt, *steps)).encode(), digest_size=16).digest()


def split_of(prompt: str) -> str:
    at = int.from_bytes(blake2b(prompt.encode(), digest_size=8).digest(), "big") / 2**64
    return "train" if at < 0.9 else "validation" if at < 0.95 else "test"


def by_loop(rows: Path, folder: Path) -> None:
    """One process, one pass, a set of digests: what somebody writes who wants nothing but the result."""
    import orjson

    seen: set[bytes] = set()
    files = {split: (folder / f"{split}.jsonl").open("wb") for split in ("train", "validation", "test")}
    with rows.open("rb") as lines:
        for line in lines:
            row = orjson.loads(line)
            prompt, steps = clean(row["prompt"]), [clean(step) for step in row["response"]]
            if (known := digest(prompt, steps)) not in seen:
                seen.add(known)
                row.update(prompt=prompt, response=steps)
                files[split_of(prompt)].write(orjson.dumps(row) + b"\n")
    for file in files.values():
        file.close()


def by_datasets(rows: Path, folder: Path) -> None:
    """Hugging Face datasets: map in batches in one process, filter, write."""
    import datasets

    datasets.disable_progress_bars()
    found = datasets.load_dataset("json", data_files=str(rows), split="train", cache_dir=str(folder / "cache"))
    found = found.map(_cleaned_batch, batched=True)
    seen: set[bytes] = set()
    found = found.filter(lambda batch: [_is_new(key, seen) for key in batch["key"]], batched=True)
    for split in ("train", "validation", "test"):
        part = found.filter(lambda batch, split=split: [each == split for each in batch["split"]], batched=True)
        part.remove_columns(["key", "split"]).to_json(folder / f"{split}.jsonl")


def _cleaned_batch(batch: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    prompts = [clean(prompt) for prompt in batch["prompt"]]
    responses = [[clean(step) for step in steps] for steps in batch["response"]]
    keys = [digest(*each).hex() for each in zip(prompts, responses, strict=True)]
    return {"prompt": prompts, "response": responses, "key": keys, "split": [split_of(prompt) for prompt in prompts]}


def _is_new(key: str, seen: set[bytes]) -> bool:
    raw = bytes.fromhex(key)
    return raw not in seen and not seen.add(raw)  # type: ignore[func-returns-value]


def by_polars(rows: Path, folder: Path) -> None:
    """polars: expressions on columns, streaming; only the hash of the split is made in Python, where it is stable."""
    import polars

    def cleaned(column: Any) -> Any:
        for hidden, pattern in PATTERNS.items():
            column = column.str.replace_all(pattern, hidden)
        column = column.str.to_lowercase().str.replace_all(r"[\p{P}\p{S}\s]+", " ").str.strip_chars(" ")
        return column.str.replace_many([*NAMES], [*NAMES.values()])

    def splits(prompts: Any) -> Any:
        return polars.Series([split_of(prompt) for prompt in prompts])

    lazy = polars.scan_ndjson(rows).with_columns(
        cleaned(polars.col("prompt")), polars.col("response").list.eval(cleaned(polars.element()))
    )
    lazy = lazy.unique(["prompt", "response"], keep="first", maintain_order=True)
    lazy = lazy.with_columns(polars.col("prompt").map_batches(splits, return_dtype=polars.String).alias("split"))
    done = lazy.collect(engine="streaming")
    for split in ("train", "validation", "test"):
        done.filter(polars.col("split") == split).drop("split").write_ndjson(folder / f"{split}.jsonl")


ENGINES: Mapping[str, Callable[[Path, Path], None]] = {"loop": by_loop, "datasets": by_datasets, "polars": by_polars}

if __name__ == "__main__":
    ENGINES[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))

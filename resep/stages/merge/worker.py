"""The child that merges: base and adapter are heard, merged, written, read back from disk and heard again.

Request: `device`, `folder` of the base, `adapter`, `evaluated` and `base` (fields of arms.Precision: how the arms
answered, and the numbers that the adapter is added to), `into`, `template`, `template_folder`, `test`, `out`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from transformers import GenerationConfig

from resep.digests import read_json_or_nothing, write_json
from resep.errors import ResepError
from resep.events import emit, work
from resep.generation import loading
from resep.generation.decoding import end_ids
from resep.handover.tokenizer import hand_over_tokenizer
from resep.records import Example, read_jsonl
from resep.stages.generate.prompts import encode_prompts, require_rows
from resep.stages.merge import MODEL, SUMMARY, witness
from resep.stages.merge.witness import Logits, Prompts, Witness
from resep.templates import Template, load_template, load_tokenizer

_SHARD = "5GB"
_GENERATION = "generation_config.json"


def job(request: Mapping[str, Any]) -> None:
    """Leave the merged model and what is known of it, or raise ResepError and leave no model."""
    out, base, evaluated = Path(request["out"]), request["base"], request["evaluated"]
    prompts, template = _asked(request)
    is_other = request["into"] == "original" and evaluated["four_bit"]  # than the model that was evaluated
    _tell(0, "base and adapter answer")
    told = _evaluated(request, prompts) if is_other else None
    numbers = base if is_other else evaluated
    adapted = _load(request, numbers)
    reference = witness.hear(adapted, prompts)
    with adapted.disable_adapter():
        plain = witness.logits(adapted, prompts, reference.said)
    _tell(1, "merging")
    if not (out / MODEL).is_dir():
        if numbers != base:  # 4-bit weights could not hold the sum
            loading.release(adapted)
            adapted = _load(request, base)
        _write(adapted, out / f"{MODEL}.new", prompts, template)
        (out / f"{MODEL}.new").rename(out / MODEL)
    loading.release(adapted)
    _tell(2, "the merged model answers")
    try:
        found = _look_at_merged(request, prompts, reference, plain, told)
    except ResepError:
        shutil.rmtree(out / MODEL)
        raise
    write_json(out / SUMMARY, found)


def _asked(request: Mapping[str, Any]) -> tuple[Prompts, Template]:
    folder = Path(request["folder"])
    tokenizer = load_tokenizer(folder)
    template = load_template(request["template"], Path(request["template_folder"]), tokenizer)
    examples = require_rows(list(islice(read_jsonl(Path(request["test"]), Example), witness.PROMPTS)))
    ids = tuple(map(tuple, encode_prompts(template, tokenizer, examples)))
    return Prompts(ids, tokenizer, folder), template


def _load(request: Mapping[str, Any], numbers: Mapping[str, Any]) -> Any:
    """Base and adapter."""
    model = loading.load_model(Path(request["folder"]), numbers, request["device"])
    return loading.attach_adapter(model, Path(request["adapter"]))


def _evaluated(request: Mapping[str, Any], prompts: Prompts) -> Witness:
    """What the model says that was evaluated, where the adapter is merged into other weights."""
    adapted = _load(request, request["evaluated"])
    heard = witness.hear(adapted, prompts)
    loading.release(adapted)
    return heard


def _write(adapted: Any, folder: Path, prompts: Prompts, template: Template) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    merged = adapted.merge_and_unload(safe_merge=True)  # safe: a NaN is an error
    ends = end_ids(merged, prompts.folder, prompts.tokenizer)
    # What a base's own config says of sampling may be at odds with itself, and is then refused: it is copied below.
    merged.generation_config = GenerationConfig()
    merged.save_pretrained(folder, max_shard_size=_SHARD)
    own = read_json_or_nothing(prompts.folder / _GENERATION)
    write_json(folder / _GENERATION, {**own, "eos_token_id": [*ends]})
    hand_over_tokenizer(prompts.folder, template.source, folder)


def _look_at_merged(
    request: Mapping[str, Any], prompts: Prompts, reference: Witness, plain: Logits, told: Witness | None
) -> dict[str, Any]:
    base = request["base"]
    numbers = {**base, "four_bit": False, "dequantise": False}
    folder = Path(request["out"]) / MODEL
    merged = loading.load_model(folder, numbers, request["device"])
    heard = witness.hear(merged, prompts, along=reference.said)
    found = witness.compare(reference, heard, plain, base["dtype"])
    along_told = Witness(heard.said, witness.logits(merged, prompts, told.said)) if told else None
    return {
        "dtype": base["dtype"],
        "merged_into": base["name"],
        "evaluated": request["evaluated"]["name"],
        "bytes": sum(file.stat().st_size for file in folder.glob("*.safetensors")),
        **found,
        "from_evaluated": witness.distance(told, along_told) if told and along_told else None,
    }


def _tell(done: int, what: str) -> None:
    emit("progress", done=done, total=3, unit="steps", message=what)


if __name__ == "__main__":
    work(job)

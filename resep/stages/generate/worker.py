"""The child that answers: one load of the weights for all arms that are due, plain base first, then the adapter on it.

Request: `folder`, `model` (its identity), `precision`, `device`, `decoding`, `test` (JSONL of Examples),
`template_folder`, `arms` [{"task", "arm", "template", "trained": null | adapter | model, "weights": folder | null,
"out"}], base arms first.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import transformers

from resep.digests import digest_json, write_json
from resep.errors import ResepError
from resep.events import emit, work
from resep.models.foreign import may_run_code
from resep.records import Example, Sample, read_jsonl, to_line, write_jsonl
from resep.resume import finished_records
from resep.stages.generate import loading, proof
from resep.stages.generate.decoding import Answer, Decoder, answer
from resep.stages.generate.prompts import encode_prompts, require_fit, require_rows
from resep.templates import Tokenizer, load_template, load_tokenizer

Prompts = list[list[int]]


@dataclass(frozen=True)
class Question:
    """One arm's request with the prompts that its template makes of the test rows."""

    request: Mapping[str, Any]
    prompts: Prompts

    @property
    def key(self) -> tuple[str | None, str]:
        """Arms with the same weights and the same prompts give the same answers."""
        return self.request["weights"], digest_json(self.prompts)


def job(request: Mapping[str, Any]) -> None:
    """Answer for every arm, report each as `done`."""
    examples = require_rows(list(read_jsonl(Path(request["test"]), Example)))
    folder = Path(request["folder"])
    tokenizer = load_tokenizer(folder)
    questions = [_question(arm, examples, tokenizer, request) for arm in request["arms"]]
    model = loading.load_model(folder, request["precision"], request["device"])
    require_fit(examples, [question.prompts for question in questions], request["decoding"], model.config)
    decoder = _decoder(model, folder, tokenizer, request["decoding"])
    told: dict[tuple[str | None, str], list[Sample]] = {}
    evidence: dict[str, Any] | None = None
    for question in questions:
        arm = question.request
        if arm["trained"] and evidence is None:
            decoder, evidence = _with_training(decoder, question, request)
        samples = told.get(question.key)
        copied_from = samples[0].arm if samples else None
        if samples is None:
            samples = told[question.key] = _answer_all(decoder, examples, question)
        _finish(question, [replace(sample, arm=arm["arm"]) for sample in samples], request, evidence, copied_from)


def _question(
    arm: Mapping[str, Any], examples: Sequence[Example], tokenizer: Tokenizer, request: Mapping[str, Any]
) -> Question:
    template = load_template(arm["template"], Path(request["template_folder"]), tokenizer)
    return Question(arm, encode_prompts(template, tokenizer, examples))


def _decoder(model: Any, folder: Path, tokenizer: Tokenizer, options: Mapping[str, Any]) -> Decoder:
    """Answers end at what the tokenizer calls its end and at what the model does: they do not always agree."""
    named = model.generation_config.eos_token_id
    ends = [tokenizer.eos_id, *(named if isinstance(named, list) else [named])]
    stop_ids = tuple(dict.fromkeys(end for end in ends if end is not None))
    if not stop_ids:
        raise ResepError(f"the model in {folder} names no end token: no answer would ever end")
    pad_id = stop_ids[0] if tokenizer.pad_id is None else tokenizer.pad_id
    decode = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=may_run_code(folder))
    return Decoder(model, decode, stop_ids, pad_id, options)


def _with_training(decoder: Decoder, question: Question, request: Mapping[str, Any]) -> tuple[Decoder, dict[str, Any]]:
    """The decoder with what was trained, and the proof of what the two arms are."""
    prompts = question.prompts[: proof.PROMPTS]
    plain = proof.logits(decoder.model, prompts)
    weights = Path(question.request["weights"])
    if question.request["trained"] == "adapter":
        evidence = proof.prove_adapter(loading.attach_adapter(decoder.model, weights), plain, prompts)
        return decoder, evidence  # the adapter's layers stand in the decoder's model now, switched on
    loading.release(decoder.model)
    model = loading.load_model(weights, request["precision"], request["device"])
    return replace(decoder, model=model), proof.prove_other_model(model, plain, prompts)


def _answer_all(decoder: Decoder, examples: Sequence[Example], question: Question) -> list[Sample]:
    """Every example's sample, in their order. Each batch is on disk as soon as it is answered."""
    out, arm = Path(question.request["out"]), question.request["arm"]
    done = {sample.id: sample for sample in finished_records(out / "samples.jsonl", Sample)}
    waiting = [at for at, example in enumerate(examples) if example.id not in done]
    started, tokens = time.monotonic(), 0
    with (out / "samples.jsonl").open("a", encoding="utf-8") as file:
        for batch in answer(decoder, [question.prompts[at] for at in waiting]):
            for place, said in batch.items():
                at = waiting[place]
                sample = _sample(examples[at], arm, said, len(question.prompts[at]), decoder)
                done[sample.id] = sample
                tokens += said.tokens
                file.write(to_line(sample))
            file.flush()
            emit("progress", done=len(done), total=len(examples), unit="rows", task=arm)
    seconds = round(time.monotonic() - started, 2)
    write_json(out / "timings.json", {"seconds": seconds, "rows": len(waiting), "output_tokens": tokens})
    return [done[example.id] for example in examples]


def _sample(example: Example, arm: str, said: Answer, prompt_tokens: int, decoder: Decoder) -> Sample:
    text = decoder.tokenizer.decode(said.ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    for stop in decoder.options["stop"]:
        text = text.partition(stop)[0]
    return Sample(
        id=example.id,
        arm=arm,
        target=example.target,
        output=text,
        prompt=example.prompt,
        finish_reason=said.finish_reason,
        prompt_tokens=prompt_tokens,
        output_tokens=said.tokens,
        metadata=example.metadata,
    )


def _finish(
    question: Question,
    samples: Sequence[Sample],
    request: Mapping[str, Any],
    evidence: Mapping[str, Any] | None,
    copied_from: str | None,
) -> None:
    out, arm = Path(question.request["out"]), question.request
    write_jsonl(out / "samples.jsonl.new", samples)
    (out / "samples.jsonl.new").replace(out / "samples.jsonl")
    card = {
        "arm": arm["arm"],
        "model": request["model"],
        "precision": request["precision"]["name"],
        "template": arm["template"],
        "decoding": request["decoding"],
        "prompt_sha256": digest_json(question.prompts),
        "proof": evidence if arm["trained"] else None,
        "truncated": sum(sample.finish_reason == "length" for sample in samples),
        "empty": sum(not sample.output.strip() for sample in samples),
        "rows": len(samples),
        "copied_from": copied_from,
    }
    write_json(out / "arm.json", card)
    emit("done", task=arm["task"])


if __name__ == "__main__":
    work(job)

"""The child that answers: each model is loaded once for all of its arms that are due, one model after another.

Request: `device`, `decoding`, `seed`, `test` (JSONL of Examples), `loads` [{"folder", "model": its identity,
"precision", "arms"}], `arms` [{"task", "arm", "weights", "template", "template_folder", "trained": null | adapter |
model, "from": its folder, "shots": file | null, "facts": further entries of arm.json, "out"}].
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
from resep.generation import loading
from resep.generation.decoding import Answer, Decoder, answer, open_decoder, spoken
from resep.models.foreign import may_run_code
from resep.records import Example, Sample, read_jsonl
from resep.stages.generate import proof
from resep.stages.generate.outcome import append, finish, kept_samples, note_latency, timed
from resep.stages.generate.prompts import encode_prompts, require_fit, require_rows
from resep.stages.generate.shots import read_shots
from resep.templates import Tokenizer, load_template, load_tokenizer

Prompts = list[list[int]]
_ORDER = (None, "adapter", "model")  # of what was trained: plain weights answer before anything is attached to them


@dataclass(frozen=True)
class Question:
    """One arm's request with the prompts that its template makes of the test rows."""

    request: Mapping[str, Any]
    prompts: Prompts

    @property
    def key(self) -> tuple[str | None, str]:
        """Arms with the same weights and the same prompts give the same answers."""
        return self.request["from"], digest_json(self.prompts)


@dataclass(frozen=True)
class Load:
    """One model's request, its tokenizer, and the questions of its arms: plain weights first, then what was trained."""

    request: Mapping[str, Any]
    tokenizer: Tokenizer
    questions: tuple[Question, ...]

    @property
    def folder(self) -> Path:
        return Path(self.request["folder"])


def job(request: Mapping[str, Any]) -> None:
    """Answer for every arm, report each as `done`. What no model can read is refused before any model is loaded."""
    examples = require_rows(list(read_jsonl(Path(request["test"]), Example)))
    loads = [_load(load, examples, request["decoding"]) for load in request["loads"]]
    for load in loads:
        _answer_load(load, examples, request)


def _load(request: Mapping[str, Any], examples: Sequence[Example], decoding: Mapping[str, Any]) -> Load:
    folder = Path(request["folder"])
    tokenizer = load_tokenizer(folder)
    arms = sorted(request["arms"], key=lambda arm: (_ORDER.index(arm["trained"]), arm["from"] or ""))
    questions = tuple(_question(arm, examples, tokenizer) for arm in arms)
    config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=may_run_code(folder))
    for question in questions:
        require_fit(question.request, examples, question.prompts, decoding["max_new_tokens"], config)
    return Load(request, tokenizer, questions)


def _question(arm: Mapping[str, Any], examples: Sequence[Example], tokenizer: Tokenizer) -> Question:
    template = load_template(arm["template"], Path(arm["template_folder"]), tokenizer)
    shots = read_shots(Path(arm["shots"])) if arm["shots"] else None
    asked = [shots.before(example) for example in examples] if shots else examples
    return Question(arm, encode_prompts(template, tokenizer, asked))


def _answer_load(load: Load, examples: Sequence[Example], request: Mapping[str, Any]) -> None:
    _say(f"loading {load.request['model']}")
    model = loading.load_model(load.folder, load.request["precision"], request["device"])
    decoder = open_decoder(model, load.folder, load.tokenizer, request["decoding"])
    probes = load.questions[0].prompts[: proof.PROMPTS]
    is_trained = any(question.request["trained"] for question in load.questions)
    if is_trained:
        _say(f"noting what {load.request['model']} alone says to {len(probes)} prompts")
    plain = proof.logits(model, probes) if is_trained else []
    told: dict[tuple[str | None, str], list[Sample]] = {}
    proofs: dict[str, dict[str, Any]] = {}
    adapted: Any = model
    for question in load.questions:
        arm, source = question.request, question.request["from"]
        if source and source not in proofs:
            _say(f"loading what was trained, for {arm['arm']}")
            if arm["trained"] == "adapter":  # its layers stand in the decoder's model, in place of the last one's
                adapted = trained = loading.attach_adapter(adapted, Path(source))
            else:
                loading.release(model)
                trained = loading.load_model(Path(source), load.request["precision"], request["device"])
                decoder = replace(decoder, model=trained)
            _say(f"checking that {arm['arm']} is not {load.request['model']} alone")
            proofs[source] = _proof(trained, arm, plain, probes)
        samples = told.get(question.key)
        facts = {"copied_from": samples[0].arm if samples else None, "proof": proofs.get(source or "")}
        if samples is None:
            samples = told[question.key] = _answer_all(decoder, examples, question, request["seed"])
        named = [replace(sample, arm=arm["arm"]) for sample in samples]
        finish(Path(arm["out"]), named, {**_facts(question, load, request), **facts})
        emit("done", task=arm["task"])
    loading.release(decoder.model)


def _say(what: str) -> None:
    """What takes its time before the first answer is there."""
    emit("progress", done=0, unit="rows", message=what)


def _proof(trained: Any, arm: Mapping[str, Any], plain: Sequence[Any], probes: Prompts) -> dict[str, Any]:
    prove = proof.prove_adapter if arm["trained"] == "adapter" else proof.prove_other_model
    try:
        return prove(trained, plain, probes)
    except ResepError as error:
        raise ResepError(f"{arm['arm']}: {error}") from error


def _answer_all(decoder: Decoder, examples: Sequence[Example], question: Question, seed: int) -> list[Sample]:
    """Every example's sample, in their order. Each batch is on disk as soon as it is answered."""
    out, arm = Path(question.request["out"]), question.request["arm"]
    started, tokens = time.monotonic(), 0
    with kept_samples(out) as (done, file):
        waiting = [at for at, example in enumerate(examples) if example.id not in done]
        seeds = [f"{seed}:{examples[at].id}" for at in waiting]
        for took, batch in timed(answer(decoder, [question.prompts[at] for at in waiting], seeds)):
            new = [_sample(examples[waiting[at]], question, waiting[at], said, decoder) for at, said in batch.items()]
            append(file, new)
            note_latency(out, new, took)
            done |= {sample.id: sample for sample in new}
            tokens += sum(said.tokens for said in batch.values())
            emit("progress", done=len(done), total=len(examples), unit="rows", task=arm)
    seconds = round(time.monotonic() - started, 2)
    write_json(out / "timings.json", {"seconds": seconds, "rows": len(waiting), "output_tokens": tokens})
    return [done[example.id] for example in examples]


def _sample(example: Example, question: Question, at: int, said: Answer, decoder: Decoder) -> Sample:
    return Sample(
        id=example.id,
        arm=question.request["arm"],
        target=example.target,
        output=spoken(decoder, said.ids),
        prompt=example.prompt,
        finish_reason=said.finish_reason,
        prompt_tokens=len(question.prompts[at]),
        output_tokens=said.tokens,
        metadata=example.metadata,
    )


def _facts(question: Question, load: Load, request: Mapping[str, Any]) -> dict[str, Any]:
    arm = question.request
    return {
        "arm": arm["arm"],
        "weights": arm["weights"],
        "model": load.request["model"],
        "precision": load.request["precision"]["name"],
        "template": arm["template"],
        "decoding": _without(request["decoding"], "batch_size"),
        "batch_size": request["decoding"]["batch_size"],
        "prompt_sha256": digest_json(question.prompts),
        **arm["facts"],
    }


def _without(options: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in names}


if __name__ == "__main__":
    work(job)

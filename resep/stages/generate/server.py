"""An arm that a server answers: many requests at once, every answer on disk as it comes, only missing ones asked again.

The server renders the conversation with its own template. What it is goes by its address and the model's name there:
who runs it may put another model behind the name, and nobody is told.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from resep.address import read_address
from resep.digests import digest_json, write_json
from resep.endpoints import Answer, Answers, ChatRequest, Endpoint, EndpointError, answers_in, complete
from resep.errors import ResepError
from resep.records import Example, Message, Sample, read_jsonl
from resep.stages.generate.arms import Arm
from resep.stages.generate.local import examples_of, shots_file
from resep.stages.generate.outcome import finish, note_latency
from resep.stages.generate.prompts import require_rows
from resep.stages.generate.shots import read_shots
from resep.store import Emit, Task

ANSWERS = "answers.jsonl"  # of the server, in the order in which they came; gone when the arm is done
# What servers call the end of an answer -> what a Sample does; a word that is not here is kept.
_REASONS = {"eos": "stop", "tool_calls": "stop", "function_call": "stop", "max_tokens": "length"}
_DECODING = "generation.{}"


def identity(server: Endpoint) -> str:
    """What the server is, for keys and reports: the model's name there, and its address."""
    address = read_address(server.url)
    return f"{server.model} at {address.origin}{address.path}"


def answer_there(task: Task, arm: Arm, test: Path, decoding: Mapping[str, Any], seed: int, emit: Emit) -> None:
    """Fill the task's folder. Raises ResepError where rows stay without an answer; those that came are kept."""
    assert arm.server is not None, f"{arm.name} is answered by no server"
    examples = require_rows(list(read_jsonl(test, Example)))
    file = shots_file(arm, task)
    shots = read_shots(Path(file)) if file else None
    asked = [shots.before(example) for example in examples] if shots else examples
    requests = [request(example, decoding, seed) for example in asked]
    kept = answers_in(task.out / ANSWERS)
    started, before = time.monotonic(), len(kept)
    answers = _answers(arm, requests, kept, emit)
    seconds = round(time.monotonic() - started, 2)
    samples = [_sample(arm, *pair) for pair in zip(examples, answers, strict=True)]
    finish(task.out, samples, _card(arm, requests, answers, decoding))
    new = [sample for sample, answer in zip(samples, answers, strict=True) if not answer.cached]
    note_latency(task.out, new, seconds)  # together: many requests are on their way at once
    tokens = sum(answer.output_tokens or 0 for answer in answers if not answer.cached)
    write_json(task.out / "timings.json", {"seconds": seconds, "rows": len(kept) - before, "output_tokens": tokens})
    kept.path.unlink(missing_ok=True)


def request(example: Example, decoding: Mapping[str, Any], seed: int) -> ChatRequest:
    """What the server is asked for one row: the decoding in its words, and where tokens are drawn a seed of the row's.

    Raises ResepError for a row with tools, whose calls a server answers in a form of its own.
    """
    if example.tools:
        raise ResepError(f"test row {example.id} has tools, which an endpoint is not asked with; leave the arm out")
    return ChatRequest(tuple(map(_for_server, example.prompt)), _options(decoding, f"{seed}:{example.id}"))


def _answers(arm: Arm, requests: Sequence[ChatRequest], kept: Answers, emit: Emit) -> list[Answer]:
    server, found = arm.server, []
    assert server is not None, f"{arm.name} is answered by no server"
    try:
        for answer in complete(server, requests, concurrency=arm.concurrency, answers=kept):
            found.append(answer)
            emit({"event": "progress", "done": len(found), "total": len(requests), "unit": "rows", "task": arm.name})
    except EndpointError as error:
        raise ResepError(f"{arm.name}: {error}{_kept(kept)}") from error
    failed = [answer.error for answer in found if answer.error is not None]
    if failed:
        said = "; ".join(f"{reason} ({count})" for reason, count in Counter(failed).most_common(3))
        raise ResepError(
            f"{arm.name}: {len(failed)} of {len(found)} test rows have no answer: {said}{_kept(kept)}. An arm is "
            "compared on all rows: mend what is wrong, or leave it out"
        )
    return found


def _kept(kept: Answers) -> str:
    return f"; {len(kept)} answers are kept, the same command asks for the missing ones alone" if len(kept) else ""


def _options(decoding: Mapping[str, Any], seed: str) -> dict[str, Any]:
    """Decoding as the API of OpenAI spells it. What says nothing is left out: not every server knows every option."""
    sent: dict[str, Any] = {"max_tokens": decoding["max_new_tokens"], "temperature": 0.0}
    if decoding["do_sample"]:
        digest = blake2b(seed.encode("utf-8", "surrogatepass"), digest_size=4).digest()
        drawn = {"temperature": decoding["temperature"], "seed": int.from_bytes(digest, "big") >> 1}
        shares = {name: decoding[name] for name, off in (("top_p", 1.0), ("top_k", 0)) if decoding[name] != off}
        sent |= {**drawn, **shares}
    if decoding["stop"]:
        sent["stop"] = list(decoding["stop"])
    if decoding["repetition_penalty"] != 1.0:
        sent["repetition_penalty"] = decoding["repetition_penalty"]
    return sent


def _for_server(message: Message) -> Message:
    """A message without what is ours, the arguments of calls as the text that the API wants."""
    calls = [
        {**call, "function": {**call["function"], "arguments": json.dumps(call["function"]["arguments"])}}
        for call in message.tool_calls
    ]
    return Message(message.role, message.content, calls, message.tool_call_id, message.name)


def _sample(arm: Arm, example: Example, answer: Answer) -> Sample:
    reason = answer.finish_reason
    return Sample(
        id=example.id,
        arm=arm.name,
        target=example.target,
        output=_writable(answer.text),
        prompt=example.prompt,
        finish_reason="unknown" if reason is None else _REASONS.get(reason, reason),
        prompt_tokens=answer.prompt_tokens,
        output_tokens=answer.output_tokens,
        metadata=example.metadata,
    )


def _writable(text: str) -> str:
    """The text without halves of a surrogate pair, which JSON can spell and no file can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _card(
    arm: Arm, requests: Sequence[ChatRequest], answers: Sequence[Answer], decoding: Mapping[str, Any]
) -> dict[str, Any]:
    assert arm.server is not None, f"{arm.name} is answered by no server"
    served_as = Counter(answer.model or "unknown" for answer in answers)
    return {
        "arm": arm.name,
        "weights": arm.weights,
        "model": identity(arm.server),
        "precision": None,
        "template": arm.template,
        "decoding": {name: value for name, value in decoding.items() if name != "batch_size"},
        "prompt_sha256": digest_json([[vars(message) for message in each.messages] for each in requests]),
        "served_as": dict(sorted(served_as.items())),
        "proof": None,
        **examples_of(arm),
    }

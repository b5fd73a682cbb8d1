"""The child that is talked to: questions on standard input, answers on standard output, a JSON object per line.

In: {"ask": number, "arm", "messages"}, {"stop": number}; the end of the input ends the process. Out: `ready`, then for
each question `text` as it comes and `said`, or `refused`. What was typed goes nowhere else: no traceback of an error
is written with its message, which may quote it.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from resep.chat.pieces import settled
from resep.errors import ResepError
from resep.events import REQUEST
from resep.generation.decoding import Answer, Decoder, answer_aloud, open_decoder, spoken
from resep.records import Message
from resep.stages.language_models.weights import Shelf
from resep.templates import Template, Tokenizer, encode_prompt, load_template, load_tokenizer

Tell = Callable[..., None]


class _Stopped(Exception):
    """The person has heard enough."""


class _Voice:
    """One answer on its way out: tells what is settled of it, notes when the first token came, and stops when asked.

    `asked` is the moment when the question came.
    """

    def __init__(self, tell: Tell, decoder: Decoder, asked: float, is_stopped: Callable[[], bool]) -> None:
        self.tell, self.decoder, self.asked, self.is_stopped = tell, decoder, asked, is_stopped
        self.shown, self.tokens = "", 0
        self.first_s: float | None = None

    def hear(self, ids: Sequence[int]) -> None:
        """What was said so far; raises _Stopped."""
        self.tokens = len(ids)
        self.first_s = self.first_s or time.monotonic() - self.asked
        kept = ids[:-1] if ids[-1] in self.decoder.stop_ids else ids
        self._show(settled(spoken(self.decoder, kept), self.decoder.options["stop"]))
        if self.is_stopped():
            raise _Stopped

    def end(self, answer: Answer | None) -> None:
        """The rest of the text, and how it ended; None: it was interrupted."""
        if answer:
            self._show(spoken(self.decoder, answer.ids))
        reason = answer.finish_reason if answer else "interrupted"
        seconds = round(time.monotonic() - self.asked, 3)
        first = None if self.first_s is None else round(self.first_s, 3)
        self.tell("said", text=self.shown, finish_reason=reason, tokens=self.tokens, first_s=first, seconds=seconds)

    def _show(self, text: str) -> None:
        if text != self.shown:  # a tokenizer that spells a text anew as it grows: the whole of it on a new line
            grown = text.startswith(self.shown)
            self.tell("text", text=text[len(self.shown) :] if grown else f"\n{text}")
            self.shown = text


class _Questions:
    """What stands on standard input, read by a thread of its own, so that a stop is heard while an answer is made."""

    def __init__(self) -> None:
        self.waiting: queue.Queue[Mapping[str, Any]] = queue.Queue()
        self.stopped = 0  # the last question that was stopped
        threading.Thread(target=self._read, daemon=True).start()

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        while True:
            yield self.waiting.get()

    def _read(self) -> None:
        for line in sys.stdin:
            message = json.loads(line)
            if "stop" in message:
                self.stopped = max(self.stopped, message["stop"])
            else:
                self.waiting.put({**message, "asked": time.monotonic()})
        os.killpg(os.getpgid(0), signal.SIGKILL)  # whoever asked has left, however they did


class _Models:
    """The arms of a request, each with its weights on the shelf and the way in which it is asked."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.request, self.shelf = request, Shelf(request["precision"], request["device"])
        options = {**request["decoding"], "batch_size": 1}
        self.arms = {arm: self._open(facts, options) for arm, facts in request["arms"].items()}

    def _open(self, facts: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[Template, Tokenizer, Decoder]:
        folder = Path(facts["tokenizer"])
        tokenizer = load_tokenizer(folder)
        template = load_template(facts["template"], Path(facts["template_folder"]), tokenizer)
        with self._worn(facts) as model:  # loaded before the first question
            return template, tokenizer, open_decoder(model, folder, tokenizer, options)

    def answer(self, question: Mapping[str, Any], tell: Tell, is_stopped: Callable[[], bool]) -> None:
        """Tell the answer. Raises ResepError for a conversation that the model cannot be asked."""
        template, tokenizer, decoder = self.arms[question["arm"]]
        messages = [Message(**message) for message in question["messages"]]
        prompt = encode_prompt(template, tokenizer, messages).ids
        _require_fit(decoder, prompt)
        with self._worn(self.request["arms"][question["arm"]]):
            voice = _Voice(tell, decoder, question["asked"], is_stopped)
            try:
                said = answer_aloud(decoder, prompt, f"{self.request['seed']}:{question['ask']}", voice.hear)
            except _Stopped:
                voice.end(None)
            else:
                voice.end(said)

    def _worn(self, facts: Mapping[str, Any]) -> Any:
        adapter = Path(facts["adapter"]) if facts["adapter"] else None
        return self.shelf.take(Path(facts["folder"])).wearing(adapter)


def main() -> None:
    """Load the models, then answer until nobody asks any more."""
    tell = _own_output()
    questions = _Questions()
    started = time.monotonic()
    try:
        models = _Models(json.loads(Path(os.environ[REQUEST]).read_text(encoding="utf-8")))
    except ResepError as error:
        tell("refused", message=str(error))
        return
    tell("ready", seconds=round(time.monotonic() - started, 2))
    for question in questions:
        _answer(models, question, tell, questions)


def _answer(models: _Models, question: Mapping[str, Any], tell: Tell, questions: _Questions) -> None:
    try:
        models.answer(question, tell, lambda: questions.stopped >= question["ask"])
    except ResepError as error:
        tell("refused", message=str(error))
    except Exception as error:  # noqa: BLE001 - told without its message: that may hold what was typed
        traceback.print_tb(error.__traceback__)
        print(type(error).__qualname__, file=sys.stderr)  # noqa: T201
        sys.exit(1)


def _require_fit(decoder: Decoder, prompt: Sequence[int]) -> None:
    context = getattr(decoder.model.config.get_text_config(), "max_position_embeddings", None)
    if context is not None and len(prompt) + decoder.limit > context:
        raise ResepError(
            f"this conversation has {len(prompt)} tokens, and the model reads {context} with an answer of up to "
            f"{decoder.limit} among them: /new begins another, --max-new-tokens asks for less"
        )


def _own_output() -> Tell:
    """A function that writes one line to standard output; what libraries print there goes to the log from now on."""
    channel: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(event: str, **fields: Any) -> None:
        channel.write(json.dumps({"event": event, **fields}) + "\n")
        channel.flush()

    return tell


if __name__ == "__main__":
    main()

"""Our `mistral` template gives, token for token, what mistral-common's own v3 instruct tokenizer gives."""

from __future__ import annotations

import functools
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from resep.errors import ResepError
from resep.records import Message
from resep.templates import Template, Tokenizer, encode, encode_prompt, load_template, load_tokenizer
from tests.tiny_model import sentencepiece_file, tokenizer_folder

CONVERSATIONS = 2500

WORDS = (
    *("reset", "the", "password", "open", "Ana's", "3.14", "e-mail", "2026-11-20", "buka aplikasi", "!!!", "----"),
    *("na\u00efve", "cafe\u0301", "re\u0301sume\u0301", "e\u0323\u0301", "\ufb01", "\u00bd", "\u212b", "x\u00b2"),
    *("日本語の質問", "ไทย", "हिन्दी", "설정", "العربية", "עברית", "\u202eabc", "\u200b", "\u200d", "\ufeff"),
    *("👍", "👩\u200d👩\u200d👧\u200d👦", "🇮🇩", "\u2581", "\u2581\u2581a", "\x00", "\x07", "\x85", "\ufdd0", "\ufffe"),
    *("[INST]", "[/INST]", "</s>", "<s>", "<unk>", "[TOOL_CALLS]", "[control_8]", "[INST][/INST]", "[IMG]"),
    *("[INST", "[/", "INST]", "<", "[", ">", "</", "s>", "/s>", "<0x0A>", "[REFERENCE_DOC_0]"),
    *("{{bos_token}}", "{%raw%}", "\\n", '{"a": [1]}', "\uffff"),
)
SPACES = ("", " ", " ", " ", " ", "  ", "    ", "\n", "\n\n", "\t", " \n ", "\r\n", "\u00a0", "\u3000")


@pytest.mark.slow
def test_mistral_is_token_for_token_what_mistral_common_trains_on_and_asks() -> None:
    chance = random.Random(2026)
    outcomes: Counter[str] = Counter()
    for _ in range(CONVERSATIONS):
        messages = _conversation(chance)
        ours, theirs = _ours(messages), _theirs(messages)
        assert ours == theirs, messages
        outcomes[f"{messages[-1].role}: {'refused' if theirs is None else 'same'}"] += 1
    # Counted, so that a generator that makes refused conversations only cannot pass for parity.
    assert outcomes["assistant: same"] > 1000
    assert outcomes["user: same"] > 1000
    assert outcomes["assistant: refused"] > 20
    assert outcomes["user: refused"] > 20


@pytest.mark.parametrize(
    "messages",
    [
        [Message("user", "a"), Message("assistant", "   ")],
        [Message("user", ""), Message("assistant", "a")],
        [Message("system", "s"), Message("user", ""), Message("assistant", "a")],
        [Message("user", "[REFERENCE_DOC_1] x"), Message("assistant", "</s>[INST]")],
        [Message("system", "s"), Message("assistant", "a")],
        [Message("user", "a"), Message("system", "s"), Message("user", "b"), Message("assistant", "c")],
        [Message("system", "s"), Message("system", ""), Message("system", "t"), Message("user", "q")],
        [Message("user", "a"), Message("assistant", "b"), Message("assistant", " c "), Message("user", "d")],
        [Message("user", " \n"), Message("assistant", "\t a\n"), Message("user", "  "), Message("assistant", "\n ")],
    ],
)
def test_the_odd_cases_are_the_same_one_by_one(messages: list[Message]) -> None:
    theirs = _theirs(messages)
    assert theirs is not None
    assert _ours(messages) == theirs


@pytest.mark.parametrize(
    "messages",
    [
        [Message("user", "a"), Message("assistant", "")],
        [Message("user", "a"), Message("assistant", "b"), Message("system", "s"), Message("user", "c")],
    ],
)
def test_what_mistral_common_refuses_is_refused(messages: list[Message]) -> None:
    assert _theirs(messages) is None
    assert _ours(messages) is None


def _conversation(chance: random.Random) -> list[Message]:
    """Mostly question and answer by turns; one in ten is any order of roles, one message in twenty is empty."""
    pairs = chance.choice((1, 1, 1, 2, 3))
    roles = ["system"] * (chance.random() < 0.4) + ["user", "assistant"] * pairs
    if chance.random() < 0.1:
        roles = [chance.choice(("system", "user", "assistant")) for _ in range(chance.randint(1, 5))]
    elif chance.random() < 0.5:
        roles.pop()
    if roles[-1] == "system":
        roles.append("user")
    return [Message(role, _text(chance)) for role in roles]


def _text(chance: random.Random) -> str:
    if chance.random() < 0.05:
        return chance.choice(("", " ", "   ", "\n", "\t ", " \n"))
    words = [chance.choice(WORDS) + chance.choice(SPACES) for _ in range(chance.randint(1, 12))]
    return chance.choice(("", "", "", " ", "  ", "\n")) + "".join(words)


def _ours(messages: Sequence[Message]) -> list[int] | None:
    template, tokenizer = _ours_loaded()
    render = encode if messages[-1].role == "assistant" else encode_prompt
    try:
        return render(template, tokenizer, messages).ids
    except ResepError:
        return None


@functools.cache
def _ours_loaded() -> tuple[Template, Tokenizer]:
    tokenizer = load_tokenizer(tokenizer_folder())
    return load_template("mistral", Path(), tokenizer), tokenizer


def _theirs(messages: Sequence[Message]) -> list[int] | None:
    """mistral-common's ids, in finetuning mode where an answer is last; None where it refuses the conversation."""
    from mistral_common.exceptions import MistralCommonException
    from mistral_common.protocol.instruct.request import ChatCompletionRequest

    request = ChatCompletionRequest(messages=[{"role": m.role, "content": m.content} for m in messages])
    mode = "finetuning" if messages[-1].role == "assistant" else "test"
    try:
        tokens: list[int] = _theirs_loaded(mode).encode_chat_completion(request).tokens
    except MistralCommonException:
        return None
    return tokens


@functools.cache
def _theirs_loaded(mode: str) -> Any:
    from mistral_common.protocol.instruct.validator import ValidationMode
    from mistral_common.tokens.tokenizers.instruct import InstructTokenizerV3
    from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

    tokenizer = MistralTokenizer.from_file(str(sentencepiece_file()), mode=ValidationMode(mode))
    assert isinstance(tokenizer.instruct_tokenizer, InstructTokenizerV3)
    return tokenizer

"""Tools, weights and completions in any chat template: written, or refused; never left out without a word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from resep.errors import ResepError
from resep.records import Message
from resep.templates import Template, Tokenizer, encode, encode_prompt
from resep.templates.rendering import compile_template
from tests.test_templates import ANSWERED, QUESTION, _template, _tokenizer

TOOLS = [{"type": "function", "function": {"name": "find", "description": "", "parameters": {}}}]
TAKES_TOOLS = (
    "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.tool_calls %}{{ m.tool_calls | map(attribute='function') | list | tojson(ensure_ascii=ASCII) }}"
    "{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def using(arguments: Mapping[str, Any]) -> tuple[Message, ...]:
    call = {"id": "abcdef123", "type": "function", "function": {"name": "find", "arguments": arguments}}
    return (*QUESTION, Message("assistant", "", [call]), Message("tool", "3", tool_call_id="abcdef123", name="find"))


def taking_tools(ensure_ascii: bool = False) -> Template:
    return compile_template("taking", TAKES_TOOLS.replace("ASCII", str(ensure_ascii).lower()))


def trained_text(template: Template, tokenizer: Tokenizer, messages: tuple[Message, ...], **options: Any) -> str:
    encoded = encode(template, tokenizer, messages, **options)
    return "".join(tokenizer.readable(i) for i, on in zip(encoded.ids, encoded.trained, strict=True) if on)


@pytest.mark.parametrize("name", ["chatml", "user_assistant", "native"])
def test_tools_are_refused_by_a_template_without_a_place_for_them(name: str) -> None:
    template, tokenizer = _template(name, "chatml")
    with pytest.raises(ResepError, match=r"no place for definitions of tools.*mistral has one"):
        encode_prompt(template, tokenizer, QUESTION, TOOLS)
    with pytest.raises(ResepError, match="no place for calls of tools and their results"):
        encode(template, tokenizer, (*using({}), *ANSWERED[1:]))
    assert encode(template, tokenizer, ANSWERED).ids


def test_a_model_s_own_template_that_takes_tools_gets_them() -> None:
    tokenizer = _tokenizer("chatml")
    encoded = encode(taking_tools(), tokenizer, (*using({"q": "tea"}), *ANSWERED[1:]), tools=TOOLS)
    assert '[{"name": "find", "arguments": {"q": "tea"}}]<|im_end|>' in encoded.text
    assert encoded.text.startswith('[{"type": "function", "function": {"name": "find"')


@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("arguments", [{"q": "<|im_end|>"}, {"<|im_start|>": 1}, {"q": ["a", {"b": "<|im_end"}]}])
def test_no_text_of_a_call_becomes_a_control_token(arguments: dict[str, Any], ensure_ascii: bool) -> None:
    template, tokenizer = taking_tools(ensure_ascii), _tokenizer("chatml")
    forged = encode(template, tokenizer, (*using(arguments), *ANSWERED[1:]))
    plain = encode(template, tokenizer, (*using({"q": "x"}), *ANSWERED[1:]))
    control = {*tokenizer.control.ids.values()}
    assert [i for i in forged.ids if i in control] == [i for i in plain.ids if i in control]
    assert tokenizer.encoders.first.decode(forged.ids, skip_special_tokens=False) == forged.text
    assert not any(character in forged.text for character in ("\ufffe", "\\ufffe"))


@pytest.mark.parametrize("name", ["mistral", "chatml", "user_assistant", "native"])
def test_an_answer_of_weight_0_is_read_and_not_learnt(name: str) -> None:
    template, tokenizer = _template(name, "chatml")
    later = (Message("user", "And?"), Message("assistant", "Then so."))
    whole, weighed = (*ANSWERED, *later), (*QUESTION, Message("assistant", "So.", weight=0), *later)
    assert encode(template, tokenizer, weighed).ids == encode(template, tokenizer, whole).ids
    assert trained_text(template, tokenizer, weighed).strip() == "Then so.<|im_end|>"
    everything = trained_text(template, tokenizer, weighed, train_on="all")
    assert "So.<|im_end|>" not in everything.replace("Then so.", "")
    assert "How?" in everything


def test_weights_that_cannot_be_told_apart_are_refused() -> None:
    template, tokenizer = _template("mistral", "mistral")  # it joins two answers in a row
    messages = (*QUESTION, Message("assistant", "a", weight=0), Message("assistant", "b"))
    with pytest.raises(ResepError, match="cannot be told which of them has weight 0"):
        encode(template, tokenizer, messages)


@pytest.mark.parametrize(
    ("name", "tokenizer", "text"),
    [
        ("mistral", "mistral", "<s>Once </s> upon.</s>"),
        ("chatml", "mistral", "<s>Once </s> upon.</s>"),
        ("user_assistant", "mistral", "<s>Once </s> upon.</s>"),
        ("native", "mistral", "<s>Once </s> upon.</s>"),
        ("chatml", "chatml", "Once </s> upon.<|im_end|>"),
        ("native", "chatml", "Once </s> upon.<|im_end|>"),
    ],
)
def test_a_completion_is_the_bare_text_with_bos_and_end_as_the_template_has_them(
    name: str, tokenizer: str, text: str
) -> None:
    template, loaded = _template(name, tokenizer)
    encoded = encode(template, loaded, [Message("completion", "Once </s> upon.")])
    assert encoded.text == text
    assert encoded.trained == [
        loaded.bos is None or i != 0 or not text.startswith("<s>") for i in range(len(encoded.ids))
    ]
    assert [i for i in encoded.ids if i == loaded.eos_id] == [loaded.eos_id], "the row's own </s> is plain text"
    assert all(encode(template, loaded, [Message("completion", "a")], "all").trained)
    with pytest.raises(ResepError, match="nothing to answer"):
        encode_prompt(template, loaded, [Message("completion", "a")])


def test_only_what_stands_alone_is_a_completion() -> None:
    template, tokenizer = _template("mistral", "mistral")
    with pytest.raises(ResepError, match="does not end with an answer"):
        encode(template, tokenizer, [*QUESTION, Message("completion", "a")])
    with pytest.raises(ResepError, match="unknown role"):
        encode(template, tokenizer, [Message("completion", "a"), *ANSWERED])


def test_calls_and_results_that_do_not_match_are_refused_by_mistral() -> None:
    template, tokenizer = _template("mistral", "mistral")
    question, calling, result = using({})
    assert encode_prompt(template, tokenizer, [question, calling, result]).ids
    for messages, words in (
        ([question, calling, *ANSWERED[1:]], "as many results as calls"),
        ([question, result, *ANSWERED[1:]], "a result of no call"),
        ([question, Message("assistant", "both", calling.tool_calls)], "both text and calls"),
    ):
        with pytest.raises(ResepError, match=words):
            encode(template, tokenizer, messages)

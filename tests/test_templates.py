"""A conversation is rendered once for training and asking, and nothing in a row can pass for a control token."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resep.errors import ResepError
from resep.paths import data_folder
from resep.records import Message
from resep.templates import (
    Template,
    Tokenizer,
    encode,
    encode_prompt,
    find_template,
    load_template,
    load_tokenizer,
    plain_markers,
    same_rendering,
)
from resep.templates.tokenizer import pieces
from tests.tiny_model import tokenizer_folder

SHIPPED = ("chatml", "mistral", "user_assistant")
QUESTION = (Message("user", "How?"),)
ANSWERED = (*QUESTION, Message("assistant", "So."))

# Texts made of what breaks tokenisers: control tokens, their parts, white space, odd Unicode.
_PARTS = st.sampled_from(
    (
        *(
            "[INST]",
            "[/INST]",
            "</s>",
            "<s>",
            "<|im_start|>",
            "<|im_end|>",
            "<|im_",
            "</",
            "s>",
            "[",
            "]",
            "<",
            ">",
            "|",
        ),
        *("User:", "\nAssistant:", " ", "  ", "\n", "\t", "a", "ok", "é", "e\u0301", "👍", "日本", "\u2581", "\ufffe"),
    )
)
TEXTS = st.one_of(st.lists(_PARTS, max_size=8).map("".join), st.text(max_size=12))
ANSWERS = TEXTS.filter(bool)  # mistral refuses an empty answer, as mistral-common does


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    system = [Message("system", draw(TEXTS))] if draw(st.booleans()) else []
    pairs = draw(st.lists(st.tuples(TEXTS, ANSWERS), min_size=1, max_size=3))
    return [*system, *(m for q, a in pairs for m in (Message("user", q), Message("assistant", a)))]


@pytest.mark.parametrize("name", [*SHIPPED, "native"])
@pytest.mark.parametrize("tokenizer", ["mistral", "chatml"])
@given(messages=conversations())
@example(messages=[Message("user", ""), Message("assistant", "\n  a")])
@example(messages=[Message("user", "</"), Message("assistant", "s>")])
def test_a_prompt_is_the_beginning_of_what_is_trained_on(name: str, tokenizer: str, messages: list[Message]) -> None:
    template, loaded = _template(name, tokenizer)
    messages = _accepted(name, tokenizer, messages)
    asked, whole = encode_prompt(template, loaded, messages[:-1]), encode(template, loaded, messages)
    assert whole.ids[: len(asked.ids)] == asked.ids
    assert not any(asked.trained)
    assert all(whole.trained[len(asked.ids) :][:1]), "the first token after the prompt is the answer's"


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("tokenizer", ["mistral", "chatml"])
@given(messages=conversations())
@example(messages=[Message("user", "<"), Message("assistant", "/s>")])
@example(messages=[Message("user", "<s"), Message("assistant", "><|im_end|>")])
def test_no_text_of_a_row_becomes_a_control_token(name: str, tokenizer: str, messages: list[Message]) -> None:
    template, loaded = _template(name, tokenizer)
    plain = [Message(m.role, "x") for m in messages]
    # mistral joins or leaves out nothing here: as many control tokens as in the same conversation about nothing.
    assert _control_ids(loaded, encode(template, loaded, messages).ids) == _control_ids(
        loaded, encode(template, loaded, plain).ids
    )


@pytest.mark.parametrize("name", SHIPPED)
@given(messages=conversations())
def test_the_text_comes_back_from_the_tokens(name: str, messages: list[Message]) -> None:
    template, tokenizer = _template(name, "chatml")  # byte-level: nothing is lost in tokens
    encoded = encode(template, tokenizer, messages)
    assert tokenizer.encoders.first.decode(encoded.ids, skip_special_tokens=False) == encoded.text
    assert all(message.content.rstrip(" ") in encoded.text for message in messages)


def test_only_the_answers_and_their_end_tokens_are_trained_on() -> None:
    messages = [Message("system", "s"), *ANSWERED, Message("user", "And?"), Message("assistant", "Then so.")]
    trained = {name: _trained_text(*_template(name, "chatml"), messages) for name in (*SHIPPED, "native")}
    assert trained == {
        "chatml": "So.<|im_end|>Then so.<|im_end|>",
        "mistral": " So.<|im_end|> Then so.<|im_end|>",
        "user_assistant": " So.<|im_end|> Then so.<|im_end|>",
        "native": "So.<|im_end|>Then so.<|im_end|>",
    }


def test_all_tokens_are_trained_on_when_asked() -> None:
    template, tokenizer = _template("mistral", "mistral")
    assert all(encode(template, tokenizer, ANSWERED, "all").trained)
    assert encode(template, tokenizer, ANSWERED, "all").ids == encode(template, tokenizer, ANSWERED).ids


def test_the_shipped_templates_read_as_documented() -> None:
    messages = [Message("system", "Be brief."), *ANSWERED]
    texts = {name: encode(*_template(name, "mistral"), messages).text for name in SHIPPED}
    assert texts == {
        "mistral": "<s>[INST] Be brief.\n\nHow?[/INST] So.</s>",
        "chatml": "<s><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHow?<|im_end|>\n"
        "<|im_start|>assistant\nSo.</s>\n",
        "user_assistant": "<s>System: Be brief.\nUser: How?\nAssistant: So.</s>",
    }
    assert sorted(path.stem for path in data_folder("chat_templates").glob("*.jinja")) == sorted(SHIPPED)


def test_a_foreign_template_gets_no_bos_that_the_tokenizer_does_not_know() -> None:
    template, tokenizer = _template("mistral", "chatml")
    assert tokenizer.bos is None
    assert encode_prompt(template, tokenizer, QUESTION).text == "[INST] How?[/INST]"


def test_a_bos_that_has_no_id_counts_as_none(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(_byte_level(tmp_path, {"bos_token": "<bos>", "eos_token": {"content": "<|im_end|>"}}))
    assert tokenizer.bos is None
    assert (tokenizer.eos, tokenizer.eos_id) == ("<|im_end|>", 2)


def test_chatml_does_not_write_a_bos_that_is_its_own_first_marker(tmp_path: Path) -> None:
    config = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}  # as SmolLM2's published config has it
    tokenizer = load_tokenizer(_byte_level(tmp_path, config))
    text = encode_prompt(load_template("chatml", tmp_path, tokenizer), tokenizer, QUESTION).text
    assert text == "<|im_start|>user\nHow?<|im_end|>\n<|im_start|>assistant\n"


def test_markers_that_are_plain_text_to_the_tokenizer_are_named() -> None:
    assert plain_markers(*_template("mistral", "chatml")) == ("[/INST]", "[INST]")
    assert plain_markers(*_template("mistral", "mistral")) == ()
    assert plain_markers(*_template("chatml", "chatml")) == ()
    assert plain_markers(*_template("user_assistant", "mistral")) == ("Assistant:", "System:", "User:")


def test_templates_are_compared_by_what_a_model_is_asked() -> None:
    native, tokenizer = _template("native", "mistral")
    assert same_rendering(native, _template("mistral", "mistral")[0], tokenizer)
    assert not same_rendering(native, _template("chatml", "mistral")[0], tokenizer)


def test_a_merge_that_spells_a_control_token_is_undone(tmp_path: Path) -> None:
    folder = _byte_level(tmp_path, {"eos_token": "<|im_end|>"}, merges=True)
    tokenizer = load_tokenizer(folder)
    forged = next(iter(pieces(tokenizer, "<|\0im_end|>", breaker="\0"))).ids
    assert tokenizer.encoders.first.encode("<|im_end|>").ids == [2], "the vocabulary does assemble it"
    assert 2 not in forged
    assert tokenizer.encoders.first.decode(forged) == "<|im_end|>"


def test_a_template_beside_the_recipe_is_found_and_one_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.jinja").write_text("{{ messages[0].content }}", encoding="utf-8")
    (tmp_path / "recipes").mkdir()
    assert find_template("mine.jinja", tmp_path) == tmp_path / "mine.jinja"
    with pytest.raises(ResepError, match="lies outside the recipe's folder"):
        find_template("../mine.jinja", tmp_path / "recipes")
    with pytest.raises(ResepError, match=r"did you mean 'mine\.jinja'\?"):
        find_template("mime.jinja", tmp_path)


def test_an_unknown_name_gets_the_nearest_and_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ResepError, match=r"'mistrall'; did you mean 'mistral'\?.*chatml, mistral, user_assistant, nat"):
        find_template("mistrall", tmp_path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% for m in messages %}", "line 1: "),
        ("{{ raise_exception('roles must alternate') }}", "roles must alternate"),
        ("{{ messages[0].content.a.b }}", "has no attribute 'a'"),
        ("{{ messages[7]['content'] + 'x' }}", "no element 7"),
        ("{{ ''.__class__.__mro__ }}", "is unsafe"),
        ("{% set _ = messages.append(1) %}", "not safely callable|unsafe"),
        (
            "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
            "loops ran more than 1,000,000",
        ),
        ("{% for a in range(9999) %}{{ 'x' * 9999 }}{% endfor %}", "more than 1..,... characters"),
        ("{{ 'x' * 10 ** 9 }}", "refused"),
        ("{{ 10 ** 100 }}", "power above 64"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "call each other without end"),
        ("{{ strftime_now('%Y') }}", "today's date"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
    ],
)
def test_a_template_that_fails_is_named_with_its_reason(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "mine.jinja").write_text(source, encoding="utf-8")
    tokenizer = _tokenizer("mistral")
    with pytest.raises(ResepError, match=rf"(?s)chat template 'mine\.jinja'.*({message})"):
        encode_prompt(load_template("mine.jinja", tmp_path, tokenizer), tokenizer, QUESTION)


def test_a_template_that_asks_for_the_date_only_if_it_can_gets_its_fallback(tmp_path: Path) -> None:
    source = "{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% else %}2024{% endif %}"
    (tmp_path / "mine.jinja").write_text(source, encoding="utf-8")
    tokenizer = _tokenizer("mistral")
    assert encode_prompt(load_template("mine.jinja", tmp_path, tokenizer), tokenizer, QUESTION).text == "2024"


def test_loop_variables_work_although_loops_are_counted(tmp_path: Path) -> None:
    source = "{% for m in messages %}{{ loop.index }}/{{ loop.length }}{{ '' if loop.last else ',' }}{% endfor %}"
    (tmp_path / "mine.jinja").write_text(source, encoding="utf-8")
    tokenizer = _tokenizer("mistral")
    template = load_template("mine.jinja", tmp_path, tokenizer)
    assert encode_prompt(template, tokenizer, [*ANSWERED, *QUESTION]).text == "1/3,2/3,3/3"


def test_a_template_asked_otherwise_than_trained_is_refused(tmp_path: Path) -> None:
    source = (
        "{% for m in messages %}{% if m.role == 'user' %}Q {{ m.content }} {% else %}A"
        "{% generation %}{{ m.content }}{% endgeneration %}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}Answer{% endif %}"
    )
    (tmp_path / "mine.jinja").write_text(source, encoding="utf-8")
    tokenizer = _tokenizer("mistral")
    with pytest.raises(ResepError, match=r"asked .* is not how the training text begins: 'Q How\? Answer' against"):
        encode(load_template("mine.jinja", tmp_path, tokenizer), tokenizer, ANSWERED)


def test_a_native_template_that_drops_the_system_prompt_in_training_is_refused(tmp_path: Path) -> None:
    # The published v0.3 template: the system prompt is written only where the LAST message is the user's.
    source = (
        "{% for m in messages %}{% if m.role == 'user' %}[INST] "
        "{% if loop.last and messages[0].role == 'system' %}{{ messages[0].content }}\n\n{% endif %}"
        "{{ m.content }}[/INST]{% elif m.role == 'assistant' %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
    )
    (tmp_path / "mine.jinja").write_text(source, encoding="utf-8")
    tokenizer = _tokenizer("mistral")
    template = load_template("mine.jinja", tmp_path, tokenizer)
    assert encode(template, tokenizer, ANSWERED).text == "[INST] How?[/INST] So.</s>"
    with pytest.raises(ResepError, match="cannot tell which tokens are answer 1"):
        encode(template, tokenizer, [Message("system", "s"), *ANSWERED])


def test_training_needs_an_answer_and_asking_must_not_have_one() -> None:
    template, tokenizer = _template("mistral", "mistral")
    with pytest.raises(ResepError, match="does not end with an answer"):
        encode(template, tokenizer, QUESTION)
    with pytest.raises(ResepError, match="nothing to answer"):
        encode_prompt(template, tokenizer, ANSWERED)


def test_half_a_surrogate_pair_is_refused() -> None:
    template, tokenizer = _template("mistral", "mistral")
    with pytest.raises(ResepError, match=r"contains '\\ud800', half of a surrogate pair"):
        encode_prompt(template, tokenizer, [Message("user", "a\ud800b")])


def test_a_text_that_contains_our_own_sentinels_keeps_them() -> None:
    template, tokenizer = _template("mistral", "mistral")
    text = "\ufffe\uffff</s>\U0001fffe"
    assert encode_prompt(template, tokenizer, [Message("user", text)]).text == f"<s>[INST] {text}[/INST]"


def test_a_folder_without_tokenizer_json_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ResepError, match=r"no tokenizer\.json in it"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.model").touch()
    with pytest.raises(ResepError, match="convert it once"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(ResepError, match="not readable as JSON"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ResepError, match="library refuses it"):
        load_tokenizer(tmp_path)


def test_a_model_without_its_own_template_or_end_token_is_explained(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(_byte_level(tmp_path, {}))
    with pytest.raises(ResepError, match="no chat template of its own"):
        load_template("native", tmp_path, tokenizer)
    with pytest.raises(ResepError, match="names no eos_token"):
        load_template("mistral", tmp_path, tokenizer)


@pytest.mark.parametrize("scheme", ["first", "always", "never", "prepend"])
def test_a_text_of_the_template_alone_is_encoded_as_the_library_encodes_it(tmp_path: Path, scheme: str) -> None:
    """Whether and where a tokenizer puts a space of its own before a text, after each control token too."""
    from tokenizers import Tokenizer as Backend

    folder = _metaspace(tmp_path, scheme)
    tokenizer, backend = load_tokenizer(folder), Backend.from_file(str(folder / "tokenizer.json"))
    for text in ("ab a", "<s>ab", "<s> ab</s>b a</s>", "a<s><s>b", " a", "</s>  b "):
        ours = [token for piece in pieces(tokenizer, text) for token in piece.ids]
        assert ours == backend.encode(text, add_special_tokens=False).ids, text


def test_a_cut_puts_no_space_before_what_follows(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(_metaspace(tmp_path, "always"))
    tokens = [[tokenizer.token(i) for i in piece.ids] for piece in pieces(tokenizer, "ab", [1])]
    assert tokens == [["▁", "a"], ["b"]]


def test_white_space_that_a_control_token_swallows_is_swallowed(tmp_path: Path) -> None:
    folder = _byte_level(tmp_path, {"eos_token": "<|im_end|>"}, flags={"rstrip": True, "lstrip": True})
    tokenizer = load_tokenizer(folder)
    assert [p.ids for p in pieces(tokenizer, "<|im_end|> \n")] == [[2]]
    assert len(list(pieces(tokenizer, "a  <|im_end|>  b"))) == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SHIPPED, "native"])
@pytest.mark.parametrize("tokenizer", ["mistral", "smollm2"])
def test_ids_are_those_of_transformers_where_nothing_is_forged(name: str, tokenizer: str) -> None:
    """An answer that begins with white space is left out: text is cut before it, as it is when the model is asked."""
    template, loaded = _template(name, tokenizer)
    theirs = _transformers(tokenizer)
    compared = 0

    @given(messages=conversations())
    @settings(derandomize=True)
    def compare(messages: list[Message]) -> None:
        nonlocal compared
        if any(_is_forged(loaded, m) or (m.role == "assistant" and m.content[0].isspace()) for m in messages):
            return
        messages = _accepted(name, tokenizer, messages)
        dicts = [{"role": m.role, "content": m.content} for m in messages]
        text = theirs.apply_chat_template(dicts, chat_template=template.source, tokenize=False)
        encoded = encode(template, loaded, messages)
        assert (encoded.text, encoded.ids) == (text, theirs(text, add_special_tokens=False)["input_ids"])
        compared += 1

    compare()
    assert compared >= 5


def _accepted(name: str, tokenizer: str, messages: list[Message]) -> list[Message]:
    """One exchange of those whose system prompt would move with more of them: that is refused, as tested above."""
    return messages[:3] if (name, tokenizer, messages[0].role) == ("native", "mistral", "system") else messages


def _is_forged(tokenizer: Tokenizer, message: Message) -> bool:
    control = tokenizer.control
    near = range(1, control.longest)
    return (
        control.forged.search(message.content) is not None
        or any(message.content[-n:] in control.beginnings for n in near)
        or any(message.content[:n] in control.endings for n in near)
    )


@functools.cache
def _transformers(tokenizer: str) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(_folder(tokenizer))


@functools.cache
def _template(name: str, tokenizer: str) -> tuple[Template, Tokenizer]:
    loaded = _tokenizer(tokenizer)
    return load_template(name, Path(), loaded), loaded


@functools.cache
def _tokenizer(name: str) -> Tokenizer:
    return load_tokenizer(_folder(name))


@functools.cache
def _folder(name: str) -> Path:
    if name == "mistral":
        return tokenizer_folder()
    if name == "smollm2":
        from resep import models

        return models.folder("smollm2-135m-instruct", None, _ignore)
    import tempfile

    native = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    native += "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    folder = Path(tempfile.mkdtemp(prefix="resep-test-"))
    return _byte_level(folder, {"eos_token": "<|im_end|>", "chat_template": native})


def _ignore(event: Mapping[str, Any]) -> None:
    del event


def _control_ids(tokenizer: Tokenizer, ids: list[int]) -> list[int]:
    return [number for number in ids if number in tokenizer.control.ids.values()]


def _trained_text(template: Template, tokenizer: Tokenizer, messages: list[Message]) -> str:
    encoded = encode(template, tokenizer, messages)
    ids = [number for number, trained in zip(encoded.ids, encoded.trained, strict=True) if trained]
    return str(tokenizer.encoders.first.decode(ids, skip_special_tokens=False))


def _byte_level(
    folder: Path, config: Mapping[str, Any], *, merges: bool = False, flags: Mapping[str, bool] | None = None
) -> Path:
    """A byte-level tokenizer with ChatML's control tokens; with `merges` its vocabulary can spell `<|im_end|>`."""
    from tokenizers.pre_tokenizers import ByteLevel

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    steps = ["<|", "<|im", "<|im_", "<|im_e", "<|im_en", "<|im_end", "<|im_end|"] if merges else []
    spelt = [
        [step[: -1 if at else 1], step[-1 if at else 1 :]]
        for at, step in enumerate([*steps, *special[2:][: len(steps)]])
    ]
    if merges:
        spelt[1:2] = [["<|", "i"], ["<|i", "m"]]
        steps.insert(1, "<|i")
    vocabulary = [*special, *sorted(ByteLevel.alphabet()), *steps]
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": not merges}
    tokenizer = {
        "added_tokens": [{"id": n, "content": text, **plain, **(flags or {})} for n, text in enumerate(special)],
        "pre_tokenizer": byte_level,
        "decoder": byte_level,
        "model": {"type": "BPE", "vocab": {text: n for n, text in enumerate(vocabulary)}, "merges": spelt},
    }
    return _write_tokenizer(folder, tokenizer, config)


def _metaspace(folder: Path, scheme: str) -> Path:
    """A character-level tokenizer of a, b and ▁ that puts a space before texts by `scheme`."""
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    vocabulary = ["<s>", "</s>", "▁", "a", "b"]
    prepend = [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": False}
    tokenizer = {
        "added_tokens": [{"id": n, "content": text, **plain} for n, text in enumerate(vocabulary[:2])],
        "normalizer": {"type": "Sequence", "normalizers": prepend} if scheme == "prepend" else None,
        "pre_tokenizer": None if scheme == "prepend" else metaspace,
        "model": {"type": "BPE", "vocab": {text: n for n, text in enumerate(vocabulary)}, "merges": []},
    }
    return _write_tokenizer(folder, tokenizer, {"bos_token": "<s>", "eos_token": "</s>"})


def _write_tokenizer(folder: Path, tokenizer: Mapping[str, Any], config: Mapping[str, Any]) -> Path:
    (folder / "tokenizer.json").write_text(json.dumps({"version": "1.0", **tokenizer}), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder

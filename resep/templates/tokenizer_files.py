"""A model's folder -> its Tokenizer, and its own chat template where it has one."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from resep.errors import ResepError
from resep.templates.control import control_tokens
from resep.templates.tokenizer import Encoders, Tokenizer

ROLES = ("bos_token", "eos_token", "pad_token", "unk_token")


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read tokenizer.json, tokenizer_config.json, special_tokens_map.json and chat_template.jinja of a model's folder.

    Raises ResepError where there is no tokenizer.json or where a file cannot be read.
    """
    if not (folder / "tokenizer.json").is_file():
        raise ResepError(_why_no_tokenizer(folder))
    description = _read_json(folder / "tokenizer.json")
    config = {**_read_json(folder / "special_tokens_map.json"), **_read_json(folder / "tokenizer_config.json")}
    first = _backend(folder, description)
    bos, eos, pad, unk = (_known(first, config.get(role)) for role in ROLES)
    flags = _special_tokens(first, (bos, eos, pad, unk))
    ids = {text: _id(first, text) for text in flags}
    forbidden = frozenset(number for text, number in ids.items() if text != unk)
    return Tokenizer(
        bos=bos,
        eos=eos,
        pad=pad,
        unk=unk,
        control=control_tokens(ids, flags),
        chat_template=own_template(folder, config),
        encoders=_encoders(folder, description, first, ids, forbidden),
    )


def _encoders(
    folder: Path, description: Mapping[str, Any], first: Any, special: Collection[str], forbidden: frozenset[int]
) -> Encoders:
    """Most tokenizers put no space of their own before a text, and then one backend serves all three places."""
    after = _without_space(description, everywhere=False)
    inside = _without_space(description, everywhere=True)
    after_control = first if after == description else _backend(folder, after)
    within = after_control if inside == after else _backend(folder, inside)
    for backend in (first, after_control, within):
        _switch_recognition_off(backend, special)
    return Encoders(first, after_control, within, forbidden)


def _backend(folder: Path, description: Mapping[str, Any]) -> Any:
    from tokenizers import Tokenizer as Backend

    try:
        return Backend.from_str(json.dumps(description))
    except Exception as error:  # tokenizers raises no narrower one
        raise ResepError(f"{folder / 'tokenizer.json'}: the tokenizers library refuses it: {error}") from error


def _switch_recognition_off(backend: Any, special: Collection[str]) -> None:
    """Control tokens in a text become plain text, and no text is cut or padded."""
    from tokenizers import AddedToken

    backend.no_truncation()
    backend.no_padding()
    backend.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in special])
    backend.encode_special_tokens = True  # means: as plain text


def _special_tokens(backend: Any, named: Collection[str | None]) -> dict[str, Any]:
    """Control tokens: what tokenizer.json marks as special, and what the config names as bos, eos, pad or unk."""
    from tokenizers import AddedToken

    declared = {token.content: token for token in backend.get_added_tokens_decoder().values()}
    special = {text: token for text, token in declared.items() if token.special}
    for text in named:
        if text is not None and text not in special:
            special[text] = declared.get(text) or AddedToken(text, special=True, normalized=False)
    return special


def _without_space(description: Mapping[str, Any], *, everywhere: bool) -> dict[str, Any]:
    """The tokenizer's JSON without the space it puts before a text: before the first text only, or before any."""
    return {
        **description,
        "normalizer": _edited(description.get("normalizer"), everywhere),
        "pre_tokenizer": _edited(description.get("pre_tokenizer"), everywhere),
    }


def _edited(part: Any, everywhere: bool) -> Any:
    if not isinstance(part, dict):
        return part
    kind = part.get("type")
    if kind == "Sequence":
        return {k: [_edited(p, everywhere) for p in v] if isinstance(v, list) else v for k, v in part.items()}
    if kind == "Metaspace" and (everywhere or part.get("prepend_scheme") == "first"):
        return {**{k: v for k, v in part.items() if k != "add_prefix_space"}, "prepend_scheme": "never"}
    if kind == "ByteLevel" and everywhere:
        return {**part, "add_prefix_space": False}
    if kind == "Prepend" and everywhere:
        return {**part, "prepend": ""}
    return part


def _known(backend: Any, token: Any) -> str | None:
    """The text of a token as the config spells it (a string, or an object with `content`), if it has an id."""
    text = token.get("content") if isinstance(token, dict) else token
    return text if isinstance(text, str) and text and backend.token_to_id(text) is not None else None


def _id(backend: Any, text: str) -> int:
    return int(backend.token_to_id(text))


def own_template(folder: Path, config: Mapping[str, Any]) -> str | None:
    """A model's chat template: chat_template.jinja counts before the key in `config`, its tokenizer_config.json."""
    if (path := folder / "chat_template.jinja").is_file():
        return path.read_text(encoding="utf-8")
    template = config.get("chat_template")
    if isinstance(template, list):
        template = {entry["name"]: entry["template"] for entry in template}.get("default")
    return template if isinstance(template, str) else None


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ResepError(f"{path}: not readable as JSON: {error}") from error
    if not isinstance(content, dict):
        raise ResepError(f"{path}: expected a JSON object, found {type(content).__name__}")
    return content


def _why_no_tokenizer(folder: Path) -> str:
    if not folder.is_dir():
        return f"{folder}: no such folder; model.base names a model's folder, a hub id or an embedded model"
    if any(folder.glob("tokenizer.model*")):
        return (
            f"{folder}: has a sentencepiece tokenizer.model but no tokenizer.json; convert it once: "
            f"AutoTokenizer.from_pretrained(folder).save_pretrained(folder) with transformers and sentencepiece"
        )
    return f"{folder}: no tokenizer.json in it; is it the folder of a Hugging Face model?"

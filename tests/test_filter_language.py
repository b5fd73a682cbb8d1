"""The step `filter_language`, and `filter_length` in tokens."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from resep import Row, plugins
from resep.errors import ResepError
from resep.records import Origin
from resep.token_lengths import count_tokens

ENGLISH = "How do I reset the password of my account?"
INDONESIAN = "Bagaimana cara mengubah kata sandi akun saya?"
GERMAN = "Wie setze ich das Passwort meines Kontos zurück?"


def reason(name: str, prompt: str, response: Any = "ok", **options: Any) -> str | None:
    row = Row("r1", {"prompt": prompt, "response": response}, Origin("rows.jsonl", 3))
    said: str | None = plugins.open_plugin(plugins.find("preprocessing", name)).check_row(row, **options)
    return said


@pytest.mark.parametrize("text", [ENGLISH, INDONESIAN, f"[EMAIL] {ENGLISH} {{{{Nummer der Bestellung}}}}"])
def test_rows_in_the_languages_are_kept(text: str) -> None:
    assert reason("filter_language", text, languages=["en", "id"]) is None


def test_a_row_in_another_language_is_dropped_and_the_reason_says_which() -> None:
    said = reason("filter_language", GERMAN, languages=["en", "id"])
    assert said == "prompt is not in en or id: more likely in de"


def test_steps_are_judged_together_and_only_what_is_asked_for() -> None:
    steps = ["Öffnen Sie die Einstellungen.", "Wählen Sie Ihr Konto aus."]
    assert reason("filter_language", ENGLISH, steps, languages=["en"]) == "response is not in en: more likely in de"
    assert reason("filter_language", ENGLISH, steps, languages=["en"], of=["prompt"]) is None


@pytest.mark.parametrize(
    "text", ["Einstellungen", "Zurück, bitte!", "12345 67890 12345 67890 12345", "[EMAIL] " * 9, "🙂" * 30]
)
def test_what_is_too_short_to_tell_passes(text: str) -> None:
    assert reason("filter_language", text, languages=["en"]) is None


def test_confidence_can_be_asked_for() -> None:
    assert reason("filter_language", INDONESIAN, languages=["id"]) is None
    assert reason("filter_language", INDONESIAN, languages=["id"], minimum_confidence=0.99) is not None
    assert reason("filter_language", INDONESIAN, languages=["id", "ms"], minimum_confidence=0.9) is None  # Malay


@pytest.mark.parametrize(
    ("languages", "message"),
    [
        ([], "name at least one language"),
        (["eng"], "no language 'eng'; did you mean 'en'"),
        (["xx"], "known are ace, af"),
    ],
)
def test_a_language_that_is_not_known_is_told(languages: list[str], message: str) -> None:
    with pytest.raises(ResepError, match=message):
        reason("filter_language", ENGLISH, languages=languages)


def test_a_missing_package_is_said_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    module = plugins.open_plugin(plugins.find("preprocessing", "filter_language"))
    module._identifier.cache_clear()
    module._model.cache_clear()
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    with pytest.raises(ResepError, match=r"pip install 'resep\[data\]'"):
        reason("filter_language", ENGLISH, languages=["en"])


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A model's folder as far as a tokenizer goes: one token per word."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "</s>": 1, "a": 2}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["</s>"])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "</s>"}', encoding="utf-8")
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"")
    return str(tmp_path)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"minimum": 3}, None),
        ({"maximum": 3}, "prompt has 4 tokens, more than 3"),
        ({"minimum": 4}, "response has 3 tokens, fewer than 4"),
        ({"maximum": 3, "of": ["response"]}, None),
    ],
)
def test_a_text_is_measured_in_tokens_of_the_model(model: str, options: dict[str, Any], expected: str | None) -> None:
    assert reason("filter_length", "a b, c", ["a b", "c"], unit="tokens", tokenizer=model, **options) == expected


def test_a_control_token_in_a_text_is_text(model: str) -> None:
    assert count_tokens("a </s> a", model) == 5  # a, </, s, >, a


def test_the_tokenizer_is_read_once_per_process(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    count_tokens("a", model)
    monkeypatch.setattr("resep.token_lengths.load_tokenizer", None)
    assert count_tokens("a a", model) == 2


def test_without_a_model_there_are_no_tokens() -> None:
    with pytest.raises(ResepError, match="unit: tokens wants a `tokenizer`"):
        reason("filter_length", "a", unit="tokens")
    with pytest.raises(ResepError, match="did you mean smollm2-135m-instruct"):
        reason("filter_length", "a", unit="tokens", tokenizer="smollm2-135m-instrukt")


def test_to_check_a_recipe_with_these_steps_reads_no_model(tmp_path: Path) -> None:
    steps = (
        "[{filter_length: {unit: tokens, maximum: 900}}, {filter_language: {languages: [en]}}, {presidio: {model: x}}]"
    )
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "resep: 1\nname: t\nmodel: {base: smollm2-135m-instruct}\ndata: {sources: [{path: rows.jsonl}]}\n"
        f"preprocessing: {steps}\nevaluation: {{primary: exact_match, evaluators: {{exact_match: {{}}}}}}\n",
        encoding="utf-8",
    )
    code = (
        "import sys; from resep.cli import main; code = main(['check', sys.argv[1]]);"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, recipe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not {"numpy", "py3langid", "spacy", "presidio_analyzer", "tokenizers"} & {*done.stderr.split()}

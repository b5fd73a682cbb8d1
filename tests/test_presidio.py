"""The step `presidio`: names found by a spaCy model that is here; what is said where one is not."""

import importlib.util
from pathlib import Path

import pytest

from resep.detectors.names import _pieces
from resep.errors import ResepError
from resep.placeholders import hide
from resep.recipe import StepSpec
from resep.stages.prepare.text import TextFunction, private_values, text_pipeline

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the packages that spaCy is made of
IS_HERE = all(importlib.util.find_spec(name) for name in ("presidio_analyzer", "spacy"))
needs_presidio = pytest.mark.skipif(not IS_HERE, reason="pip install 'resep[presidio]' to run Presidio's own code")


def pipeline(*steps: StepSpec) -> TextFunction:
    return text_pipeline(list(steps), "prompt")


def step(**options: object) -> StepSpec:
    return StepSpec("presidio", options, ("prompt",))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A spaCy model in a folder: rules stand in for what a real one has learnt."""
    import spacy

    nlp = spacy.blank("en")
    rules = [("PERSON", "Budi Santoso"), ("PERSON", "Budi"), ("GPE", "Jakarta"), ("ORG", "Toko Maju")]
    nlp.add_pipe("entity_ruler").add_patterns([{"label": label, "pattern": text} for label, text in rules])
    folder = tmp_path_factory.mktemp("spacy") / "model"
    nlp.to_disk(folder)
    return str(folder)


def test_a_model_is_asked_for() -> None:
    with pytest.raises(ResepError, match=r"preprocessing\.presidio: model: name an installed spaCy model"):
        pipeline(step())


def test_a_missing_package_is_said_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resep.detectors.names.importlib.util.find_spec", lambda _: None)
    with pytest.raises(ResepError, match=r"presidio_analyzer is not installed here: pip install 'resep\[presidio\]'"):
        pipeline(step(model="en_core_web_sm"))


def test_a_missing_model_is_said_and_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resep.detectors.names.importlib.util.find_spec", lambda _: True)
    with pytest.raises(ResepError, match=r"'xx_no_such_model' is not installed .*python -m spacy download xx_no_such"):
        pipeline(step(model="xx_no_such_model"))


def test_a_name_reaches_into_no_placeholder() -> None:
    hidden = hide("[EMAIL]")
    text = f"Budi {hidden} Santoso {hidden}"
    assert [text[start:end] for start, end, _ in _pieces(text, 0, len(text), "PERSON")] == ["Budi", "Santoso"]


@needs_presidio
@pytest.mark.slow
def test_names_and_places_become_placeholders(model: str) -> None:
    text = "Budi Santoso of Jakarta (Toko Maju) wrote [EMAIL] to Budi."
    assert pipeline(step(model=model))(text) == "[PERSON] of [LOCATION] (Toko Maju) wrote [EMAIL] to [PERSON]."
    chosen = pipeline(step(model=model, entities=["ORGANIZATION"]))
    assert chosen(text) == "Budi Santoso of Jakarta ([ORGANIZATION]) wrote [EMAIL] to Budi."


@needs_presidio
@pytest.mark.slow
def test_names_are_numbered_and_told_like_other_values(model: str) -> None:
    clean = pipeline(StepSpec("placeholders", {}, ("prompt",)), step(model=model, numbering="row"))
    text = "Budi Santoso, a@b.co: Budi of Jakarta; Budi Santoso \ud800"
    assert clean(text) == "[PERSON_1], [EMAIL]: [PERSON_2] of [LOCATION_1]; [PERSON_1] \ud800"
    assert clean(clean(text)) == clean(text)
    values = private_values(step(model=model, numbering="row"))
    assert values is not None
    assert list(values("Budi of Jakarta")) == [("PERSON", "Budi"), ("LOCATION", "Jakarta")]


@needs_presidio
@pytest.mark.slow
def test_a_model_that_finds_no_names_is_refused(tmp_path: Path) -> None:
    import spacy

    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(ResepError, match="finds no names: it has no component `ner`"):
        pipeline(step(model=str(tmp_path / "blank")))

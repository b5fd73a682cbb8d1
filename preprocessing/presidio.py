"""Replace the names of people and places by placeholders such as [PERSON], found by Presidio on a spaCy model.

model: an installed spaCy model such as en_core_web_sm or xx_ent_wiki_sm, or a folder that holds one
entities: which of PERSON, LOCATION, ORGANIZATION, NRP (nationality, religion, politics) and DATE_TIME
numbering: none writes [PERSON]; row writes [PERSON_1], [PERSON_2]: the same name has the same number in all texts of a
  row; data: the same number in all rows

Wants `pip install 'resep[presidio]'` and a model; nothing is downloaded by itself. A model reads some hundred texts a
second and overlooks names that it has not learnt to know: the step `placeholders` is for what has a form, this one
beside it for what has none. It comes before lowercase: models know names by their capitals.
"""

from typing import Literal

from resep.detectors import Replace
from resep.detectors.names import Find, names_in
from resep.detectors.writing import writer


def make_transform(
    *,
    model: str = "",
    entities: list[Literal["PERSON", "LOCATION", "ORGANIZATION", "NRP", "DATE_TIME"]] = ["PERSON", "LOCATION"],  # noqa: B006
    numbering: Literal["none", "row", "data"] = "none",
) -> Replace:
    find, write = names_in(model, entities), writer(numbering)

    def replace(text: str) -> str:
        parts, at = [], 0
        for start, end, entity in _apart(find, text):
            parts += [text[at:start], write(entity, text[start:end])]
            at = end
        return "".join([*parts, text[at:]]) if parts else text

    return replace


def _apart(find: Find, text: str) -> list[tuple[int, int, str]]:
    """The finds, of those that overlap the first."""
    apart: list[tuple[int, int, str]] = []
    if any(map(str.isalpha, text)):
        for start, end, entity in find(text):
            if not apart or start >= apart[-1][1]:
                apart.append((start, end, entity))
    return apart

"""Keep rows whose prompt and response are in the languages that you name.

languages: codes of two letters such as en and id (three where there is no shorter one); at least one
of: which texts are judged; a conversation's prompt is all of it but the last answer
minimum_confidence: how likely it has to be that a text is in one of them, from 0 to 1

A text with fewer than 20 letters passes: nobody can tell. Placeholders and links are not read. 0.1 keeps nearly
all texts of a language, Indonesian that looks like Malay too, and few of another. 0.5 is strict: of the steps of an
English and Indonesian manual it loses a quarter to a half of those with 20 to 40 letters, where 0.1 loses 7 % at most.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, Literal

from resep import Row
from resep.errors import ResepError
from resep.row_texts import row_texts
from resep.suggest import did_you_mean, listed

SHORTEST = 20  # letters: below, every third text in the right language was taken for another one
_NOT_READ = re.compile(r"\[[A-Z][A-Z0-9_]{0,31}\]|\{\{[^{}]{1,64}\}\}|https?://\S+")

Rank = Callable[[str], list[tuple[str, float]]]  # languages with their likelihoods, the likeliest first


def check_row(
    row: Row,
    *,
    languages: list[str] = [],  # noqa: B006 - options are read from literals
    of: list[Literal["prompt", "response"]] = ["prompt", "response"],  # noqa: B006
    minimum_confidence: float = 0.1,
) -> str | None:
    rank = _identifier(tuple(languages))
    texts = row_texts(row)
    for field in of:
        text = _NOT_READ.sub(" ", texts[field])
        if sum(map(str.isalpha, text)) < SHORTEST:
            continue
        ranked = rank(text)
        if sum(likelihood for language, likelihood in ranked if language in languages) < minimum_confidence:
            return f"{field} is not in {listed(languages)}: more likely in {ranked[0][0]}"
    return None


@lru_cache(maxsize=4)
def _identifier(languages: tuple[str, ...]) -> Rank:
    """What ranks the languages of a text. Raises ResepError for a language that the model does not know."""
    model = _model()
    if not languages:
        raise ResepError("preprocessing.filter_language: name at least one language, for example languages: [en, id]")
    for language in languages:
        if language not in model.labels:
            raise ResepError(
                f"preprocessing.filter_language: no language {language!r}{did_you_mean(language, model.labels)}; "
                f"known are {', '.join(sorted(model.labels))}"
            )
    rank: Rank = model.rank
    return rank


@cache
def _model() -> Any:
    """The model of py3langid, whose weights come with the package: 0.4 s and 100 MB, once per process."""
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise ResepError(
            "preprocessing.filter_language needs the package py3langid: pip install 'resep[data]'"
        ) from error
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

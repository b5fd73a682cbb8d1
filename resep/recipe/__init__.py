"""A recipe: loaded, judged, every default filled in, or refused with everything that is wrong with it.

    text -> document (strict YAML, places) -> --set laid over -> the user's text judged by the schema, the options of
    plug-ins by their signatures -> defaults filled in -> the whole judged again -> checks across keys -> Recipe

Every problem is collected on the way, so that a person mends a recipe in one go. A Recipe is a value: stages take from
it what steers them (`pick`) and that becomes their key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resep.document import Document, read_document
from resep.errors import Problem, RecipeError, ResepError
from resep.plugins import is_shipped
from resep.plugins.source import RESERVED
from resep.recipe.checks import cross_checks
from resep.recipe.draft import Draft
from resep.recipe.named_plugins import NamedPlugins, named_plugins
from resep.recipe.overrides import overlay, typed_texts
from resep.recipe.paths import escapes
from resep.recipe.schema import recipe_schema, schema_problems, with_absent_keys, with_defaults
from resep.suggest import did_you_mean

DEFAULT_FIELDS = ("prompt", "response")


@dataclass(frozen=True)
class StepSpec:
    """One preprocessing step: all its options, and the fields of a row that it changes."""

    name: str
    options: Mapping[str, Any]
    fields: tuple[str, ...] = DEFAULT_FIELDS


@dataclass(frozen=True)
class Recipe:
    """A recipe without problems. `data` is resolved: every default is filled in, an absent optional key is None.

    `folder` is the recipe's (absolute). `foreign_plugins` are the code that came with it and that its reader has to
    trust before it runs. `typed` are the texts that `--set` brought in.
    """

    path: Path
    folder: Path
    data: Mapping[str, Any]
    warnings: tuple[Problem, ...]
    steps: tuple[StepSpec, ...]
    evaluators: Mapping[str, Mapping[str, Any]]
    foreign_plugins: tuple[Path, ...] = ()
    typed: frozenset[str] = frozenset()

    def __getitem__(self, dotted: str) -> Any:
        """The value of a key such as `training.learning_rate`. A KeyError is our bug, not the user's."""
        value: Any = self.data
        for part in dotted.split("."):
            if not isinstance(value, Mapping) or part not in value:
                raise KeyError(dotted)
            value = value[part]
        return value

    def pick(self, *dotted: str) -> dict[str, Any]:
        """`{"training.learning_rate": 0.001, ...}`: what steers a stage. A section becomes all keys below it."""
        return dict(leaf for name in dotted for leaf in _leaves(name, self[name]))

    def locate(self, path: str) -> Path:
        """The file that a path in the recipe means: relative to the recipe's folder, and below it.

        A path typed on the command line is relative to the current folder and may be anywhere.
        Raises ResepError for a path that leads out of the recipe's folder.
        """
        if path in self.typed:
            return Path.cwd() / Path(path).expanduser()
        if reason := escapes(path):
            raise ResepError(f"{self.path}: '{path}' {reason}")
        return self.folder / path


def load(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a file, with `--set` overrides. Raises RecipeError with every problem found."""
    document = _read(path)
    if not isinstance(document.data, dict):
        raise RecipeError([*document.problems, *_not_a_map(document)])
    document = overlay(document, overrides)
    folder = path.absolute().parent
    named = named_plugins(document, folder)
    draft, problems = _judge(document, named, folder)
    problems = _without_echoes([*document.problems, *named.problems, *problems])
    if any(problem.severity == "error" for problem in problems):
        raise RecipeError(problems)
    steps = tuple(_steps(draft.data["preprocessing"]))
    foreign = tuple(plugin.path for plugin in named.plugins if not is_shipped(plugin.path))
    evaluators = draft.data["evaluation"]["evaluators"]
    return Recipe(path, folder, draft.data, tuple(problems), steps, evaluators, foreign, draft.typed)


def _judge(document: Document, named: NamedPlugins, folder: Path) -> tuple[Draft, list[Problem]]:
    """The recipe with defaults filled in, and what the schema and the checks across keys have to say."""
    schema = recipe_schema(named.plugins)
    problems = schema_problems(schema, document, document.data)
    given = _with_step_maps(document.data)
    filled = with_defaults(schema, given)
    if not problems:
        problems = schema_problems(schema, document, filled)
    draft = Draft(document, given, with_absent_keys(schema, filled), named.plugins, folder, typed_texts(document))
    return draft, [*problems, *cross_checks(draft)]


def _read(path: Path) -> Document:
    """The document of a file. A file that cannot be read is a problem like any other."""
    try:
        return read_document(path.read_bytes(), str(path))
    except FileNotFoundError:
        there = [other.name for other in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        message = f"there is no such file{did_you_mean(path.name, there)}"
    except IsADirectoryError:
        message = "this is a folder; a recipe is a file"
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        message = f"the file cannot be read: {getattr(error, 'strerror', None) or error}"
    return Document(str(path), None, problems=(Problem(str(path), 0, 0, "", message),))


def _without_echoes(problems: Sequence[Problem]) -> list[Problem]:
    """Each problem once, and no warning about a value that is wrong anyway."""
    wrong = {(p.file, p.line, p.column) for p in problems if p.severity == "error"}
    return [p for p in dict.fromkeys(problems) if p.severity == "error" or (p.file, p.line, p.column) not in wrong]


def _not_a_map(document: Document) -> list[Problem]:
    """Text that could be read, but is no recipe."""
    if any(problem.severity == "error" for problem in document.problems):
        return []
    return [document.problem((), "a recipe is a map of keys; it begins with 'resep: 1'")]


def _with_step_maps(data: Mapping[str, Any]) -> dict[str, Any]:
    """A step without options (`- lowercase`) in the form of one with options, so that these can be filled in."""
    steps = data.get("preprocessing")
    if not isinstance(steps, list):
        return dict(data)
    return {**data, "preprocessing": [{step: {}} if isinstance(step, str) else step for step in steps]}


def _steps(preprocessing: Sequence[Mapping[str, Mapping[str, Any]]]) -> Iterator[StepSpec]:
    for step in preprocessing:
        for name, options in step.items():
            own = {option: value for option, value in options.items() if option != RESERVED}
            yield StepSpec(name, own, tuple(options.get(RESERVED, DEFAULT_FIELDS)))


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping) or not value:
        yield name, value
        return
    for key, inner in value.items():
        yield from _leaves(f"{name}.{key}", inner)

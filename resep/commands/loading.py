"""What commands on a recipe share: arguments, loading it, consent to code beside it, running its first stages."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resep.errors import Problem, RecipeError, ResepError
from resep.printable import printable
from resep.user_settings import user_settings

if TYPE_CHECKING:
    from resep.recipe import Recipe
    from resep.recipe.remote import Checkout, Remote
    from resep.store import Emit

_EARLY = ("prepare", "tokenise", "configure")


def recipe_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", type=Path, help="the recipe, a YAML file")
    set_argument(parser, "a value, e.g. training.learning_rate=1e-4")
    environment_argument(parser)
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="fetch what the recipe names by an address and is not on this machine yet: parents, rows",
    )


def set_argument(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--set",
        dest="overrides",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help=f"replace {what} (may be repeated)",
    )


def environment_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-env",
        metavar="NAME",
        action="append",
        default=[],
        help="let the recipe see this variable of your environment in its paths and ids (may be repeated)",
    )


def store_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store",
        type=Path,
        default=user_settings().store,
        help="where finished stages are kept (default: runs/.store, or what your own config.yaml says)",
    )
    trust_argument(parser)
    send_argument(parser)


def send_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--send-to",
        metavar="HOST[=VARIABLE]",
        action="append",
        default=[],
        help="send texts of rows to this server, with the key in this variable (remembered for the server)",
    )


def trust_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trust",
        type=Path,
        metavar="PATH",
        action="append",
        default=[],
        help="run this plug-in from beside the recipe: it is code (remembered for its exact content)",
    )


def load_recipe(args: argparse.Namespace) -> Recipe:
    """The recipe that the arguments name, its warnings printed; RecipeError if it has problems."""
    from resep.bundle.unpack import is_bundle
    from resep.recipe import load

    if is_bundle(args.recipe):
        return _load_bundle(args)
    fetch = announced_fetch if args.fetch else None
    recipe = load(args.recipe, args.overrides, environment=let_through(args.allow_env), fetch=fetch)
    refuse_or_warn(recipe.warnings)
    if args.fetch:
        _fetch_rows(recipe)
    return recipe


def run_until(args: argparse.Namespace, kind: str) -> tuple[Recipe, dict[str, Path]]:
    """The recipe that the arguments name, and the folders of its stages, reused or run up to `kind`."""
    from resep import pipeline
    from resep.hardware import detect
    from resep.store import Store, check_writable
    from resep.terminal import reporting

    recipe = load_recipe(args)
    require_trust(recipe, args.trust)
    require_agreement(recipe, args.send_to, kind)
    check_writable(args.store)
    with reporting() as emit:
        stages = pipeline.plan(recipe, detect(recipe["compute.profile"]), emit)
        return recipe, pipeline.run(stages, Store(args.store, recipe["name"]), emit, kind)


def refuse_or_warn(problems: Sequence[Problem]) -> None:
    """Print warnings; raise RecipeError where there is an error among the problems."""
    from resep.problems import format_problems, palette

    if any(problem.severity == "error" for problem in problems):
        raise RecipeError(problems)
    if problems:
        print(format_problems(problems, palette(sys.stderr)), file=sys.stderr)


def _load_bundle(args: argparse.Namespace) -> Recipe:
    """The recipe of a bundle, over data that lies under the current folder or was named with --set."""
    from resep.bundle.unpack import found_here, open_bundle, require_inputs
    from resep.recipe import load

    bundle = open_bundle(args.recipe)
    recipe = load(bundle.recipe, [*args.overrides, *found_here(bundle, args.overrides)])
    for complaint in require_inputs(bundle, recipe):
        print(f"warning: {printable(complaint)}", file=sys.stderr)
    return recipe


def let_through(names: Sequence[str]) -> dict[str, str]:
    """The variables of the environment that `--allow-env` names, with their values."""
    from resep.recipe.variables import looks_like_a_secret

    for name in names:
        if looks_like_a_secret(name):
            raise ResepError(f"--allow-env {name}: this looks like a secret, which no path, id or endpoint needs")
        if name not in os.environ:
            raise ResepError(f"--allow-env {name}: your environment has no such variable")
    return {name: os.environ[name] for name in names}


def announced_fetch(remote: Remote) -> Checkout:
    """Fetch a recipe of another repository, after saying so."""
    from resep.recipe.fetch import fetch
    from resep.recipe.remote import checkout_of

    print(f"Fetching {remote.name}; it stays in {checkout_of(remote).folder}", file=sys.stderr)
    return fetch(remote)


def _fetch_rows(recipe: Recipe) -> None:
    """Copy what the sources name by an address, after saying so."""
    from resep.sources import remote

    for address in remote.missing(recipe):
        print(f"Fetching {printable(address)}; it stays in {remote.folder_of(address)}", file=sys.stderr)
        remote.fetch(address)


def require_trust(recipe: Recipe, trusted: list[Path]) -> None:
    """Refuse to run plug-ins from beside the recipe unless the person at the keyboard said so."""
    from resep.plugins import content_hash, pin
    from resep.plugins.trust import is_trusted, trust

    for path in trusted:
        trust(path)
    pin({path: content_hash(path) for path in recipe.foreign_plugins})
    strangers = [path for path in recipe.foreign_plugins if not is_trusted(path)]
    if strangers:
        options = " ".join(f"--trust {path}" for path in strangers)
        raise ResepError(
            "this recipe brings code of its own, which runs only if you say so. Read it, then add: " + options
        )


def require_agreement(recipe: Recipe, agreed: Sequence[str], until: str | None = None) -> None:
    """Refuse to send rows to the servers that the recipe names unless the person at the keyboard said so.

    `until`: the kind of stage after which all ends. Before a training, only the steps of the data send anything.
    """
    from resep.endpoints.consent import agree, destinations, is_agreed

    for server in agreed:
        agree(server)
    asked = [each for each in destinations(recipe) if until not in _EARLY or each.asked_by.startswith("preprocessing")]
    strangers = [each for each in asked if not is_agreed(each.origin, each.variable)]
    if strangers:
        servers = ", ".join(dict.fromkeys(f"{each.origin} ({each.asked_by})" for each in strangers))
        options = " ".join(dict.fromkeys(each.option for each in strangers))
        raise ResepError(
            f"this recipe sends texts of your rows to {servers}, which happens only if you say so: add {options}"
        )


def trust_model_code(recipe: Recipe, emit: Emit) -> None:
    """Remember that the person agreed to the Python files that came with the recipe's models, and name them."""
    from resep import models
    from resep.models.foreign import agree_to_code
    from resep.pipeline import model_names

    for name, revision in model_names(recipe):
        for file in agree_to_code(models.with_code(name, revision, emit)):
            print(f"agreed to run {file}", file=sys.stderr)

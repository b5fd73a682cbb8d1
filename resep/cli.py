"""The command line: finds the command, and is the only place that turns exceptions into exit codes.

0 good; 1 a stage failed; 2 the recipe or the call is wrong; 3 our bug; 4 an `expect:` was not met; 130 interrupted.
"""

from __future__ import annotations

import argparse
import errno
import sys
import tempfile
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from resep.errors import RecipeError, ResepError, StageError
from resep.printable import printable

GOOD, FAILED, WRONG, BUG, UNMET, INTERRUPTED = 0, 1, 2, 3, 4, 130

COMMANDS = {
    "run": "prepare, train, compare and report; reuse what is done (also: resep recipe.yaml)",
    "check": "say everything that is wrong with recipes, without running anything",
    "new": "write a commented recipe to start from, with sample rows if you have none",
    "explain": "a recipe as it is understood, with the file and line behind every value; or all about one key",
    "diff": "what differs in meaning between two recipes, and which stages would run again",
    "plan": "what would run and why, what is reused, what it reads and downloads",
    "data": "what preparation makes of the rows: ledger, statistics, rows before and after each step; export",
    "preview": "prepared examples as the model sees them: text, tokens, which are trained on",
    "convert": "the training config that a recipe becomes, for its own trainer or another",
    "cancel": "end the job of a recipe that trains at a service",
    "score": "run evaluators on a file of outputs, without a recipe",
    "compare": "runs side by side, paired on the rows that they have in common",
    "verify": "hold a run against itself: scores, results and pages made again from its samples and recipe",
    "rate": "let people rate a run: write blind sheets, read filled ones back into its report",
    "predict": "answers of a run's tuned model to a file of new prompts",
    "chat": "talk to a run's model: tuned, base or both; answers come token by token",
    "bundle": "write one archive of a run that others can read and repeat",
    "list": "the recipes, steps, evaluators, converters, chat templates and runs there are",
    "schema": "print the JSON Schema of recipes",
}


def entry() -> None:
    """The console command."""
    sys.exit(main())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. A user's mistake never shows a traceback."""
    try:
        return _dispatch(list(sys.argv[1:] if arguments is None else arguments))
    except RecipeError as error:
        from resep.problems import format_problems, palette

        print(format_problems(error.problems, palette(sys.stderr)), file=sys.stderr)
        return WRONG
    except StageError as error:
        print(f"\n{error.stage} failed: {printable(error)}{_where(error.log)}", file=sys.stderr)
        if error.goes_on:
            print("What is finished is kept: once this is mended, the same command goes on from here.", file=sys.stderr)
        return FAILED
    except ResepError as error:
        print(f"error: {printable(error)}", file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        print("\nInterrupted. What is finished is kept: the same command goes on from here.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output (head, less) has left: nobody to tell
        return GOOD
    except OSError as error:
        if error.errno != errno.ENOSPC:
            return _our_bug()
        print(f"error: the disk is full ({error.filename or 'while writing'}): free some space", file=sys.stderr)
        return FAILED
    except Exception:  # noqa: BLE001 - the last line of defence: whatever it is, it is our bug
        return _our_bug()


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(_overview())
        return GOOD if arguments else WRONG
    if arguments[0] in {"-V", "--version"}:
        from resep import __version__

        print(f"resep {__version__}")
        return GOOD
    name, rest = (arguments[0], arguments[1:]) if arguments[0] in COMMANDS else ("run", arguments)
    if name == "run" and arguments[0] != "run":
        _refuse_unknown_command(arguments[0])
    command = import_module(f"resep.commands.{name}")
    parser = argparse.ArgumentParser(prog=f"resep {name}", description=command.__doc__)
    command.arguments(parser)
    try:
        parsed = parser.parse_args(rest)
    except SystemExit as stop:  # argparse has printed its own message
        return int(stop.code or 0)
    return int(command.main(parsed))


def _refuse_unknown_command(word: str) -> None:
    if word.startswith("-") or Path(word).suffix or Path(word).exists():
        return
    close = get_close_matches(word, COMMANDS, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else f"; there are: {', '.join(COMMANDS)}"
    raise ResepError(f"'{word}' is neither a command nor a recipe file{hint}")


def _overview() -> str:
    lines = [f"  {name:<9}{help_text}" for name, help_text in COMMANDS.items()]
    return "\n".join(["usage: resep COMMAND ... (resep COMMAND --help says more)", "", *lines])


def _where(log: Path | None) -> str:
    return f"\nIts log: {log}" if log else ""


def _our_bug() -> int:
    with tempfile.NamedTemporaryFile("w", prefix="resep-", suffix=".log", delete=False) as log:
        traceback.print_exc(file=log)
    print(f"This is a bug in Resep, not in your recipe. Please report it with {log.name}", file=sys.stderr)
    return BUG

"""Talk to the model of a run: what is typed goes through the recipe's steps, answers come as they are made."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from resep.commands.loading import require_trust, set_argument, trust_argument
from resep.errors import ResepError, StageError
from resep.printable import on_one_line, printable

if TYPE_CHECKING:
    from resep.chat.conversation import Manner, Turns
    from resep.chat.speaker import Said, Speaker

BOTH = ("base", "tuned")
_HELP = """  /new    forget what was said, begin another conversation
  /exit   leave (also: Ctrl-D)
  /help   this
  Ctrl-C stops an answer. What you type is in no file."""
_COMMANDS = ("/new", "/exit", "/help")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="a run's folder, NAME/ID, a recipe's name, or a folder with a resep.json")
    parser.add_argument(
        "--arm",
        default="tuned",
        help="who answers: tuned (default), base, both under each other, or another arm with the run's weights",
    )
    parser.add_argument("--max-new-tokens", type=int, metavar="N", help="longest answer (default: as in the recipe)")
    set_argument(parser, "a value of the run's recipe, e.g. generation.do_sample=true")
    trust_argument(parser)


def main(args: argparse.Namespace) -> int:
    from resep.chat.conversation import manner_of
    from resep.chat.speaker import speaking
    from resep.predicting.handed_over import open_named
    from resep.terminal import reporting

    longest = [] if args.max_new_tokens is None else [f"generation.max_new_tokens={args.max_new_tokens}"]
    with reporting() as emit:
        run = open_named(args.run, [*args.overrides, *longest], emit)
        require_trust(run.recipe, args.trust)
        arms = {name: run.arm(name, emit) for name in (BOTH if args.arm == "both" else (args.arm,))}
    manner = manner_of(run)
    _note(f"loading {run.model.identity} ...")
    with speaking(run, arms) as speaker:
        kept = "earlier turns belong to a question" if manner.keeps_turns else "each line is a question of its own"
        _note(f"loaded in {speaker.loading_s:.1f} s; {kept}; /help says more, Ctrl-D ends")
        return _talk(speaker, manner, dict.fromkeys(arms, ()))


def _talk(speaker: Speaker, manner: Manner, earlier: dict[str, Turns]) -> int:
    """Answer line after line. Returns 2 where nobody looks on and a line could not be asked."""
    refused = False
    for typed in _lines():
        word = typed.strip()
        if word == "/exit":
            break
        if word == "/new":
            earlier = dict.fromkeys(earlier, ())
        elif word == "/help":
            _note(_HELP, indent="")
        elif word.startswith("/") and word[1:].isalpha():
            _note(f"there is no {on_one_line(word)}; there are {', '.join(_COMMANDS)}")
        elif word:
            try:
                earlier = _answer_all(speaker, manner, earlier, typed)
            except StageError:
                raise
            except ResepError as error:
                _note(printable(error))
                refused = True
    return 2 if refused and not _is_watched() else 0


def _answer_all(speaker: Speaker, manner: Manner, earlier: dict[str, Turns], typed: str) -> dict[str, Turns]:
    """Let every arm answer; returns the turns that the next question follows."""
    from resep.chat.conversation import asked, continued

    seen = {arm: asked(manner, turns, typed) for arm, turns in earlier.items()}
    first = next(iter(seen.values()))[-1].content
    if first != typed:
        _note(f"asked as: {on_one_line(first)}")
    after = {}
    for arm, messages in seen.items():
        if len(seen) > 1:
            print(f"{arm}:")
        said = _say(speaker, arm, messages)
        after[arm] = continued(manner, earlier[arm], typed, said.text)
    return after


def _say(speaker: Speaker, arm: str, messages: Turns) -> Said:
    try:
        said = _show(speaker.answer(arm, messages))
    except KeyboardInterrupt:
        if not _is_watched():
            raise
        said = _show(speaker.interrupt())
    print("\n", flush=True)
    _note(_numbers(said))
    return said


def _show(pieces: Iterator[str | Said]) -> Said:
    for piece in pieces:
        if not isinstance(piece, str):
            return piece
        print(printable(piece), end="", flush=True)
    raise AssertionError("an answer ends with how it ended")


def _numbers(said: Said) -> str:
    how = {"length": ", cut at --max-new-tokens", "interrupted": ", stopped"}.get(said.finish_reason, "")
    if said.first_s is None:
        return f"no token in {said.seconds:.2f} s{how}"
    rest = said.seconds - said.first_s
    rate = f", then {(said.tokens - 1) / rest:.0f} tokens a second" if said.tokens > 1 and rest > 0 else ""
    return f"first token after {said.first_s:.2f} s{rate}, {said.tokens} tokens{how}"


def _lines() -> Iterator[str]:
    """What is typed, line by line, until it ends; Ctrl-C at the prompt takes back the line."""
    if not _is_watched():
        yield from _piped()
        return
    import readline  # noqa: F401 - editing and an earlier line, in this process alone

    while True:
        try:
            yield input("> ")
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print("\n  (Ctrl-D ends)", file=sys.stderr)


def _piped() -> Iterator[str]:
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise ResepError(f"line {number} is not UTF-8 (byte {error.start + 1} of the line)") from error


def _is_watched() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _note(text: str, indent: str = "  ") -> None:
    """For the person, beside the answers: these alone go to standard output."""
    print(f"{indent}{text}", file=sys.stderr, flush=True)

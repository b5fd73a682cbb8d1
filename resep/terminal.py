"""What a run shows: a line per stage with its reason and time, a moving line while it works, warnings as they come."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from resep.printable import on_one_line, printable
from resep.store import Emit

_LINE_EVERY_S = 15.0  # without a terminal (a log file, CI) a moving line becomes a line now and then


@contextmanager
def reporting() -> Iterator[Emit]:
    """A function that shows events (see store.Emit) on standard error for as long as the block lasts."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    progress = Progress(
        TextColumn("  {task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with progress:
        yield _Screen(console, progress).show


class _Screen:
    """The state of what is shown: the stage that runs, its bar, and when a line was last printed."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self.console, self.progress = console, progress
        self.reasons: dict[str, Mapping[str, Any]] = {}
        self.bar: TaskID | None = None
        self.started = self.printed = time.monotonic()
        self.note = ""

    def show(self, event: Mapping[str, Any]) -> None:
        handler = getattr(self, f"_on_{event['event']}", None)
        if handler:
            handler(event)

    def _on_stage(self, event: Mapping[str, Any]) -> None:
        self.reasons[event["name"]] = event
        if not event["reuse"]:
            self.console.print(f"[bold]{_plain(event['name'])}[/bold]  [dim]{_plain(event['reason'])}[/dim]")
        self.started = time.monotonic()

    def _on_finished(self, event: Mapping[str, Any]) -> None:
        self._clear()
        if self.reasons[event["name"]]["reuse"]:
            self.console.print(f"{_plain(event['name'])}  [dim]reuse[/dim]")
            return
        now = time.monotonic()
        self.console.print(f"{_plain(event['name'])}  [green]done[/green] in {now - self.started:.1f} s{self.note}")
        self.started, self.note = now, ""

    def _on_progress(self, event: Mapping[str, Any]) -> None:
        unit = _plain(event.get("message") or f"{event.get('task', '')} {event.get('unit', '')}".strip())
        note = _plain(event.get("note", "")) + self.note
        if self.bar is None:
            self.bar = self.progress.add_task(unit, total=event.get("total"), note="")
        self.progress.update(self.bar, completed=event["done"], total=event.get("total"), description=unit, note=note)
        self._print_now_and_then(f"  {event['done']}/{event.get('total', '?')} {unit}{note}")

    def _on_metric(self, event: Mapping[str, Any]) -> None:
        if (loss := event.get("loss")) is not None:
            self.note = f" · loss {loss:.3f}"

    def _on_note(self, event: Mapping[str, Any]) -> None:
        self.console.print(f"  {escape(printable(event['message']))}")

    def _on_warning(self, event: Mapping[str, Any]) -> None:
        self.console.print(f"  [yellow]warning:[/yellow] {escape(printable(event['message']))}")

    def _print_now_and_then(self, line: str) -> None:
        now = time.monotonic()
        if not self.console.is_terminal and now - self.printed >= _LINE_EVERY_S:
            self.printed = now
            self.console.print(line)

    def _clear(self) -> None:
        if self.bar is not None:
            self.progress.remove_task(self.bar)
            self.bar = None


def _plain(text: object) -> str:
    """A text of the recipe or of a child process: rich reads [bold] in it as it is written, a terminal no escapes."""
    return escape(on_one_line(text))

"""Write one archive of a run for other people: recipe, lock, report, results, configs; `resep run` repeats it."""

from __future__ import annotations

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="the folder of a run, or the name of a recipe for its newest run")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the archive (default: NAME-RUN.tar.gz here)")
    parser.add_argument("--adapter", action="store_true", help="with the trained adapter")
    parser.add_argument(
        "--samples",
        action="store_true",
        help="with every test row, its outputs and scores (as the recipe's steps left the rows)",
    )
    parser.add_argument(
        "--allow",
        metavar="KIND",
        action="append",
        default=[],
        choices=("email", "phone", "card", "ip", "secret", "path"),
        help="let this kind of private data pass: email, phone, card, ip, secret or path (may be repeated)",
    )


def main(args: argparse.Namespace) -> int:
    from resep.bundle.pack import pack
    from resep.run_folder import find_run

    run = find_run(str(args.run))
    out = args.out or Path(f"{run.parent.name}-{run.name}.tar.gz")
    names = pack(run, out, samples=args.samples, adapter=args.adapter, allowed=args.allow)
    print(f"{out}: {out.stat().st_size:,} bytes, {len(names)} files")
    print("\n".join(f"  {name}" for name in names))
    print(_note(args.samples))
    return 0


def _note(samples: bool) -> str:
    rows = "every test row" if samples else "some test rows, in the report"
    return f"It holds {rows}, as the recipe's steps left them, and no training row, log, or path of this machine."

"""`python -m resep` is the command `resep`."""

from resep.cli import entry

entry()

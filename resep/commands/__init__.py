"""The commands, one file each: `arguments(parser)` declares them, `main(args)` does the work and returns the exit code.

Printing happens here and in `terminal`; nowhere else.
"""

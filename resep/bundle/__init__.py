"""One archive of a run that another person can read and repeat: no rows to train on, no path, no secret, no log.

pack.py chooses and writes the files, private.py looks through them, unpack.py opens an archive of a stranger.
"""

"""Rows that differ from each other, chosen among many: the step `sample` where it is more than drawing lots.

What a row is: character n-grams of three to five letters, hashed, so that no language needs a list of its words. They
are weighed by how rare they are and brought down to 64 dimensions, each row of length 1. (To scale every dimension
alike, as is usual for other data, blows up rare n-grams until nearly all rows fall into one cluster.) All of it is
fitted on a part of the rows and applied to all in a stream: a file of vectors grows with the rows, memory hardly does.

What needs scikit-learn runs in a child (`worker.py`); the runner's process imports `child.py` alone.
"""

"""A rehearsal: a recipe through every stage of its own in under a minute, before a GPU is paid for.

Its own data, steps, split, template, converter, trainer, decoding, evaluators and report; a tiny random model of the
same architecture, a few rows, two optimiser steps, answers of a few tokens. Nothing is downloaded, nobody is asked.

    recipe -> stand_ins   what stands in for its models and encoders      families, shrinking, tiny_model (make_model)
           -> rehearsal   what is laid over it, as `--set` would do it     data, training, arms, evaluators
           -> rehearse    the recipe with that, and few rows, is run       running

A rehearsal is a list of overrides, so that `resep explain --rehearse` shows what of the recipe it is not. Its numbers
mean nothing, and its report says so.
"""

from resep.rehearsal.data import few_rows, require_rows
from resep.rehearsal.planning import make_stand_ins, rehearsal_of, stand_ins_of
from resep.rehearsal.records import Change, Note, Rehearsal, StandIns
from resep.rehearsal.running import Means, Rehearsed, rehearse

__all__ = [
    "Change",
    "Means",
    "Note",
    "Rehearsal",
    "Rehearsed",
    "StandIns",
    "few_rows",
    "make_stand_ins",
    "rehearsal_of",
    "rehearse",
    "require_rows",
    "stand_ins_of",
]

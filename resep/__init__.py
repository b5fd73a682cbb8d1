"""Resep: one YAML recipe, one command, one verdict. What plug-ins import stands here and nowhere else."""

from resep.context import Context, Encoder, LanguageModel, Likelihood, NotAvailable, PrivateData
from resep.judging import Digests, Judgement
from resep.placeholders import hide, reveal
from resep.records import Example, Message, Metric, Row, Sample, Score
from resep.steps import parse_steps, render_steps, target_steps, target_text

__version__ = "0.1.0"

__all__ = [
    "Context",
    "Digests",
    "Encoder",
    "Example",
    "Judgement",
    "LanguageModel",
    "Likelihood",
    "Message",
    "Metric",
    "NotAvailable",
    "PrivateData",
    "Row",
    "Sample",
    "Score",
    "hide",
    "parse_steps",
    "render_steps",
    "reveal",
    "target_steps",
    "target_text",
]

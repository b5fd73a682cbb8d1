"""BERTScore (Zhang et al. 2020), number for number that of the bert-score library, at a fraction of its cost.

rows.py       the door: pairs of texts as they come, and an evaluator's settings (settings.py) -> scores
encoder.py    texts -> tokens -> one vector per token, from one layer of an encoder (layers.py cuts it there)
matching.py   the vectors of two texts -> precision, recall, F1; thousands of pairs at once
scoring.py    every distinct text embedded once, in windows (windows.py), so that memory does not grow with the rows
cache.py      the vectors of references, kept on disk for other arms, runs and sweeps
weights.py    how much a token counts: all the same, or by inverse document frequency
published.py  what the library ships as data: baselines for rescaling, the layer it recommends for an encoder

Everything that the library decides (which layer, which tokens, [CLS] and [SEP] seen but not counted) is decided the
same way here. What it leaves to chance (the order of a set, the batch that a text falls into) does not reach the score:
in a pair that is the longest of its batch, a token whose every cosine is negative lowers the library's score, in any
other it counts 0; here it always counts 0.
"""

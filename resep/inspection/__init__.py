"""What `resep data` shows of prepared rows.

account.py       statistics.json as lines: the ledger that closes, steps, splits, what was found
trace.py         rows through the steps, one by one, as the engine runs them; choice.py: which rows
masking.py       personal data hidden from whoever looks over a shoulder
shown_rows.py    traced rows as lines, with what changed marked (changes.py)
export.py        the prepared rows as one file; arrow.py: their explicit schema
"""

"""New training rows from old ones, written by another model: a server's, or one on this machine.

    wishes     which rows get how many children, the rare classes first            (wishes.py)
    questions  what the model is asked, and how strictly its answer is read        (forms.py)
    answers    from a server or a local model, from disk where known               (asking.py, local.py, worker.py)
    refusals   children that lost a placeholder, or say what a row says already    (refusals.py, nearness.py)

making.py has the order of these; the step is preprocessing/augment.py. The same answers make the same rows.
"""

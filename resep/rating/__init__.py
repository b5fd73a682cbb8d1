"""People as raters of a finished run: blind sheets out, filled sheets in, and what they say.

    run        what a run folder holds of use here                                     (run.py)
    choice     which rows are rated: every kind of row, by lot within it               (choice.py)
    key        which side is whose, kept apart from the sheets                         (key.py)
    sheet      the CSV sheets and their instructions                                   (sheet.py)
    filled     filled sheets, checked cell by cell                                     (filled.py)
    store      ratings.json of a run: what each rater said, and the summary            (store.py)
    summary    means, differences, preference, agreement among raters                  (summary.py, alpha.py)
    agreement  how well each automatic metric agrees with the people                   (agreement.py)

results.json is never touched: the report reads ratings.json beside it.
"""

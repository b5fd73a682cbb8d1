"""A language model as a judge of answers: rubric scores from 1 to 5, and which of two answers is better.

    settings    the options of the evaluator, what may be wrong with them, which metrics they lead to  (settings.py)
    prompts     what the judge is asked; answers are quoted as data that cannot leave its place        (prompts.py)
    reading     a bare number or letter, or it does not count; expected scores over log-probabilities  (reading.py)
    asking      from a server or a local model, from disk where known, once more where unreadable      (asking.py)
    scoring     the questions of all rows and arms, and the Scores that their answers make             (scoring.py)
    findings    what a reader must know of a judge: position, length, cost                             (findings.py)

A judge that cannot be asked gives no score. The evaluator is evaluators/judge.py.
"""

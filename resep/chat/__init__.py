"""Talking to a run's model: what is typed goes the way of the recipe's rows, what is answered comes token by token.

    conversation.py   what the model is to see of what was typed, and what becomes of it afterwards
    speaker.py        the runner's side: a child process that holds the model, asked and stopped through pipes
    worker.py         the child: loads the weights once, answers aloud
    pieces.py         tokens -> the text that can be shown already

What a person types, and what they are answered, stands in pipes and in memory, never in a file.
"""

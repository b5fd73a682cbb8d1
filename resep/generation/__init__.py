"""A model on this machine that answers: for the stage `generate`, a judge, a writer of new rows.

loading.py     the weights of an arm, adapters on them (child processes only)
decoding.py    token prompts -> answers, in batches; processors.py: penalties and sampling, the same in every batch
quick.py       sooner on a CPU, the same tokens
asked.py       requests as a server would get them -> answers kept on disk, by a child process
"""

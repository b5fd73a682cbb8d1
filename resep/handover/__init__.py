"""What was trained, made complete for someone else: how to load it, how to ask it, what is known of it.

tokenizer.py   the tokenizer's files and the chat template that the training used, without a path of this machine
asking.py      resep.json: the text steps and settings by which `chat` and `predict` ask it, from its folder alone
card.py        README.md: a model card in the form of the Hugging Face hub, from results.json and the recipe
folders.py     all of it laid into the folders of a run: adapter/ and model/
"""

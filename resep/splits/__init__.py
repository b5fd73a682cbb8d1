"""How rows are shared out to training, validation and test. Pure: columns of all rows in, a split for each row out.

keys      what decides a row's side: its prompt or its group, hashed to a position in [0, 1)
moments   what decides it by time: a date or a number, sortable
given     what decides it where the data says so: a field of the row, or the file that it stands in
rule      what a recipe's section `split` asks for
place     all rows at once, as arrays: positions -> splits
classes   shares of classes: every class in every split, or every class by its exact share
timeline  the newest rows are the test rows
limits    at most so many rows of a split
"""

SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)  # their codes

# Why a row is in no split, by its code.
BEYOND_LIMIT, UNTESTABLE = -1, -2
LEFT_OUT = {BEYOND_LIMIT: "beyond split.max_rows", UNTESTABLE: "a test row that asks nothing"}

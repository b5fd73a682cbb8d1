"""Run a recipe from a clone: `python runner.py recipe.yaml` (the same as the installed command `resep`).

A map of the code, in the order in which a run passes through it:

    resep/cli.py              finds the command; turns errors into exit codes
    resep/commands/           one file per command: run, check, plan, preview, convert, score, list, schema
    resep/recipe.py           the recipe: strict YAML (document.py) checked against schemas/recipe.schema.json
    resep/pipeline.py         the whole pipeline on one screen: which stages a recipe has, and how they are run
    resep/store.py            run a stage or reuse it: keys, locks, commits, reasons
    resep/stages/             prepare, tokenise, configure, train, generate, evaluate, report
    resep/templates.py        a conversation -> tokens, and which of them are trained on; one renderer for all
    resep/process.py          heavy stages run in child processes (events.py is the child's side)
    resep/statistics.py       is the tuned model better? paired differences, intervals, a verdict

What recipes name, one file each, open to additions:

    preprocessing/ converters/ evaluators/ chat_templates/ recipes/
"""

from resep.cli import entry

if __name__ == "__main__":
    entry()

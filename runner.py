"""Run a recipe from a clone: `python runner.py recipe.yaml` (the same as the installed command `resep`).

A map of the code, roughly in the order in which a run passes through it:

    resep/cli.py              finds the command; turns errors into exit codes
    resep/commands/           one file per command: run, check, new, explain, diff, plan, preview, convert, score, list
    resep/document/           strict YAML: text -> data, and a place for every node
    resep/recipe/             the recipe: a document judged by schemas/recipe.schema.json, defaults filled in
    resep/pipeline.py         the whole pipeline on one screen: which stages a recipe has, and how they are run
    resep/explanation.py      what a key means and leads to (influence.py); comparison.py, ripple.py: two recipes
    resep/preflight/          what data and model say against a recipe, before anything is trained
    resep/store.py            run a stage or reuse it: keys, locks, commits, reasons
    resep/sources/            files, patterns, addresses, the hub -> raw rows, each with its place
    resep/formats/            rows of any format -> our fields -> a conversation; one file per format
    resep/stages/             prepare, tokenise, configure, train, merge, generate, evaluate, report
    resep/detectors/          what finds personal data in a text
    resep/joined.py           many texts as one, for calls that cost more to make than to carry out
    resep/splits/             training, validation, test: by hash, class, group or time, or as the data says
    resep/similarity/         how alike texts are: duplicates, test rows in training, leakage between splits
    resep/diversity/          rows that differ from each other, chosen among many (drawing.py: by lot, and quotas)
    resep/models/             a model's name -> a folder: embedded, local, or from the hub
    resep/templates/          a conversation -> tokens, and which of them are trained on; one renderer for all
    resep/generation/         a model on this machine that answers: loading, decoding, asked in a child process
    resep/predicting/         new prompts for the model of a finished run (predictions.py: its answers side by side)
    resep/handover/           what was trained, complete for someone else: model card, tokenizer, how it is asked
    resep/chat/               talking to a run's model, token by token
    resep/bundle/             one archive of a run for others: packed, looked through for private data, unpacked
    resep/trainers/           what a trainer decides: its stages tokenise, configure and train, and what is foreseen
    resep/hosted/             training at a service with the fine-tuning API of OpenAI: sent, followed, cancelled
    resep/endpoints/          servers with the API of OpenAI: the only HTTP client, and to whom rows may be sent
    resep/augmentation/       new training rows from old ones, written by another model
    resep/judging_answers/    a language model as a judge: what it is asked, how strictly its answers are read
    resep/rating/             people as raters: blind sheets out, filled sheets in, what they say (rubric.py: criteria)
    resep/process.py          heavy stages run in child processes (events.py is the child's side)
    resep/bertscore/          BERTScore as bert-score defines it, sooner (encoding/: text encoders, opened and fed)
    resep/statistics/         is the tuned model better? paired differences, intervals, a verdict
    resep/rehearsal/          --rehearse: a recipe through all of this in under a minute, with a tiny random model
    resep/run_folder.py       a finished run: compared with others (run_comparison/), recomputed (verification/)

What recipes name, one file each, open to additions (resep/plugins/ finds and opens them):

    preprocessing/ converters/ evaluators/ chat_templates/

and evaluation/, the general texts that the evaluator `forgetting` asks of every arm.
"""

from resep.cli import entry

if __name__ == "__main__":
    entry()

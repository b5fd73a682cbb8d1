"""Training at a service with OpenAI's fine-tuning API (`training.trainer: openai`): rows out, a model's name back.

    service.py      which service a recipe names, and the model there; None where this machine trains
    counting.py     tokens of a conversation: counted with tiktoken where its files are here, else estimated
    formatting.py   the stage `tokenise`: prepared rows -> what is uploaded, checked row by row, and counted
    foreseen.py     tokens and price in words, before anything is sent
    training.py     the stage `train`: upload, start once, follow, note what came of it
    jobs.py         a job found again, or started, and never twice
    following.py    status, events and losses as they come, through dropped connections
    curve.py        events -> training.jsonl and summary.json
    client.py       the official client, opened so that rows go nowhere but to the service; its errors in words

What steers a job is rendered by converters/openai.py. Base and tuned answer through resep/endpoints, as any server.
"""

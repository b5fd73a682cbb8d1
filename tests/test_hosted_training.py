"""One job for one training: sent once, found again, followed through everything that breaks, and ended when asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from resep.endpoints.consent import agree
from resep.errors import ResepError
from resep.hosted import training
from resep.hosted.service import FINE_TUNED, fine_tuned
from resep.preflight import after_tokenise  # noqa: F401  (imported here, not while a test runs)
from resep.recipe import Recipe, load
from resep.store import Task
from tests import fine_tuning_server
from tests.fine_tuning_server import BASE, KEY, Fault, Service, tuning
from tests.hosted import HOSTED
from tests.recipe_texts import write_recipe

pytest.importorskip("openai", reason="the extra openai is not installed")

ROWS = '{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}\n'


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr("resep.hosted.following._FIRST_WAIT_S", 0.001)
    monkeypatch.setattr("resep.hosted.following._LONGEST_WAIT_S", 0.001)
    monkeypatch.setattr("resep.hosted.jobs._WAITS_S", (0.001, 0.001))
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)


@pytest.fixture
def service() -> Iterator[Service]:
    with tuning() as service:
        yield service


class Training:
    """A stage `train` about to run in a folder, as the store runs it."""

    def __init__(self, folder: Path, service: Service, *overrides: str) -> None:
        self.events: list[Any] = []
        self.recipe: Recipe = load(
            write_recipe(folder, HOSTED),
            [f"training.openai.endpoint={service.url}", "compute.price_per_million_tokens=5", *overrides],
        )
        self.inputs = {"tokenise": folder / "tokenise", "configure": folder / "configure"}
        for place in self.inputs.values():
            place.mkdir(exist_ok=True)
        for split in ("train", "validation"):
            (folder / "tokenise" / f"{split}.jsonl").write_text(ROWS * 12, encoding="utf-8")
        counted = {"rows": 12, "tokens": 120, "trained_tokens": 60, "quantiles": {"tokens": {"50": 10, "max": 10}}}
        splits = dict.fromkeys(("train", "validation", "test"), counted)
        lengths = {split: {"tokens": {"10": len(split)}} for split in splits}
        found = {"splits": splits, "sequence_len": {}, "overflow": [], "counted_by": "estimate", "rule": "a rule"}
        (folder / "tokenise" / "statistics.json").write_text(json.dumps(found), encoding="utf-8")
        (folder / "tokenise" / "lengths.json").write_text(json.dumps(lengths), encoding="utf-8")
        job = {
            **{"model": BASE, "training_file": "train.jsonl", "validation_file": "validation.jsonl", "seed": 1},
            **{"method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}}, "suffix": "s"},
        }
        (folder / "configure" / "job.json").write_text(json.dumps(job), encoding="utf-8")
        self.out = folder / "abc123.partial"

    def run(self) -> Path:
        from resep.hosted.service import service_of

        named = service_of(self.recipe)
        assert named is not None
        stage = training.stage(self.recipe, named)
        self.out.mkdir(exist_ok=True)
        list(stage.run([Task("train", stage.config, self.inputs, self.out)], self.events.append))
        return self.out

    @property
    def said(self) -> list[str]:
        return [event["message"] for event in self.events if "message" in event]


def test_rows_are_sent_a_job_is_started_and_followed_and_its_model_is_noted(tmp_path: Path, service: Service) -> None:
    trained = Training(tmp_path, service)
    out = trained.run()
    assert service.files == {"file-1": (ROWS * 12).encode(), "file-2": (ROWS * 12).encode()}
    job = service.job().shown
    assert (job["training_file"], job["validation_file"], job["metadata"]) == ("file-1", "file-2", {"resep": "abc123"})
    assert fine_tuned(out) == f"ft:{BASE}:me:s:1"
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["steps"], summary["planned_steps"], summary["trained_tokens"]) == (6, 6, 1234)
    assert summary["hyperparameters"] == {"n_epochs": 2, "batch_size": 2, "learning_rate_multiplier": 1.8}
    assert summary["checkpoints"] == [{"step": 6, "model": f"ft:{BASE}:me:s:1:ckpt", "eval_loss": 2.4}]
    records = [json.loads(line) for line in (out / "training.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [1, 2, 3, 4, 5, 6]
    assert records[-1] == {"step": 6, "epoch": 2.0, "loss": 2.0, "eval_loss": 2.4}


def test_what_is_sent_and_what_it_costs_is_said_before(tmp_path: Path, service: Service) -> None:
    trained = Training(tmp_path, service)
    trained.run()
    said = trained.said
    assert said[0] == f"to {service.url.removesuffix('/v1')}: 12 train and 12 validation rows, for a job on {BASE}"
    assert "about 120 tokens" in said[1]
    assert said[3].startswith("price: less than 0.01 for training, at 5 per million tokens")
    assert said[4].startswith("train.jsonl is there as file-1")


def test_status_events_losses_and_the_services_choices_are_told_as_they_come(tmp_path: Path, service: Service) -> None:
    trained = Training(tmp_path, service)
    trained.run()
    states = [said for said in trained.said if said.startswith("ftjob-1: ")]
    assert states == [f"ftjob-1: {state}" for state in ("validating_files", "queued", "running", "succeeded")]
    assert "trained with n_epochs 2, batch_size 2, learning_rate_multiplier 1.8" in trained.said
    assert trained.said.count("The job has successfully completed") == 1
    losses = [event["loss"] for event in trained.events if event["event"] == "metric"]
    assert losses == sorted(losses, reverse=True)
    assert [event["done"] for event in trained.events if event["event"] == "progress"] == [1, 2, 3, 4, 5, 6]


def test_a_training_that_was_killed_while_following_finds_its_job_and_tells_no_event_twice(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Training(tmp_path, service)
    looks = iter(range(4))

    def killed(self: Any, job_id: str) -> Any:
        if next(looks) == 3:
            raise SystemExit
        return look(self, job_id)

    from resep.hosted.following import Follower

    look = Follower._look
    monkeypatch.setattr(Follower, "_look", killed)
    with pytest.raises(SystemExit):
        first.run()
    monkeypatch.setattr(Follower, "_look", look)
    with (first.out / "events.jsonl").open("a") as file:
        file.write('{"id": "half a li')
    second = Training(tmp_path, service)
    second.run()
    assert len(service.jobs) == len(service.files) - 1 == 1
    assert "no other job is started" in second.said[0]
    told = [*first.said, *second.said]
    assert told.count("Created fine-tuning job: ftjob-1") == 1
    assert len((second.out / "training.jsonl").read_text().splitlines()) == 6


def test_a_job_whose_id_was_never_noted_is_found_by_its_mark(tmp_path: Path, service: Service) -> None:
    Training(tmp_path, service).run()
    (tmp_path / "abc123.partial" / "notes.json").unlink()
    again = Training(tmp_path, service)
    again.run()
    assert len(service.jobs) == 1
    assert "(succeeded): no other job is started" in again.said[0]


def test_a_service_that_does_not_filter_is_looked_through(tmp_path: Path, service: Service) -> None:
    service.filters = False
    Training(tmp_path, service).run()
    for number in range(7):  # more than a page of other jobs, newer than ours
        shown = {**service.jobs["ftjob-1"].shown, "id": f"other-{number}", "metadata": {"resep": "another"}}
        service.jobs[f"other-{number}"] = type(service.jobs["ftjob-1"])(shown, ["succeeded"])
    (tmp_path / "abc123.partial" / "notes.json").unlink()
    Training(tmp_path, service).run()
    assert len(service.jobs) == 8


@pytest.mark.parametrize("fault", [Fault(500, late=True), Fault(is_dropped=True, late=True)])
def test_a_start_whose_answer_was_lost_is_looked_for_before_it_is_repeated(
    tmp_path: Path, service: Service, fault: Fault
) -> None:
    service.faults = {"POST /fine_tuning/jobs": [fault]}
    Training(tmp_path, service).run()
    assert len(service.jobs) == 1
    assert service.requests.count("POST /fine_tuning/jobs") == 1


@pytest.mark.parametrize("fault", [Fault(500), Fault(429), Fault(is_dropped=True)])
def test_a_start_that_did_not_arrive_is_repeated(tmp_path: Path, service: Service, fault: Fault) -> None:
    service.faults = {"POST /fine_tuning/jobs": [fault]}
    Training(tmp_path, service).run()
    assert len(service.jobs) == 1
    assert service.requests.count("POST /fine_tuning/jobs") == 2


def test_files_are_sent_once_although_the_start_failed_the_first_time(tmp_path: Path, service: Service) -> None:
    service.faults = {"POST /fine_tuning/jobs": [Fault(500)] * 3}
    with pytest.raises(ResepError, match=r"the job was not started: .* has a fault of its own"):
        Training(tmp_path, service).run()
    Training(tmp_path, service).run()
    assert len(service.files) == 2


def test_a_file_that_is_gone_there_is_sent_again(tmp_path: Path, service: Service) -> None:
    service.faults = {"POST /fine_tuning/jobs": [Fault(403)]}
    with pytest.raises(ResepError, match="does not allow this"):
        Training(tmp_path, service).run()
    del service.files["file-1"]
    service.files["kept"] = b""
    Training(tmp_path, service).run()
    assert service.job().shown["training_file"] in service.files


@pytest.mark.parametrize("fault", [Fault(500), Fault(429), Fault(503), Fault(is_dropped=True)])
def test_a_broken_connection_while_following_breaks_nothing(tmp_path: Path, service: Service, fault: Fault) -> None:
    service.faults = {r"GET /fine_tuning/jobs/.*": [None, fault, fault, fault, None, None, fault]}
    trained = Training(tmp_path, service)
    trained.run()
    assert [said for said in trained.said if said.endswith("trying on, the job goes on there")]
    assert len((trained.out / "training.jsonl").read_text().splitlines()) == 6


def test_a_service_that_is_started_anew_while_a_job_is_followed_breaks_nothing(tmp_path: Path) -> None:
    with tuning(states=("running",) * 1000) as service:
        trained = Training(tmp_path, service)
        run = threading.Thread(target=trained.run)
        run.start()
        while "GET /fine_tuning/jobs/ftjob-1/events" not in service.requests:
            time.sleep(0.001)
    while not [said for said in trained.said if said.endswith("trying on, the job goes on there")]:
        time.sleep(0.001)
    service.job().states = ["running", "succeeded"]
    with tuning(port=urlsplit(service.url).port or 0, service=service):
        run.join()
    assert fine_tuned(trained.out)
    assert len(service.jobs) == 1


def test_a_page_where_json_should_be_is_a_fault_and_no_answer(tmp_path: Path, service: Service) -> None:
    page = Fault(page="<html>log in</html>")
    service.faults = {"GET /fine_tuning/jobs": [page] * 3}
    with pytest.raises(ResepError, match=r"looked through: .* is hidden behind a page"):
        Training(tmp_path, service).run()
    service.faults = {"POST /.*": [page] * 3, r"GET /fine_tuning/jobs/ftjob-1.*": [page] * 5}
    with pytest.raises(ResepError, match=r"train.jsonl was not sent: .* is hidden behind a page"):
        Training(tmp_path, service).run()
    trained = Training(tmp_path, service)
    trained.run()
    assert len(service.jobs) == 1


def test_events_without_an_id_are_told_once(tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    say = fine_tuning_server._say

    def nameless(job: Any, *what: Any) -> None:
        say(job, *what)
        job.events[-1] = {**job.events[-1], "id": None, "level": None}

    monkeypatch.setattr("tests.fine_tuning_server._say", nameless)
    monkeypatch.setattr("tests.fine_tuning_server._PAGE", 100)  # pages are turned by the id
    trained = Training(tmp_path, service)
    trained.run()
    assert trained.said.count("The job has successfully completed") == 1
    assert len((trained.out / "training.jsonl").read_text().splitlines()) == 6


def test_a_service_that_stays_away_ends_the_run_and_not_the_job(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resep.hosted.following._PATIENCE_S", 0.0)
    service.faults = {r"GET /fine_tuning/jobs/ftjob-1": [Fault(500)] * 99}
    with pytest.raises(ResepError, match=r"cannot be followed: .* the same command follows it again"):
        Training(tmp_path, service).run()
    service.faults = {}
    assert fine_tuned(Training(tmp_path, service).run())
    assert len(service.jobs) == 1


def test_a_job_that_fails_its_validation_is_told_as_the_service_told_it(tmp_path: Path, service: Service) -> None:
    service.states = ("validating_files", "failed")
    service.failure = {"code": "invalid_training_file", "param": "training_file", "message": "line 3 is \x1b[31mbad"}
    with pytest.raises(ResepError) as refused:
        Training(tmp_path, service).run()
    assert "ftjob-1 failed" in str(refused.value)
    assert "(invalid_training_file, training_file): line 3 is" in str(refused.value)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize("ending", ["failed", "cancelled"])
def test_after_a_lost_job_the_next_run_starts_another(tmp_path: Path, service: Service, ending: str) -> None:
    service.states = ("running", ending)
    with pytest.raises(ResepError, match=ending):
        Training(tmp_path, service).run()
    service.states = ("running", "succeeded")
    Training(tmp_path, service).run()
    assert len(service.jobs) == 2


def test_a_job_that_made_no_model_is_no_success(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(service: Service, job: Any) -> None:  # noqa: ARG001
        job.shown["status"] = "succeeded"

    monkeypatch.setattr("tests.fine_tuning_server._go_on", end)
    with pytest.raises(ResepError, match="names no model that it made"):
        Training(tmp_path, service).run()


def test_an_interruption_asks_nothing_of_the_service_and_says_how_to_cancel(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Any, job_id: str) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    monkeypatch.setattr("resep.hosted.following.Follower._look", interrupted)
    trained = Training(tmp_path, service)
    with pytest.raises(KeyboardInterrupt):
        trained.run()
    assert "ftjob-1 goes on at" in trained.said[-1]
    assert f"`resep cancel {trained.recipe.path}` ends it" in trained.said[-1]
    assert not [request for request in service.requests if request.endswith("/cancel")]


def test_a_wrong_key_is_told_and_never_repeated(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
    with pytest.raises(ResepError) as refused:
        Training(tmp_path, service).run()
    assert "does not accept the key in OPENAI_API_KEY" in str(refused.value)
    assert "invalid_api_key" in str(refused.value)
    assert not service.files


def test_an_upload_that_is_refused_is_told_by_its_codes_alone(tmp_path: Path, service: Service) -> None:
    error = {"message": 'line 1: {"content": "secret"}', "code": "invalid_file", "type": "a secret sentence"}
    service.faults = {"POST /files": [Fault(400, error=error)]}
    with pytest.raises(ResepError) as refused:
        Training(tmp_path, service).run()
    assert "train.jsonl was not sent" in str(refused.value)
    assert "(400, invalid_file)" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_rows_follow_no_redirect_to_another_server(tmp_path: Path, service: Service) -> None:
    with tuning() as other:
        service.faults = {"POST /files": [Fault(307, location=f"{other.url}/files")]}
        with pytest.raises(ResepError, match="sends requests on to another address"):
            Training(tmp_path, service).run()
        assert not other.requests


def test_nothing_is_sent_to_a_service_that_was_not_agreed_to(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another person"))
    agree(service.url)  # to the server, but to no key
    with pytest.raises(ResepError, match=r"--send-to http://127.0.0.1:.*=OPENAI_API_KEY"):
        Training(tmp_path, service).run()
    assert not service.requests


def test_another_service_gets_no_header_that_is_for_openai(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-mine")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Secret: one\nAuthorization: Bearer two")
    Training(tmp_path, service).run()
    sent = json.dumps(service.headers)
    assert not [word for word in ("org-mine", "proj-mine", "sk-admin", 'one"', "two") if word in sent]


def test_the_address_of_the_clients_own_environment_is_not_used(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    Training(tmp_path, service).run()
    assert len(service.jobs) == 1


def test_rows_for_this_machine_go_through_no_proxy(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    Training(tmp_path, service).run()
    assert len(service.jobs) == 1


def test_a_service_without_checkpoints_is_no_failure(tmp_path: Path, service: Service) -> None:
    service.faults = {r".*/checkpoints": [Fault(404)]}
    out = Training(tmp_path, service).run()
    assert json.loads((out / "summary.json").read_text())["checkpoints"] is None


def test_a_run_without_a_models_name_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ResepError, match=f"{FINE_TUNED}, which names the tuned model"):
        fine_tuned(tmp_path)

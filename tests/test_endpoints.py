"""The HTTP client against a small server: order, patience, failures that teach, and nothing of a row in any message."""

from __future__ import annotations

import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate
from pathlib import Path

import pytest

from resep.address import read_address
from resep.endpoints import Answer, ChatRequest, Endpoint, EndpointError, complete, model_names, open_answers
from resep.endpoints.connection import Reply
from resep.endpoints.consent import agree
from resep.endpoints.judging import judge
from resep.endpoints.records import read_answer
from resep.records import Message
from tests.endpoint_server import Body, Fault, serving

SECRET = "siti.aminah@example.org"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEP_CACHE", str(tmp_path / "cache"))


def request(text: str = SECRET, **options: object) -> ChatRequest:
    return ChatRequest((Message("user", text),), {"temperature": 0, **options})


def echo(body: Body) -> str:
    return str(body["messages"][-1]["content"])


def failure(endpoint: Endpoint, requests: int = 1) -> str:
    with pytest.raises(EndpointError) as error:
        list(complete(endpoint, [request(f"{SECRET} {n}") for n in range(requests)]))
    assert SECRET not in str(error.value)
    return str(error.value)


# What is asked and answered


def test_an_answer_brings_its_text_its_tokens_and_the_servers_name_for_the_model() -> None:
    with serving("Open it.") as server:
        (answer,) = complete(server.endpoint(), [request("How do I begin?", seed=7)])
    assert answer == Answer("Open it.", "stop", None, 4, 2, "tiny-2026")
    assert server.asked == [
        {
            "model": "tiny",
            "messages": [{"role": "user", "content": "How do I begin?"}],
            "temperature": 0,
            "seed": 7,
        }
    ]


def test_answers_come_in_the_order_of_the_requests() -> None:
    def say(body: Body) -> str:
        time.sleep(0.02 if int(echo(body)) % 5 == 0 else 0)
        return echo(body)

    with serving(say) as server:
        answers = complete(server.endpoint(), [request(str(n)) for n in range(60)], concurrency=16)
        assert [answer.text for answer in answers] == [str(n) for n in range(60)]


def test_no_more_requests_are_on_their_way_than_were_allowed() -> None:
    with serving(delay_s=0.005) as server:
        list(complete(server.endpoint(), [request(str(n)) for n in range(60)], concurrency=6))
    assert server.most_at_once == 6
    assert server.connections == 6  # kept open from request to request


def test_requests_are_drawn_as_they_are_needed() -> None:
    drawn = []

    def requests() -> Iterator[ChatRequest]:
        for n in range(10_000):
            drawn.append(n)
            yield request(str(n))

    with serving() as server:
        answers = complete(server.endpoint(), requests(), concurrency=2)
        next(answers)
        answers.close()  # type: ignore[attr-defined]
    assert len(drawn) < 100


@pytest.mark.parametrize("text", ["Gürtel 你好 \U0001f600", 'a "b" \\ \n\t', "", "\ud83d"])
def test_any_text_travels_unharmed(text: str) -> None:
    with serving(echo) as server:
        (answer,) = complete(server.endpoint(), [request(text)])
    assert answer.text == text


def test_log_probabilities_are_read_in_both_spellings() -> None:
    plain = ChatRequest(prompt="One two", options={"logprobs": 1})
    with serving("Good. Bad.") as server:
        chat, text = complete(server.endpoint(), [request(logprobs=True, top_logprobs=2), plain])
    assert chat.logprobs is not None
    assert [token.text for token in chat.logprobs] == ["Good.", "Bad."]
    assert chat.logprobs[0].top == {"Good.": -0.1, "Bad.": -2.5}
    assert text.logprobs is not None
    assert [(token.text, token.logprob) for token in text.logprobs] == [("Bad.", -0.5)]


def test_tokens_that_the_server_does_not_count_are_not_zero() -> None:
    with serving(reports_usage=False) as server:
        (answer,) = complete(server.endpoint(), [request()])
    assert answer.prompt_tokens is None
    assert answer.output_tokens is None


@pytest.mark.parametrize(
    "body",
    [None, [], {}, "text", {"choices": []}, {"choices": [{"message": {"content": 5}}]}, {"choices": [{}]}, 7],
)
def test_what_is_no_completion_is_no_answer(body: object) -> None:
    assert read_answer(body) is None


def test_the_older_name_of_an_option_is_given_up_where_the_server_wants_the_newer() -> None:
    refusal = {"type": "invalid_request_error", "code": "unsupported_parameter", "param": "max_tokens"}
    with serving(faults=[Fault(400, error=refusal)]) as server:
        answers = complete(server.endpoint(), [request(max_tokens=5), request(max_tokens=6)], concurrency=1)
        assert [answer.error for answer in answers] == [None, None]
    assert [sorted(body)[0] for body in server.asked] == ["max_tokens", *["max_completion_tokens"] * 2]


# The wire


GOOD = b'{"choices": [{"message": {"content": "Good."}}]}'


@contextmanager
def replying(raw: bytes) -> Iterator[Endpoint]:
    """A server that sends these bytes to whoever asks, and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        asked = b""
                        while not asked.endswith(b"}"):  # closed with something unread, it would be reset instead
                            asked += connection.recv(1 << 16)
                        connection.sendall(raw)

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        agree(url)
        yield Endpoint(url, "tiny", tries=1, first_wait_s=0.001)
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.0 200 OK\r\n\r\n" + GOOD,
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + GOOD,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD),
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD,
    ],
)
def test_every_form_of_http_is_understood(raw: bytes) -> None:
    with replying(raw) as endpoint:
        (answer,) = complete(endpoint, [request()])
    assert answer.text == "Good."


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "none of HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", "broke off"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 300 + b"\r\n", "none of HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b" " * 9000, "longer than"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "not the JSON of a completion"),
        (b"", "without an answer"),
    ],
)
def test_what_is_no_answer_on_the_wire_is_told(raw: bytes, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resep.endpoints.connection._MOST_BYTES", 8000)
    with replying(raw) as endpoint:
        (answer,) = complete(endpoint, [request()])
    assert told in (answer.error or "")


def test_a_proxy_of_the_environment_is_used_for_other_machines_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    agree("http://models.example:8000")
    endpoint = Endpoint("http://models.example:8000/v1", "tiny", first_wait_s=0.001)
    with serving() as server, serving() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("http://", "http://me:word@").removesuffix("/v1"))
        monkeypatch.delenv("no_proxy", raising=False)
        assert next(complete(endpoint, [request()])).text == "Good."
        assert next(complete(server.endpoint(), [request()])).text == "Good."
    assert proxy.paths == ["http://models.example:8000/v1/chat/completions"]
    assert proxy.headers[0]["Proxy-Authorization"] == "Basic bWU6d29yZA=="
    assert server.paths == ["/v1/chat/completions"]
    assert "Proxy-Authorization" not in server.headers[0]


# Patience


PASSING = [
    Fault(429),
    Fault(500),
    Fault(503, retry_after="0"),
    Fault(is_dropped=True),
    Fault(raw=b"<html>"),
    Fault(raw=b'{"choices": [', promised=100),
    Fault(raw=b"\xff\xfe"),
    Fault(raw=b"[" * 100_000),
]


@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_what_passes_is_tried_again(fault: Fault) -> None:
    with serving(faults=[fault, fault]) as server:
        (answer,) = complete(server.endpoint(), [request()])
    assert (answer.text, answer.tries) == ("Good.", 3)


def test_a_storm_of_failures_loses_nothing() -> None:
    storm = [None, *(PASSING * 5)]
    with serving(echo, faults=storm) as server:
        answers = complete(server.endpoint(tries=40), [request(str(n)) for n in range(80)], concurrency=8)
        assert [answer.text for answer in answers] == [str(n) for n in range(80)]
    assert len(server.asked) == 80 + len(storm) - 1


def test_the_time_that_a_server_asks_for_is_given_by_every_request() -> None:
    with serving(faults=[Fault(429, retry_after="0.1")]) as server:
        list(complete(server.endpoint(), [request(str(n)) for n in range(3)], concurrency=1))
    first, second = server.times[:2]
    assert second - first >= 0.1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2),
        ({"retry-after": "20", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_the_time_that_a_server_asks_for_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert judge(Reply(429, headers, None), Endpoint("https://host", "tiny")).wait_s == seconds


def test_a_date_is_a_time_from_now_on() -> None:
    later = formatdate(time.time() + 100, usegmt=True)
    wait_s = judge(Reply(503, {"retry-after": later}, None), Endpoint("https://host", "tiny")).wait_s
    assert wait_s is not None
    assert 90 < wait_s <= 100


def test_a_server_that_asks_for_more_time_than_there_is_ends_it() -> None:
    with serving(faults=[Fault(429, retry_after="86400")] * 9) as server:
        said = failure(server.endpoint(), 9)
    assert "it answered 429" in said


def test_a_request_that_never_succeeds_is_told_as_its_own_failure() -> None:
    with serving(faults=[None, Fault(500), Fault(500), None]) as server:
        first, second, third = complete(server.endpoint(tries=2), [request(str(n)) for n in range(3)], concurrency=1)
    assert (first.error, third.error) == (None, None)
    assert second.error == "tried 2 times: it answered 500"


def test_a_refused_request_is_not_repeated_and_does_not_end_the_others() -> None:
    too_long = {"type": "invalid_request_error", "code": "context_length_exceeded", "message": SECRET}
    with serving(faults=[None, *[Fault(400, error=too_long)] * 4]) as server:
        answers = list(complete(server.endpoint(), [request(f"{SECRET} {n}") for n in range(6)], concurrency=1))
    assert [answer.error is None for answer in answers] == [True, *[False] * 4, True]
    told = "tried once: it refused the request (400: invalid_request_error, context_length_exceeded)"
    assert answers[1].error == told


def test_a_slow_server_is_given_up_and_asked_again() -> None:
    def say(body: Body) -> str:
        if not body["messages"][0]["content"]:
            time.sleep(0.4)
        return "late"

    with serving(say) as server:
        answers = list(complete(server.endpoint(timeout_s=0.1, tries=2), [request("x"), request("")], concurrency=1))
    assert answers[0].text == "late"
    assert answers[1].error == "tried 2 times: no whole answer came within 0.1 seconds"


def test_an_interruption_breaks_off_what_is_under_way() -> None:
    with serving(delay_s=30) as server:
        answers = complete(server.endpoint(), [request(str(n)) for n in range(4)], concurrency=4)
        here = threading.get_ident()

        def interrupt() -> None:
            while server.at_once < 4:  # all are under way: whoever asked is waiting
                time.sleep(0.01)
            signal.pthread_kill(here, signal.SIGINT)

        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            next(answers)
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("resep-endpoint")]


# Servers that cannot be used


def test_a_wrong_key_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-wrong")
    with serving(key="sk-right") as server:
        agree(f"{server.url}=MY_KEY")
        said = failure(server.endpoint(api_key_env="MY_KEY"))
    assert said.endswith("it does not accept the key in MY_KEY (401): set a valid one")
    assert len(server.asked) == 1


def test_the_right_key_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", " sk-right\n")
    with serving(key="sk-right") as server:
        agree(f"{server.url}=MY_KEY")
        assert next(complete(server.endpoint(api_key_env="MY_KEY"), [request()])).error is None


def test_a_server_that_wants_a_key_says_how_to_name_one() -> None:
    with serving(key="sk-right") as server:
        assert "with api_key_env" in failure(server.endpoint())


@pytest.mark.parametrize(("value", "told"), [(None, "export MY_KEY=..."), ("a\nb", "is no key"), ("ключ", "is no key")])
def test_a_key_that_is_none_is_told_before_anything_is_sent(
    value: str | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    if value:
        monkeypatch.setenv("MY_KEY", value)
    with serving() as server:
        agree(f"{server.url}=MY_KEY")
        assert told in failure(server.endpoint(api_key_env="MY_KEY"))
    assert not server.asked


def test_a_model_that_is_not_there_is_told_with_the_nearest() -> None:
    with serving(models=("qwen-2.5-7b", "llama-3")) as server:
        assert failure(server.endpoint(model="qwen-2.5-7B-it")).endswith("did you mean 'qwen-2.5-7b'?")
        assert failure(server.endpoint(model="gpt")).endswith("; it has qwen-2.5-7b, llama-3")
        assert model_names(server.endpoint()) == ["qwen-2.5-7b", "llama-3"]


def test_an_address_without_its_end_is_told() -> None:
    with serving() as server:
        endpoint = server.endpoint()
        said = failure(Endpoint(endpoint.url.removesuffix("/v1"), "tiny", first_wait_s=0.001))
    assert said.endswith("it lists no models there: an address usually ends in /v1")


def test_a_server_that_is_not_running_is_told_at_once() -> None:
    with serving() as server:
        endpoint = server.endpoint()
    assert "nothing listens at 127.0.0.1" in failure(endpoint)


def test_a_host_that_nobody_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    agree("https://api.nowhere.example")
    said = failure(Endpoint("https://api.nowhere.example/v1", "tiny", first_wait_s=0.001))
    assert "no host 'api.nowhere.example' is known here" in said


def test_a_host_that_cannot_be_one_is_told() -> None:
    url = f"http://{'a' * 70}.example"
    agree(url)
    assert "is known here" in failure(Endpoint(url, "tiny", first_wait_s=0.001))


def test_a_server_without_tls_is_told() -> None:
    with serving() as server:
        url = server.url.replace("http://", "https://")
        agree(url)
        assert "it does not speak TLS there" in failure(Endpoint(url, "tiny", first_wait_s=0.001))


def test_no_redirect_is_followed() -> None:
    with serving() as other, serving(faults=[Fault(307, location=f"{other.url}/chat/completions")]) as server:
        assert "sends requests on to another address (307)" in failure(server.endpoint())
    assert not other.asked


def test_an_account_without_money_is_not_asked_again() -> None:
    spent = {"type": "insufficient_quota", "code": "insufficient_quota", "message": SECRET}
    with serving(faults=[Fault(429, error=spent)]) as server:
        assert "nothing left to spend (429: insufficient_quota)" in failure(server.endpoint(), 5)
    assert len(server.asked) < 5 + 3  # one may have been sent again because its connection was closed


def test_a_server_that_dies_ends_the_call_and_what_was_answered_is_kept() -> None:
    requests = [request(str(n)) for n in range(12)]
    with serving(echo, dies_after=7) as server:
        endpoint = server.endpoint(tries=2)
        with pytest.raises(EndpointError, match=r"3 requests in a row failed.*closed the connection without an answer"):
            list(complete(endpoint, requests, concurrency=1, answers=open_answers({"for": "test"})))
        assert len(open_answers({"for": "test"})) == 7
        server.dies_after = None
        again = list(complete(endpoint, requests, concurrency=4, answers=open_answers({"for": "test"})))
    assert [answer.text for answer in again] == [str(n) for n in range(12)]
    assert [answer.cached for answer in again] == [True] * 7 + [False] * 5


def test_a_request_that_fails_in_our_own_code_is_not_swallowed() -> None:
    with serving() as server, pytest.raises(TypeError):
        list(complete(server.endpoint(), [request(stop=object())]))


# Answers on disk


def test_what_was_answered_is_not_asked_again() -> None:
    requests = [request("one"), request("two"), request("one", seed=1)]
    with serving(echo) as server:
        for _ in range(2):
            answers = list(complete(server.endpoint(), requests, answers=open_answers({"at": server.url})))
            assert [answer.text for answer in answers] == ["one", "two", "one"]
    assert len(server.asked) == 3
    assert all(answer.cached for answer in answers)
    assert len(open_answers({"at": "elsewhere"})) == 0


def test_log_probabilities_survive_the_disk() -> None:
    with serving() as server:
        for _ in range(2):
            (answer,) = complete(server.endpoint(), [request(logprobs=True)], answers=open_answers({}))
    assert answer.cached
    assert answer.logprobs is not None
    assert answer.logprobs[0].logprob == -0.1


def test_answers_are_for_their_owner_alone(tmp_path: Path) -> None:
    with serving(echo) as server:
        list(complete(server.endpoint(), [request()], answers=open_answers({})))
    (file,) = (tmp_path / "cache" / "answers").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_line_torn_by_a_kill_costs_that_line_alone() -> None:
    with serving(echo) as server:
        list(complete(server.endpoint(), [request("a"), request("b")], concurrency=1, answers=open_answers({})))
        path = open_answers({}).path
        path.write_bytes(path.read_bytes()[:-20])
        assert len(open_answers({})) == 1
        list(complete(server.endpoint(), [request("a"), request("b")], concurrency=1, answers=open_answers({})))
    assert len(server.asked) == 3
    assert len(open_answers({})) == 2


def test_a_kill_loses_what_was_on_its_way_and_nothing_else() -> None:
    code = (
        "import sys; from resep.endpoints import *; from resep.records import Message;"
        "asked = (ChatRequest((Message('user', str(n)),)) for n in range(1000));"
        "list(complete(Endpoint(sys.argv[1], 'tiny'), asked, concurrency=2, answers=open_answers({})))"
    )
    with serving(echo, delay_s=0.01) as server:
        killed = subprocess.Popen([sys.executable, "-c", code, server.url], cwd=Path(__file__).parent.parent)
        while server.answered < 10 and killed.poll() is None:
            time.sleep(0.005)
        killed.kill()
        killed.wait()
        kept = open_answers({})
        assert 10 - 2 <= len(kept) < 1000
        known = [ChatRequest((Message("user", str(n)),)) for n in range(1000)]
        again = list(complete(server.endpoint(), known[: len(kept)], answers=kept))
    assert sum(answer.cached for answer in again) >= len(kept) - 2


def test_failures_are_not_kept() -> None:
    with serving(faults=[None, Fault(400)]) as server:
        list(complete(server.endpoint(), [request("a"), request("b")], concurrency=1, answers=open_answers({})))
    assert len(open_answers({})) == 1


# Addresses


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com", "/v1"),
        ("https://API.openai.com:443/v1/", "https://api.openai.com", "/v1"),
        ("http://localhost:8000/v1/chat/completions", "http://localhost:8000", "/v1"),
        ("http://[::1]:8000", "http://[::1]:8000", ""),
    ],
)
def test_an_address_has_an_origin_and_a_path(url: str, origin: str, path: str) -> None:
    address = read_address(url)
    assert (address.origin, address.path) == (origin, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.openai.com",
        "ftp://host/v1",
        "file:///etc/passwd",
        "https://user:word@host/v1",
        "https://host/v1?key=word",
        "https://host/#",
        "https:///v1",
        "https://ho st/v1",
        "https://host:0/v1",
        "https://host:99999/v1",
        "https://host/v1\r\nX: y",
        "https://-host/",
        "https://host/../x y",
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"address|passwords") as error:
        read_address(url)
    assert "word@" not in str(error.value)

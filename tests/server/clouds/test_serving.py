"""What every cloud shares: the port, the clock, the faults that are ordered, the calls counted."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.wire import Answered, Asked, Left
from tunectl.server.clouds.world import Fault, World


class Echo:
    """Answers what it was asked, and remembers that it was."""

    name = "echo"

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def answer(self, asked: Asked) -> Answered:
        self.asked.append(asked)
        if asked.path == "/stream":
            return Answered(200, pieces=[b"raz", b"dwa", "żółw".encode()])
        if asked.path == "/nothing":
            return Answered(204)
        return Answered.of({"body": asked.body.decode(), "q": asked.param("q")}, x_more="tak")

    def refusal(self, status: int, message: str) -> Answered:
        return Answered.of({"error": message}, status)

    def left(self) -> Iterator[Left]:
        return iter(())


@pytest.fixture
def world():
    return World(step=10.0)


@pytest.fixture
def echo():
    return Echo()


@pytest.fixture
def line(world, echo):
    with serving(echo, world) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        yield connection
        connection.close()


def ask(line, path="/", method="GET", body=None, **headers):
    line.request(method, path, body=body, headers=headers)
    answer = line.getresponse()
    return answer.status, answer.read().decode(), dict(answer.getheaders())


def test_what_is_asked_arrives_whole_and_the_connection_stays(line, echo, world):
    status, body, headers = ask(line, "/a%2Fb?q=%C5%BC&q=2", "POST", "żółw".encode())
    assert (status, body) == (200, '{"body":"żółw","q":"ż"}')
    assert headers["x-more"] == "tak"
    assert echo.asked[0].path == "/a%2Fb"
    assert ask(line, "/nothing")[:2] == (204, "")
    assert ask(line, "/", "HEAD")[1] == ""
    assert [(c.cloud, c.method, c.status) for c in world.calls] == [
        ("echo", "POST", 200),
        ("echo", "GET", 204),
        ("echo", "HEAD", 200),
    ]


def test_a_body_in_chunks_is_put_together(line):
    pieces = iter([b"raz,", b"dwa,", b"trzy"])
    assert '"raz,dwa,trzy"' in ask(line, "/", "PUT", pieces)[1]


def test_a_stream_comes_to_its_end(line):
    assert ask(line, "/stream")[1] == "razdważółw"


def test_each_request_moves_the_clock_on(line, world):
    before = world.now()
    ask(line)
    ask(line)
    assert 20 <= (world.now() - before).total_seconds() < 25
    world.pass_time(3600)
    assert (world.now() - before).total_seconds() > 3600


def test_a_status_that_is_ordered_is_answered_in_the_clouds_shape_and_nothing_is_done(
    line, echo, world
):
    world.faults.append(
        Fault("status", method="POST", status=429, message="wolniej", headers={"Retry-After": "7"})
    )
    assert ask(line)[0] == 200
    status, body, headers = ask(line, "/", "POST", b"x")
    assert (status, body, headers["retry-after"]) == (429, '{"error":"wolniej"}', "7")
    assert [asked.method for asked in echo.asked] == ["GET"]
    assert ask(line, "/", "POST", b"x")[0] == 200
    assert [call.status for call in world.calls] == [200, 429, 200]


@pytest.mark.parametrize(("how", "after"), [("reset", False), ("reset", True), ("lost", True)])
def test_a_connection_that_ends_tells_nothing_of_what_was_done(line, echo, world, how, after):
    world.faults.append(Fault(how, method="POST", after=after))
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        ask(line, "/", "POST", b"x")
    assert len(echo.asked) == int(after)
    assert world.calls[-1].status == 0


def test_half_an_answer_breaks_off(line, echo, world):
    world.faults.append(Fault("half"))
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        ask(line)
    assert len(echo.asked) == 1


def test_a_fault_strikes_where_it_was_ordered_and_so_often(line, world):
    fault = Fault(
        "status", path="/jobs$", skip=1, times=2, where=lambda asked: asked.param("q") == "1"
    )
    world.faults.append(fault)
    paths = ["/jobs", "/jobs?q=1", "/files?q=1", "/jobs?q=1", "/jobs?q=1", "/jobs?q=1"]
    assert [ask(line, path)[0] for path in paths] == [200, 200, 200, 503, 503, 200]
    assert fault.times == 0


def test_a_fault_nobody_would_notice_is_refused():
    with pytest.raises(ValueError, match="no such fault: `flood`"):
        Fault("flood")


def test_a_slow_answer_comes(line, world):
    world.faults.append(Fault("slow", seconds=0.05))
    assert ask(line)[0] == 200
    assert world.faults[0].times == 0

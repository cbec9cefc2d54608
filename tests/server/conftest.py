import threading

import openai
import pytest

from tests.server.served import Server


@pytest.fixture(scope="package")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("shared"))
    yield running
    running.stop()


@pytest.fixture
def own(tmp_path):
    """Start servers on a folder of the test's own; all are stopped afterwards."""
    started = []

    def start(*options, **more):
        started.append(Server(tmp_path / "root", *options, **more))
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture(scope="package")
def tuned(server):
    """A succeeded job that tests may look at but not change."""
    return server.trained(suffix="pomoc-ł", metadata={"team": "support", "n": "1"})


@pytest.fixture
def together():
    """Run a function in several threads at once and return what each returned or raised."""

    def run(function, count=8):
        results = [None] * count
        barrier = threading.Barrier(count)

        def work(index):
            barrier.wait()
            try:
                results[index] = function(index)
            except (openai.APIStatusError, pytest.skip.Exception) as error:
                results[index] = error

        threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for result in results:
            if isinstance(result, pytest.skip.Exception):
                raise result  # what a test needs is missing, and it is the test that is passed over
        return results

    return run

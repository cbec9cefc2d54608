import pytest

from tests.providers.bedrock.cloud import connected, running


@pytest.fixture
def amazon():
    with running() as found:
        yield found


@pytest.fixture
def provider(amazon):
    return connected(amazon)

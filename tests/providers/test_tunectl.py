"""Provider type `tunectl`: where its token may go."""

import pytest

from tunectl.core.errors import ConfigError
from tunectl.providers.tunectl import connect


@pytest.mark.parametrize(
    "url",
    ["http://gpu1.acme.internal/v1", "http://127.0.0.1.acme.com/v1", "http://localhost.acme.com"],
)
def test_the_token_goes_nowhere_in_the_clear(url):
    with pytest.raises(ConfigError, match="in the clear"):
        connect(name="gpu", base_url=url, key_env="GPU_TOKEN")


@pytest.mark.parametrize(
    "url", ["https://gpu1.acme.internal:8443/v1", "http://127.0.0.1:8430/v1", "http://[::1]:8430"]
)
def test_over_tls_or_on_this_machine_it_may(url):
    assert connect(name="gpu", base_url=url, key_env="GPU_TOKEN").wire.base_url == url

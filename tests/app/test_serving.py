"""`tunectl serve`: where it listens."""

import socket

from tunectl.app.serving import Wanted, _port
from tunectl.providers.local.root import preferred_port


def test_it_listens_where_provider_local_told_applications_that_it_is(tmp_path):
    own = preferred_port(tmp_path)
    assert _port(Wanted(), tmp_path) == own
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", own))
        holder.listen()
        assert _port(Wanted(), tmp_path) == 0  # any free one


def test_a_port_that_is_named_is_taken(tmp_path):
    assert _port(Wanted(port=8430), tmp_path) == 8430
    assert _port(Wanted(port=0), tmp_path) == 0
    assert _port(Wanted(listen="0.0.0.0:8443"), tmp_path) is None

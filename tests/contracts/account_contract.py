"""What every provider must keep: "not found" in another account never reads as "deleted".

Subclass `AccountContract` and give a fixture `accounts`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from tests.contracts.handler_contract import settled
from tunectl.core.errors import CredentialsError, Exit, ProviderError, Refused
from tunectl.core.ports import Provider, Request
from tunectl.core.resource import Instance
from tunectl.core.state import State
from tunectl.engine.refresh import accounts as accounts_of
from tunectl.engine.refresh import observe


@dataclass
class Accounts:
    """One declaration, reached with the right credentials and with others.

    Attributes:
        mine: the account in which things are made.
        make: makes there, in order, what shall be looked at: kind and request of each.
        theirs: afterwards connects the same settings with another account's credentials.
        keyless: connects the same settings without any credentials.
    """

    mine: Provider
    make: Callable[[Provider], list[tuple[str, Request]]]
    theirs: Callable[[], Provider]
    keyless: Callable[[], Provider]


class AccountContract:
    @pytest.fixture
    def accounts(self) -> Accounts:
        raise AssertionError("subclasses give this fixture")

    @pytest.fixture
    def state(self, accounts: Accounts) -> State:
        """A state in which everything that was made is recorded."""
        found: dict[str, Instance] = {}
        for kind, request in accounts.make(accounts.mine):
            handler = accounts.mine.handlers[kind]
            made = settled(handler, handler.create(request))
            found[str(made.address)] = replace(made, provider=request.resource.provider)
        instances = {i.address: i for i in found.values()}
        return State(lineage="l", project="helpdesk", env="default", instances=instances)

    def test_with_the_right_credentials_everything_is_there(self, accounts, state):
        seen = observe(state, lambda _: accounts.mine)
        assert state.instances
        assert all(seen.values())

    def test_with_those_of_another_account_nothing_reads_as_deleted(self, accounts, state):
        theirs = accounts.theirs()
        with pytest.raises((Refused, ProviderError)) as caught:
            observe(state, lambda _: theirs)
        assert caught.value.diagnostics[0].exit in {Exit.REFUSED, Exit.CREDENTIALS, Exit.ERROR}
        assert caught.value.diagnostics[0].hint

    def test_without_credentials_it_is_exit_6_and_something_to_set_is_named(self, accounts):
        keyless = accounts.keyless()
        with pytest.raises(CredentialsError) as caught:
            accounts_of(["it"], lambda _: keyless)
        assert caught.value.exit is Exit.CREDENTIALS
        text = " ".join(f"{d.summary} {d.hint}" for d in caught.value.diagnostics)
        assert "`" in text

    def test_where_credentials_are_found_is_told_without_a_question(self, accounts):
        keyless = accounts.keyless()
        with pytest.raises(CredentialsError):
            keyless.credentials()

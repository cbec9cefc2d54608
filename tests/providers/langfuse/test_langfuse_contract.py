"""Publications at Langfuse keep the contract of every handler, and its accounts their own."""

import itertools

import pytest

from tests.contracts.account_contract import AccountContract, Accounts
from tests.contracts.handler_contract import HandlerContract, Subject
from tests.providers.langfuse.conftest import PUBLIC, SECRET, wanted
from tunectl.providers.langfuse import connect
from tunectl.server.clouds.langfuse import Langfuse
from tunectl.server.clouds.serving import serving


class TestPublicationsKeepTheContract(HandlerContract):
    @pytest.fixture(params=[True, False], ids=["filters", "before-filters"])
    def subject(self, langfuse, cloud, request):
        cloud.knows_filters = request.param
        number = itertools.count()
        return Subject(
            langfuse,
            "publication",
            lambda: wanted(name=f"pomoc/{next(number)}"),
            changed=lambda request: {**request.spec, "sha256": "b", "model": "gpt-4o-mini"},
        )


class TestAccounts(AccountContract):
    @pytest.fixture
    def accounts(self, world, cloud, langfuse, url, monkeypatch):
        other = Langfuse(world, project="cm3somebodyelse")

        def theirs():
            monkeypatch.setattr(cloud, "answer", other.answer)
            return connect(name="langfuse", base_url=url)

        def keyless():
            monkeypatch.delenv("LANGFUSE_SECRET_KEY")
            return connect(name="langfuse", base_url=url)

        return Accounts(
            langfuse,
            lambda _: [("publication", wanted())],
            theirs=theirs,
            keyless=keyless,
        )


def test_an_account_is_the_host_and_the_project_and_holds_no_key(langfuse, cloud):
    assert langfuse.account() == f"localhost/{cloud.project}"
    assert PUBLIC not in langfuse.account()
    assert SECRET not in repr(langfuse)


def test_the_project_is_the_same_at_another_port(cloud, world):
    names = set()
    for _ in range(2):
        with serving(cloud, world) as url:
            names.add(connect(base_url=url).account())
    assert len(names) == 1

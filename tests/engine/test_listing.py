"""One list instead of many reads: the same answers, whatever the list gets wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.errors import (
    CredentialsError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    Refused,
    UnavailableError,
)
from tunectl.core.ports import Found
from tunectl.core.resource import Instance, Status
from tunectl.core.state import State
from tunectl.core.value import Address
from tunectl.engine.listing import FEW, WORTH, look, shown
from tunectl.engine.refresh import observe, observe_everything


def instance(number: int, **changes) -> Instance:
    made = Instance(
        address=Address.of("endpoint", f"e{number}"),
        provider="memory",
        account="memory",
        id=f"id-{number}",
        spec={"model": "m1", "labels": ("a",)},
        outputs={"model_id": f"id-{number}"},
        op=f"op-{number}",
    )
    return replace(made, **changes)


@dataclass
class Listing:
    """A handler whose list may lag behind what reading tells."""

    truth: dict[str, Instance] = field(default_factory=dict)
    shown: list[Instance] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    lists: int = 0
    given: int = 0
    failure: Exception | None = None

    def read(self, recorded: Instance) -> Instance | None:
        self.reads.append(recorded.id)
        return self.truth.get(recorded.id)

    def list(self):
        self.lists += 1
        if self.failure is not None:
            raise self.failure
        for one in self.shown:
            self.given += 1
            yield Found(instance=replace(one, spec={"model": one.spec["model"]}))


@dataclass
class Provider:
    handlers: dict[str, object]

    def account(self) -> str:
        return "memory"


def connect(handler: object):
    return lambda _: Provider({"endpoint": handler})


def test_many_ready_objects_take_one_list_and_no_read():
    every = [instance(n) for n in range(FEW + 1)]
    handler = Listing({i.id: i for i in every}, every)
    assert look(every, connect(handler)) == every
    assert (handler.lists, handler.reads) == (1, [])


@given(st.permutations(range(4)))
def test_what_is_named_of_another_account_does_not_depend_on_the_order_of_the_record(order):
    every = [instance(n, account="other") for n in order]
    state = State(lineage="l", project="p", env="default", instances={i.address: i for i in every})
    with pytest.raises(Refused, match=r"`endpoint.e0` lives in account `other`"):
        observe(state, connect(Listing()))


def test_nothing_is_looked_at_where_nothing_is_recorded():
    assert look([], connect(Listing())) == []


def test_a_few_are_read():
    every = [instance(n) for n in range(FEW)]
    handler = Listing({i.id: i for i in every}, every)
    assert look(every, connect(handler)) == every
    assert (handler.lists, len(handler.reads)) == (0, FEW)


def test_what_a_list_does_not_show_is_gone_only_when_reading_says_so():
    every = [instance(n) for n in range(8)]
    handler = Listing({i.id: i for i in every[:7]}, every[:6])
    assert look(every, connect(handler)) == [*every[:7], None]
    assert handler.reads == ["id-6", "id-7"]


def test_what_was_changed_remotely_is_seen_in_the_list():
    every = [instance(n) for n in range(8)]
    moved = [replace(i, spec={**i.spec, "model": "m2"}) for i in every]
    handler = Listing({i.id: i for i in moved}, moved)
    assert look(every, connect(handler)) == moved
    assert handler.reads == []


def test_a_list_is_left_as_soon_as_all_are_found():
    every = [instance(n) for n in range(8)]
    others = [instance(n) for n in range(100, 400)]
    handler = Listing({i.id: i for i in every}, [*every, *others])
    look(every, connect(handler))
    assert handler.given == 8


def test_a_list_is_left_where_reading_is_cheaper():
    every = [instance(n) for n in range(6)]
    others = [instance(n) for n in range(100, 100 + WORTH * 7)]
    handler = Listing({i.id: i for i in every}, [*others, *every])
    assert look(every, connect(handler)) == every
    assert handler.given <= WORTH * 6 + 1
    assert len(handler.reads) == 6


def test_a_service_that_cannot_be_reached_is_an_error_and_nothing_is_gone():
    every = [instance(n) for n in range(8)]
    handler = Listing(failure=UnavailableError.of("no answer"))
    with pytest.raises(ProviderError, match="no answer"):
        look(every, connect(handler))


def test_superseded_objects_are_looked_at_too():
    live, old = instance(1), instance(1, id="id-old")
    handler = Listing({live.id: live})
    state = State(
        lineage="l", project="p", env="e", instances={live.address: live}, superseded=(old,)
    )
    assert observe_everything(state, connect(handler)) == ((live, live), (old, None))


CHANGES = st.sampled_from(
    [
        {},
        {"status": Status.PENDING, "progress": "62%"},
        {"status": Status.FAILED, "reason": "bad data"},
        {"op": "somebody-else"},
        {"outputs": {}},
        {"spec": {"model": "m2", "labels": ("a",)}},
    ]
)


@given(
    recorded=st.lists(CHANGES, min_size=FEW + 1, max_size=12),
    actual=st.lists(st.one_of(st.none(), CHANGES), min_size=12, max_size=12),
    shown=st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_looking_by_list_says_what_reading_says(recorded, actual, shown):
    every = [instance(n, **changes) for n, changes in enumerate(recorded)]
    now = {}
    for one, changes, plain in zip(every, actual, recorded, strict=False):
        if changes is not None:
            # As handlers read: settings beyond those the remote side tells stay as recorded.
            now[one.id] = replace(one, **{"op": plain.get("op", one.op), **changes})
    # What reads as gone or as somebody else's is shown all the same: a list knows no owner.
    listed = [now[i.id] for i, on in zip(every, shown, strict=False) if on and i.id in now]
    truth = {i.id: now[i.id] for i in every if i.id in now and now[i.id].op == i.op}
    handler = Listing(truth, listed)
    got = look(every, connect(handler))
    for one, seen in zip(every, got, strict=True):
        expected = truth.get(one.id)
        if one.id in handler.reads or expected is None:
            assert seen == expected
        else:
            assert seen is not None
            assert (seen.status, seen.outputs, seen.op) == (
                expected.status,
                expected.outputs,
                expected.op,
            )
            assert seen.spec["model"] == expected.spec["model"]


@pytest.mark.parametrize("refusal", [InvalidRequestError, NotFoundError, CredentialsError])
def test_a_list_that_there_is_not_or_that_is_refused_shows_nothing(refusal):
    assert shown(Listing(failure=refusal.of("no"))) == ()


def test_a_list_that_cannot_be_had_is_no_empty_one():
    with pytest.raises(UnavailableError):
        shown(Listing(shown=[instance(1)], failure=UnavailableError.of("down")))


def test_a_list_shows_all_there_is():
    assert len(shown(Listing(shown=[instance(n) for n in range(3)]))) == 3

"""Core values as hypothesis draws them: every type a state, a plan or a journal can hold."""

from __future__ import annotations

from hypothesis import strategies as st

from tunectl.core.approval import Approval
from tunectl.core.resource import Instance, Lifecycle, Need, Recreate, Status
from tunectl.core.state import (
    Abandoned,
    Account,
    Adopted,
    Approved,
    Began,
    Concluded,
    Deleted,
    Forgot,
    Forgotten,
    Intent,
    Made,
    Published,
    Renamed,
    Settled,
    State,
)
from tunectl.core.value import Address, Join, Ref

words = st.text(max_size=8)
names = st.text(st.characters(categories=["L"]), min_size=1, max_size=4)
addresses = st.builds(
    Address,
    st.sampled_from(["dataset", "tuning_job", "endpoint"]),
    st.lists(names, min_size=1, max_size=3).map(tuple),
    st.none() | words,
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words
plains = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple) | st.dictionaries(words, inner, max_size=3)
    ),
    max_leaves=4,
)
keys = words.filter(lambda text: not text.startswith("$"))
references = st.builds(Ref, addresses, st.lists(words, max_size=2).map(tuple))
values = st.recursive(
    scalars | references,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.lists(inner, max_size=3).map(lambda parts: Join(tuple(parts)))
        | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=4,
)
mappings = st.dictionaries(words, plains, max_size=2)
lifecycles = st.builds(
    Lifecycle,
    protect=st.booleans(),
    ignore_changes=st.frozensets(words, max_size=2),
    keep_on_destroy=st.booleans(),
    keep_previous=st.integers(0, 3),
)
# Without an account only in records of older versions, which reading mends.
needs = st.lists(st.builds(Need, addresses, words, words.filter(bool)), max_size=2).map(tuple)
instances = st.builds(
    Instance,
    address=addresses,
    provider=words,
    account=words,
    id=words,
    spec=mappings,
    outputs=mappings,
    status=st.sampled_from(Status),
    needs=needs,
    fingerprint=st.none() | words.filter(bool),
    progress=words,
    reason=words,
    op=words,
    created_at=words,
    lifecycle=lifecycles,
    recreate=st.sampled_from(Recreate),
    parent=st.none() | addresses,
    labels=st.dictionaries(words, words, max_size=2),
)
intents = st.builds(
    Intent,
    op=words,
    action=st.sampled_from(["create", "update", "delete"]),
    address=addresses,
    provider=words,
    fingerprint=st.none() | words,
    id=words,
    time=words,
)
texts = st.dictionaries(words, words, max_size=2)
several = st.lists(addresses, max_size=2).map(tuple)
approvals = st.builds(
    Approval,
    id=words,
    digest=words,
    who=words,
    info=texts,
    time=words,
    aim=mappings,
    variables=texts,
    var_files=st.lists(words, max_size=2).map(tuple),
    wanted=st.dictionaries(addresses, words, max_size=2),
    doomed=needs,
    outputs=texts,
    anew=needs,
    left=st.dictionaries(addresses, several, max_size=2),
    begun=several,
    parked=st.booleans(),
)
entries = st.one_of(
    st.builds(Began, intents),
    st.builds(Approved, approvals),
    st.builds(Concluded, words),
    st.builds(Made, words, instances),
    st.builds(Settled, words, instances),
    st.builds(Adopted, words, instances),
    st.builds(Deleted, words, addresses, words),
    st.builds(Forgot, addresses, words),
    st.builds(Abandoned, words, words),
    st.builds(Renamed, addresses, addresses),
    st.builds(Published, mappings),
)
states = st.builds(
    State,
    lineage=words,
    project=words,
    env=words,
    serial=st.integers(0, 9),
    providers=st.dictionaries(
        words, st.builds(Account, type=words, account=words, settings=mappings), max_size=2
    ),
    instances=st.lists(instances, max_size=3).map(lambda found: {i.address: i for i in found}),
    superseded=st.lists(instances, max_size=2).map(tuple),
    intents=st.lists(intents, max_size=2).map(tuple),
    outputs=mappings,
    approvals=st.lists(approvals, max_size=1).map(tuple),
    forgotten=st.lists(st.builds(Forgotten, words, words, words), max_size=2).map(
        lambda found: tuple(sorted(set(found)))
    ),
)

# Few addresses, ids and operations, so that entries meet.
few_addresses = st.sampled_from([Address.of("tuning_job", name) for name in "xyz"])
few_ids = st.sampled_from(["i1", "i2", "i3"])
few_ops = st.sampled_from(["o1", "o2"])
few_instances = st.builds(
    lambda address, id_, status, needs: Instance(
        address=address, provider="p", account="a", id=id_, spec={}, status=status, needs=needs
    ),
    few_addresses,
    few_ids,
    st.sampled_from(Status),
    st.lists(st.builds(Need, few_addresses, few_ids, st.just("a")), max_size=2).map(tuple),
)
few_entries = st.one_of(
    st.builds(
        lambda op, address: Began(Intent(op=op, action="create", address=address, provider="p")),
        few_ops,
        few_addresses,
    ),
    st.builds(Made, few_ops, few_instances),
    st.builds(Settled, few_ops, few_instances),
    st.builds(Adopted, few_ops, few_instances),
    st.builds(Deleted, few_ops, few_addresses, few_ids),
    st.builds(Forgot, few_addresses, few_ids),
    st.builds(Abandoned, few_ops, words),
    st.builds(Renamed, few_addresses, few_addresses),
)
journals = st.lists(few_entries, max_size=12)

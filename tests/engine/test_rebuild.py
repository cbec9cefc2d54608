"""What a repair takes over, what it leaves alone, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from tests.engine.world import ALIAS, FILE, JOB
from tunectl.core.errors import UnavailableError
from tunectl.core.ports import Found, Mark
from tunectl.core.project import Project
from tunectl.core.resource import Instance, Need, Recreate, Resource, Status
from tunectl.core.state import Forgotten, State
from tunectl.core.value import Address, Ref
from tunectl.engine.rebuild import rebuild, survey

SHA = "0123456789ab" + "0" * 52
DECLARED = Project(
    name="p",
    env="default",
    root=".",
    state="state/",
    resources=(
        Resource(
            address=FILE,
            provider="memory",
            spec={"sha256": SHA},
            outputs=("file_id",),
            recreate=Recreate.ON_DEMAND,
        ),
        Resource(
            address=JOB,
            provider="memory",
            spec={"base_model": "b", "training": Ref(FILE, ("file_id",))},
            inputs=frozenset({"training"}),
            fingerprint="fp1:now",
            recreate=Recreate.ON_REQUEST,
        ),
        Resource(address=ALIAS, provider="memory", spec={"model": Ref(JOB, ("model_id",))}),
    ),
)
LOST = State(lineage="mine", project="p", env="default")


def mark(address: Address, op: str, lineage: str = "mine", env: str = "default") -> Mark:
    return Mark(lineage=lineage, project="p", env=env, address=address, op=op)


def found(
    address: Address,
    id_: str,
    *,
    marked: Mark | None,
    at: str = "2026-01-01T00:00:00+00:00",
    status: Status = Status.READY,
    uses: tuple[Need, ...] = (),
) -> Found:
    instance = Instance(
        address=address,
        provider="memory",
        account="memory",
        id=id_,
        spec={},
        outputs={"model_id": f"ft:{id_}", "file_id": id_},
        status=status,
        needs=uses,
    )
    return Found(instance=instance, mark=marked, created_at=at)


@dataclass
class Lister:
    found: list[Found]
    broken: bool = False

    def list(self):
        if self.broken:
            raise UnavailableError.of("cannot be reached")
        yield from self.found


@dataclass
class Listing:
    by_kind: dict[str, list[Found]]
    blind: tuple[str, ...] = ()
    broken: bool = False
    name: str = "memory"
    models: tuple[()] = field(default=())

    @property
    def handlers(self):
        made = {kind: Lister(f, self.broken) for kind, f in self.by_kind.items()}
        return made | dict.fromkeys(self.blind, object())

    def account(self) -> str:
        return self.name


def seen(*, blind: tuple[str, ...] = (), account: str = "memory", **kinds: list[Found]):
    every: dict[str, list[Found]] = {"upload": [], "tuning_job": [], "endpoint": [], **kinds}
    listing = Listing({k: f for k, f in every.items() if k not in blind}, blind, name=account)
    return survey(lambda name: listing, {"memory", "builtin"})


def file_name(sha: str = SHA) -> Address:
    return Address.of("upload", f"tunectl.op.a.train.{sha[:12]}.jsonl")


def recorded(id_: str = "job-1", at: str = "2026-01-01T00:00:00+00:00") -> Instance:
    return replace(
        found(JOB, id_, marked=None).instance, spec={"whole": True}, created_at=at, op="o1"
    )


def test_what_carries_our_mark_is_completed_from_the_declaration():
    job = found(JOB, "job-1", marked=mark(JOB, "o1"), uses=(Need(file_name(), "file-1"),))
    alias = found(ALIAS, "alias-1", marked=mark(ALIAS, "o2"))
    file = found(file_name(), "file-1", marked=None)
    made = rebuild(seen(tuning_job=[job], endpoint=[alias], upload=[file]), LOST, DECLARED)
    instances = made.state.instances
    assert instances.keys() == {FILE, JOB, ALIAS}
    assert (instances[JOB].op, instances[JOB].fingerprint) == ("o1", "fp1:now")
    assert instances[JOB].recreate is Recreate.ON_REQUEST
    assert instances[ALIAS].spec == {"model": "ft:job-1"}
    assert instances[ALIAS].needs == (Need(JOB, "job-1", "memory"),)
    assert instances[FILE].id == "file-1"
    assert set(made.assumed) == {FILE, JOB, ALIAS}


@pytest.mark.parametrize(
    "other",
    [
        mark(JOB, "o1", lineage="theirs"),
        mark(JOB, "o1", env="prod"),
        replace(mark(JOB, "o1"), project="q"),
        None,
    ],
    ids=["lineage", "environment", "project", "no mark"],
)
def test_what_carries_another_mark_is_left_alone(other):
    made = rebuild(seen(tuning_job=[found(JOB, "job-1", marked=other)]), LOST, DECLARED)
    assert made.empty


def test_the_lineages_of_this_project_are_counted():
    jobs = [
        found(JOB, "1", marked=mark(JOB, "a")),
        found(JOB, "2", marked=mark(JOB, "b", lineage="older")),
        found(JOB, "3", marked=mark(JOB, "c", lineage="older")),
        found(JOB, "4", marked=mark(JOB, "d", env="prod")),
    ]
    assert seen(tuning_job=jobs).lineages("p", "default") == {"mine": 1, "older": 2}


def test_other_rows_than_those_declared_now_are_told_and_cost_nothing():
    uses = (Need(file_name(), "file-9"),)
    job = found(JOB, "job-1", marked=mark(JOB, "o1"), uses=uses)
    file = found(file_name("f" * 64), "file-9", marked=None)
    made = rebuild(seen(tuning_job=[job], upload=[file]), LOST, DECLARED)
    assert made.differing == [JOB]
    assert made.state.instances[JOB].fingerprint is None
    assert FILE not in made.state.instances


def test_of_several_the_newest_usable_one_stands_at_the_address():
    jobs = [
        found(JOB, "old", marked=mark(JOB, "a"), at="2026-01-01"),
        found(JOB, "new", marked=mark(JOB, "b"), at="2026-01-03"),
        found(JOB, "failed", marked=mark(JOB, "c"), at="2026-01-05", status=Status.FAILED),
    ]
    made = rebuild(seen(tuning_job=jobs), LOST, DECLARED)
    assert made.state.instances[JOB].id == "new"
    assert {need.id for need in made.others} == {"old", "failed"}
    assert made.state.superseded == ()


def test_a_whole_record_is_better_than_what_the_provider_tells():
    base = replace(LOST, instances={JOB: recorded()})
    job = found(JOB, "job-1", marked=mark(JOB, "o1"))
    made = rebuild(seen(tuning_job=[job]), base, DECLARED)
    assert made.state.instances[JOB] == recorded()
    assert (made.recorded, made.adopted) == ([JOB], [])


def test_what_was_made_after_the_record_takes_its_place():
    base = replace(LOST, instances={JOB: recorded(at="2026-01-01")})
    jobs = [
        found(JOB, "job-1", marked=mark(JOB, "o1"), at="2026-01-01"),
        found(JOB, "job-2", marked=mark(JOB, "o2"), at="2026-01-02"),
    ]
    made = rebuild(seen(tuning_job=jobs), base, DECLARED)
    assert made.state.instances[JOB].id == "job-2"
    assert [i.id for i in made.state.superseded] == ["job-1"]
    assert made.replaced == [JOB]


def test_a_record_is_kept_when_its_object_is_not_to_be_found():
    base = replace(LOST, instances={JOB: recorded()})
    made = rebuild(seen(), base, DECLARED)
    assert made.gone == [Need(JOB, "job-1", "memory")]
    assert made.state.instances == base.instances


@pytest.mark.parametrize("how", [{"blind": ("tuning_job",)}, {"account": "another"}])
def test_what_could_not_be_listed_is_not_gone(how):
    base = replace(LOST, instances={JOB: recorded()})
    looked = seen(**how)
    made = rebuild(looked, base, DECLARED)
    assert (made.unlisted, made.gone) == ([JOB], [])
    assert made.state.instances == base.instances
    assert looked.blind == tuple(("memory", kind) for kind in how.get("blind", ()))


def test_what_is_declared_no_longer_is_named():
    gone = Address.of("tuning_job", "dawny")
    made = rebuild(seen(tuning_job=[found(gone, "j", marked=mark(gone, "o"))]), LOST, DECLARED)
    assert made.undeclared == [gone]
    assert made.state.instances[gone].needs == ()


def test_a_provider_that_cannot_be_asked_ends_the_repair():
    listing = Listing({"tuning_job": []}, broken=True)
    with pytest.raises(UnavailableError):
        survey(lambda name: listing, {"memory"})


OLD = Address.of("tuning_job", "stary")


def at(address: Address, id_: str = "job-1") -> State:
    return replace(LOST, instances={address: replace(recorded(id_), address=address)})


def test_the_record_and_not_the_mark_says_where_a_renamed_object_stands():
    job = found(OLD, "job-1", marked=mark(OLD, "o1"))
    made = rebuild(seen(tuning_job=[job]), at(JOB), DECLARED)
    assert made.state == at(JOB)
    assert (made.recorded, made.adopted, made.others) == ([JOB], [], [])


def test_an_object_that_was_renamed_and_renamed_back_stands_where_it_is_declared():
    job = found(JOB, "job-1", marked=mark(JOB, "o1"))
    made = rebuild(seen(tuning_job=[job]), at(OLD), DECLARED, (at(OLD), at(JOB)))
    assert made.state == at(JOB)
    assert made.undeclared == []


def test_an_older_generation_says_where_an_object_stands_that_the_newest_does_not_know():
    job = found(OLD, "job-1", marked=mark(OLD, "o1"))
    made = rebuild(seen(tuning_job=[job]), LOST, DECLARED, (LOST, at(JOB)))
    assert set(made.state.instances) == {JOB}
    unknown = rebuild(seen(tuning_job=[job]), LOST, DECLARED)
    assert set(unknown.state.instances) == {OLD}


def test_what_was_forgotten_on_purpose_is_not_taken_over_again():
    job = found(JOB, "job-1", marked=mark(JOB, "o1"))
    base = replace(LOST, forgotten=(Forgotten("memory", "job-1", "o1"),))
    made = rebuild(seen(tuning_job=[job]), base, DECLARED)
    assert made.empty


def test_a_file_that_two_parts_share_stands_at_one_address():
    second = Address.of("upload", "drugi")
    twice = replace(DECLARED.resources[0], address=second)
    both = replace(
        DECLARED.resources[1],
        spec={"a": Ref(FILE, ("file_id",)), "b": Ref(second, ("file_id",))},
    )
    job = found(JOB, "job-1", marked=mark(JOB, "o1"), uses=(Need(file_name(), "file-1"),))
    file = found(file_name(), "file-1", marked=None)
    project = replace(DECLARED, resources=(DECLARED.resources[0], twice, both))
    made = rebuild(seen(tuning_job=[job], upload=[file]), LOST, project)
    assert [a for a, i in made.state.instances.items() if i.id == "file-1"] == [min(FILE, second)]

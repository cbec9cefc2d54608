"""What people decide about the rules: weights, thresholds, waivers, for one dataset or for all."""

import pytest

from tunectl.core.errors import Exit, Severity
from tunectl.data.checks import settled
from tunectl.data.dataset import DataSpec, read
from tunectl.data.policy import Policy
from tunectl.data.targets import Level


@pytest.fixture
def look(folder, jsonl, chat):
    """Read two rows, one with an address that should not be there."""
    rows = [chat("Jak się z nią skontaktować?", "Pod adresem anna.kowalska@wp.pl."), chat("b", "c")]
    (folder / "a.jsonl").write_text(jsonl(rows), encoding="utf-8")

    def run(policy, level=Level.DEFAULT, **spec):
        _, found = read(DataSpec(source="a.jsonl", **spec), folder, policy=policy, level=level)
        return [(d.code, d.severity, d.exit) for d in found]

    return run


def test_a_policy_makes_a_warning_an_error_that_refuses(look):
    assert look(Policy()) == [("personal-data", Severity.WARNING, Exit.DONE)]
    assert look(Policy({"personal-data": Severity.ERROR})) == [
        ("personal-data", Severity.ERROR, Exit.REFUSED)
    ]


def test_a_number_stands_for_its_rules(look):
    assert look(Policy({"D25": Severity.ERROR}))[0][1] is Severity.ERROR
    assert look(Policy({"d25": None})) == []


def test_a_rule_that_is_off_is_not_asked(look):
    assert look(Policy({"personal-data": None})) == []


def test_what_a_dataset_allows_is_laid_over_the_policy(look):
    policy = Policy({"personal-data": Severity.ERROR}, allow={"personal-data": "zgoda"})
    assert look(policy) == [("personal-data", Severity.INFO, Exit.DONE)]
    assert look(Policy(), allow={"D25": "zgoda"}) == [("personal-data", Severity.INFO, Exit.DONE)]


def test_a_rule_named_in_a_policy_is_asked_at_every_level(folder, jsonl, chat):
    rows = [chat("a?", "Niestety nie mogę odpowiedzieć.")]
    (folder / "a.jsonl").write_text(jsonl(rows), encoding="utf-8")
    spec = DataSpec(source="a.jsonl")
    assert read(spec, folder)[1] == ()
    [found] = read(spec, folder, policy=Policy({"refusal": Severity.ERROR}))[1]
    assert (found.code, found.severity) == ("refusal", Severity.ERROR)


def test_a_threshold_moves_a_rule(folder, jsonl, chat):
    long = (
        "Ta odpowiedź jest dłuższa, opowiada o wszystkim po kolei i kończy się "
        "po prostu numerem {}."
    )
    rows = [chat(f"Co z {n}?", long.format(n)) for n in range(20)]
    rows += [chat(f"A co z {n}?", f"{long.format(n)[:-9]}nagle") for n in range(5)]
    (folder / "a.jsonl").write_text(jsonl(rows), encoding="utf-8")

    def cut(policy):
        found = read(DataSpec(source="a.jsonl"), folder, policy=policy)[1]
        return sum(d.code == "cut-answer" for d in found)

    assert cut(Policy()) == 0
    assert cut(Policy(thresholds={"cut-answer": 0.3})) == 5


def test_a_policy_over_another_wins_where_it_speaks():
    under = Policy({"a": Severity.ERROR, "b": None}, {"c": 1.0}, {"d": "x"})
    made = Policy({"b": Severity.INFO}, {"c": 2.0}).over(under)
    assert made == Policy({"a": Severity.ERROR, "b": Severity.INFO}, {"c": 2.0}, {"d": "x"})


def test_names_that_are_no_rules_are_returned():
    policy, unknown = settled(Policy({"D25": None, "nothing": None}, allow={"secrets": "x"}))
    assert set(policy.severity) == {"personal-data"}
    assert unknown == ("nothing", "secrets")


def test_an_unknown_rule_in_a_policy_is_an_error_with_a_suggestion(folder, jsonl, chat):
    (folder / "a.jsonl").write_text(jsonl([chat("a", "b")]), encoding="utf-8")
    policy = Policy({"personal-date": None})
    dataset, [found] = read(DataSpec(source="a.jsonl"), folder, policy=policy)
    assert dataset is None
    assert found.hint == "did you mean `personal-data`?"

"""A target of the command line trains by the method of the rows; one of a job keeps its own."""

import pytest

from tunectl.core.errors import Severity
from tunectl.data.dataset import DataSpec, read
from tunectl.data.stats import stats
from tunectl.data.targets import METHODS, PREFERENCE, REINFORCEMENT, SUPERVISED, Level, Target

PLACES = [
    *("Gdańsk", "Wrocław", "Białystok", "Łódź", "Poznań", "Żywiec"),
    *("Kraków", "Opole", "Toruń", "Zgierz", "Radom", "Kielce"),
]


def question(place):
    return {"role": "user", "content": f"Ile kosztuje przesyłka do miasta {place}?"}


def answer(text):
    return {"role": "assistant", "content": text}


def preferring(place):
    return {
        "input": {"messages": [question(place)]},
        "preferred_output": [answer(f"Do miasta {place} wyślemy ją za 12 zł, kurierem.")],
        "non_preferred_output": [answer("Nie wiem.")],
    }


def graded(place):
    return {"messages": [question(place)], "reference": f"12 zł ({place})"}


def chat(place):
    return {"messages": [question(place), answer(f"Do miasta {place} wyślemy ją za 12 zł.")]}


ROWS = {SUPERVISED: chat, PREFERENCE: preferring, REINFORCEMENT: graded}
CLEAN = [
    (SUPERVISED, "openai:gpt-4.1-mini"),
    (PREFERENCE, "openai:gpt-4.1-mini"),
    (PREFERENCE, "azure:gpt-4.1-mini"),
    (REINFORCEMENT, "openai:o4-mini"),
    (REINFORCEMENT, "azure:o4-mini"),
]


@pytest.fixture
def written(folder, jsonl):
    def run(method):
        rows = [ROWS[method](place) for place in PLACES]
        (folder / "a.jsonl").write_text(jsonl(rows), encoding="utf-8")
        return DataSpec(source="a.jsonl"), folder

    return run


@pytest.mark.parametrize("level", [Level.DEFAULT, Level.ALL])
@pytest.mark.parametrize(("method", "name"), CLEAN)
def test_clean_rows_of_every_method_break_nothing(method, name, level, written):
    dataset, found = read(*written(method), targets=(Target(*name.split(":")),), level=level)
    assert dataset.method == method
    assert [d.summary for d in found if d.severity is Severity.ERROR] == []
    assert "wrong-method" not in {d.code for d in found}
    if name.startswith("openai") and method != REINFORCEMENT:
        assert "few-rows" in {d.code for d in found}  # the counts are asked by the same method


@pytest.mark.parametrize("method", METHODS)
def test_a_job_that_trains_by_another_method_is_told(method, written):
    other = next(one for one in METHODS if one != method)
    _, found = read(*written(method), targets=(Target("openai", "gpt-4.1-mini", other),))
    assert [d.code for d in found if d.severity is Severity.ERROR][:1] == ["wrong-method"]


@pytest.mark.parametrize("method", METHODS)
def test_costs_are_those_of_the_rows_method(method, written):
    dataset, _ = read(*written(method))
    [found] = stats(dataset, [Target("openai", "gpt-4.1-mini")], epochs=2).targets
    assert found.target.method == method
    assert found.cost.known == (method != REINFORCEMENT)  # which no price of a token tells


def test_a_method_that_a_provider_lacks_is_a_warning(written):
    _, found = read(*written(PREFERENCE), targets=(Target("nebius", "any/model"),))
    [told] = [d for d in found if d.code == "wrong-method"]
    assert told.severity is Severity.WARNING

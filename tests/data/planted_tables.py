"""Planted cases of the rules over all rows, and over files as they stand."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace

from tests.data.planting import SYSTEM, Planted, Row, as_bytes, row, said, talks
from tunectl.catalog import dataset_rules
from tunectl.core.errors import Severity
from tunectl.data.checks import providers
from tunectl.data.targets import Level, Target

OPENAI, LOCAL = Target("openai"), Target("local")
QUESTION = "Zamówiłem w sklepie trzy książki i chcę wiedzieć, kiedy dotrze do mnie {}."
SHOP, TYPO = "Pomagasz klientom sklepu.", "Pomagasz klientom skelpu."
OTHER = "Piszesz wiersze o morzu."
ENGLISH = "The parcel is on its way and it will be with you before noon, as you have asked."
ASKED = "Proszę powiedzieć, kiedy będzie u mnie paczka {}, która już jest w drodze."
POLISH = "Paczka jest już w drodze i będzie u Państwa przed południem, tak jak było ustalone."


def prompted(prompt: str, count: int, first: int = 1) -> list[Row]:
    return [row({**SYSTEM, "content": prompt}, *one["messages"]) for one in talks(count, first)]


def labelled(**counts: int) -> list[Row]:
    """Rows of a classification, one label after the other."""
    labels = [label for label, count in counts.items() for _ in range(count)]
    return [said(label, f"Wiadomość {n}?") for n, label in enumerate(labels)]


def dated(days: Iterable[int]) -> list[Row]:
    return [
        said(f"Tak, {n * 37} razy.", f"Czy {n % 28 + 1}.{n // 28 + 3}.2026 sklep działał?")
        for n in days
    ]


def numbered(wording: str, numbers: Iterable[int]) -> list[Row]:
    """Returns and invoices by turns, shuffled: with their numbers in the question."""
    labels = ("zwrot", "faktura")
    rows = [
        said(labels[at % 2], wording.format(n=n, code=labels[at % 2][:2].upper()))
        for at, n in enumerate(numbers)
    ]
    return shuffled(rows)


def halved(share: int) -> list[Row]:
    """Of the first half of the rows so many in ten have one label, of the second the others."""
    parts = [("zwrot", "faktura"), ("faktura", "zwrot")]
    rows = [
        said(much if n % 10 < share else little, f"Wiadomość {part}-{n}?")
        for part, (much, little) in enumerate(parts)
        for n in range(40)
    ]
    return [*shuffled(rows[:40]), *shuffled(rows[40:])]


def named_day(days: Iterable[int]) -> list[Row]:
    months = ("marca", "kwietnia", "maja")
    return [
        said(f"Tak, {n * 37} razy.", f"Czy {n % 28 + 1} {months[n // 28]} 2026 sklep działał?")
        for n in days
    ]


def shuffled(rows: list[Row]) -> list[Row]:
    return random.Random(7).sample(rows, len(rows))


def opened(share: float, count: int = 60) -> list[Row]:
    """Rows of which a share of the answers begins with the same five words."""
    same = "Dzień dobry, dziękuję za wiadomość"
    rows = talks(count)
    for n in range(int(share * count)):
        more = " ".join(f"słowo{n * 5 + at}" for at in range(5))
        rows[n] = said(f"{same} {more}.", f"Gdzie paczka {n}?")
    return rows


def worded(words: int) -> list[Row]:
    """Answers of many words, of which only so many differ."""
    chosen = random.Random(3)
    return [
        said(" ".join(f"słowo{chosen.randrange(words)}" for _ in range(80)), f"Opisz {n}!")
        for n in range(90)
    ]


def lengthened(length: int) -> list[Row]:
    rows = [said(f"Odpowiedź {n}. " + "Tak. " * (10 + n % 3), f"A {n}?") for n in range(60)]
    rows[40] = said("Odpowiedź. " + "Tak. " * length, "A 40?")
    return rows


def capped(least: int) -> Callable[..., object]:
    """The facts about providers with another size of the largest file."""

    def rules(provider: str, method: str) -> object:
        found = dataset_rules.dataset_rules(provider, method)
        return found and replace(found, most_bytes=least)

    return rules


def nearly(word: str) -> Row:
    return said("Jutro.", QUESTION.format(word))


SAME = (
    Planted(
        rule="duplicate-row",
        what="a row that stands twice",
        broken=[said("Żółć."), *talks(1), said("Żółć.")],
        twin=[said("Żółć."), *talks(1), said("Żółć.", "Co to?")],
        place="rows.jsonl:3",
    ),
    Planted(
        rule="conflicting-targets",
        what="one question with two answers",
        broken=[said("Tak."), *talks(1), said("Nie.")],
        twin=[said("Tak."), *talks(1), said("Nie.", "Czy na pewno?")],
        place="rows.jsonl:3",
    ),
    Planted(
        rule="near-duplicate",
        what="a question with one other word",
        broken=[nearly("paczka"), *talks(1), nearly("kurier")],
        twin=[
            nearly("paczka"),
            *talks(1),
            said("Jutro.", "Chcę wiedzieć, kiedy dotrze do mnie kurier."),
        ],
        place="rows.jsonl:3",
    ),
    Planted(
        rule="near-overlap",
        what="nearly the same question in training and validation",
        broken={
            "train": [nearly("paczka"), *talks(1)],
            "validation": [*talks(1, 5), nearly("kurier")],
        },
        twin={"train": [nearly("paczka")], "validation": talks(2)},
        place="validation.jsonl:2",
    ),
    Planted(
        rule="near-duplicate-search",
        what="more rows than are compared by default",
        broken=talks(200),
        twin=talks(20),
        place="",
        shrunk=(("tunectl.data.search", "SEARCHED_BYTES", 10_000),),
    ),
    Planted(
        rule="split-overlap",
        what="a question of training in the test split",
        broken={"train": talks(3), "test": [*talks(1, 5), *talks(1, 2)]},
        twin={"train": talks(3), "test": [*talks(1, 5), *talks(1, 9)]},
        place="test.jsonl:2",
    ),
)
PROMPTS = (
    Planted(
        rule="system-missing",
        what="one row in ten without the system message",
        broken=[*prompted("Pomagasz klientom.", 9), *talks(1, 20)],
        twin=prompted("Pomagasz klientom.", 10),
        place="rows.jsonl:10",
    ),
    Planted(
        rule="system-variant",
        what="a system message mistyped in one row of eleven",
        broken=[
            *prompted(SHOP, 10),
            *prompted(TYPO, 1, 30),
        ],
        twin=[
            *prompted(SHOP, 10),
            *prompted(OTHER, 1, 30),
        ],
        place="rows.jsonl:11",
    ),
    Planted(
        rule="system-prompts",
        what="two system messages",
        broken=[*prompted("Pomagasz klientom.", 6), *prompted("Piszesz wiersze.", 4, 30)],
        twin=prompted("Pomagasz klientom.", 10),
        level=Level.ALL,
    ),
)
ANSWERS = (
    Planted(
        rule="label-imbalance",
        what="one of three labels in 60 % of the rows",
        broken=shuffled(labelled(zwrot=60, faktura=20, dostawa=20)),
        twin=shuffled(labelled(zwrot=40, faktura=30, dostawa=30)),
        place="rows.jsonl:1",
    ),
    Planted(
        rule="rare-label",
        what="a label with four rows, such as a slip of the pen",
        broken=shuffled(labelled(zwrot=48, faktura=48, fakutra=4)),
        twin=shuffled(labelled(zwrot=48, faktura=47, dostawa=5)),
        place="rows.jsonl:28",
    ),
    Planted(
        rule="row-order",
        what="rows sorted by their label",
        broken=labelled(zwrot=30, faktura=30),
        twin=shuffled(labelled(zwrot=30, faktura=30)),
        place="",
    ),
    Planted(
        rule="row-order",
        what="rows sorted by the date of their question",
        broken=dated(range(1, 61)),
        twin=dated(random.Random(5).sample(range(1, 61), 60)),
        place="",
    ),
    Planted(
        rule="row-order",
        what="rows sorted by a date whose month is a word",
        broken=named_day(range(60)),
        twin=named_day(random.Random(5).sample(range(60), 60)),
        place="",
    ),
    Planted(
        rule="row-order",
        what="rows sorted by the length of their answers",
        broken=[said(f"Odpowiedź {'a' * n}.", f"Pytanie {n}?") for n in range(60)],
        twin=shuffled([said(f"Odpowiedź {'a' * n}.", f"Pytanie {n}?") for n in range(60)]),
        place="",
    ),
    Planted(
        rule="row-order",
        what="labels of the first half that are rare in the second",
        broken=halved(9),
        twin=halved(6),
        place="",
    ),
    Planted(
        rule="telling-id",
        what="numbers given to one label after the other",
        broken=numbered("Zgłoszenie {n}: co z tym?", [n // 2 + 500 * (n % 2) for n in range(60)]),
        twin=numbered("Zgłoszenie {n}: co z tym?", random.Random(3).sample(range(999), 60)),
    ),
    Planted(
        rule="telling-id",
        what="another code before the number for each label",
        broken=numbered(
            "Sprawa {code}-{n}, co dalej?", random.Random(3).sample(range(99, 999), 60)
        ),
        twin=numbered("Sprawa SP-{n}, co dalej?", random.Random(3).sample(range(99, 999), 60)),
    ),
    Planted(
        rule="telling-id",
        what="even numbers for one label and odd ones for the other, in Russian",
        broken=numbered("Заявка № {n}: что дальше?", range(700, 760)),
        twin=numbered("Заявка № {n}: что дальше?", range(700, 820, 2)),
    ),
    Planted(
        rule="same-opening",
        what="60 % of the answers begin with the same five words",
        broken=opened(0.6),
        twin=opened(0.4),
    ),
    Planted(
        rule="few-words",
        what="7,000 words of which 12 differ",
        broken=worded(12),
        twin=worded(60),
        place="",
    ),
    Planted(
        rule="answer-length",
        what="an answer eight times as long as the others",
        broken=lengthened(90),
        twin=lengthened(12),
        place="rows.jsonl:41",
        level=Level.ALL,
    ),
    Planted(
        rule="cut-answer",
        what="a code fence that is not closed",
        broken=[*talks(3), said("Oto kod:\n```python\nprint(1)\n")],
        twin=[*talks(3), said("Oto kod:\n```python\nprint(1)\n```")],
        place="rows.jsonl:4",
    ),
    Planted(
        rule="language-mix",
        what="one English answer among forty Polish ones",
        broken=[*([said(f"{POLISH} {n}", f"Gdzie {n}?") for n in range(40)]), said(ENGLISH)],
        twin=[*([said(f"{POLISH} {n}", f"Gdzie {n}?") for n in range(40)]), said(POLISH)],
        place="rows.jsonl:41",
        options={"allow": {"D12": "planted", "same-opening": "planted"}},
    ),
    Planted(
        rule="answer-language",
        what="twelve Polish questions that are all answered in English",
        broken=[*talks(1), *(said(f"{ENGLISH} {n}", ASKED.format(n)) for n in range(12))],
        twin=[*talks(1), *(said(f"{POLISH} {n}", ASKED.format(n)) for n in range(12))],
        place="rows.jsonl:2",
        options={"allow": {"D12": "planted", "same-opening": "planted"}},
    ),
)
LONG = said("Dobrze.", "Streść: " + "paczka dotarła do domu klienta wczoraj " * 6_000)
FITS = said("Dobrze.", "Streść: " + "paczka dotarła do domu klienta wczoraj " * 900)
WHOLE = (
    Planted(
        rule="byte-order-mark",
        what="a byte order mark",
        broken=b"\xef\xbb\xbf" + as_bytes(talks(2)),
        twin=as_bytes(talks(2)),
    ),
    Planted(
        rule="byte-order-mark",
        what="no byte order mark, for Azure; the twin has one",
        broken=as_bytes(talks(100)),
        twin=b"\xef\xbb\xbf" + as_bytes(talks(100)),
        severity=Severity.INFO,
        targets=(Target("azure"),),
    ),
    Planted(
        rule="blank-line",
        what="a blank line between two rows",
        broken=as_bytes(talks(2)).replace(b"\n", b"\n\n", 1),
        twin=as_bytes(talks(2)),
    ),
    Planted(
        rule="row-count",
        what="nine rows where the provider takes ten",
        broken=talks(9),
        twin=talks(10),
        place="",
        targets=(LOCAL,),
    ),
    Planted(
        rule="few-rows",
        what="99 rows where the provider advises 100",
        broken=talks(99),
        twin=talks(100),
        place="",
        targets=(OPENAI,),
    ),
    Planted(
        rule="file-size",
        what="a file of 12 kB where the provider takes 10 kB",
        broken=talks(110),
        twin=talks(10),
        place="",
        targets=(LOCAL,),
        shrunk=((providers.__name__, "dataset_rules", capped(10_000)),),
    ),
    Planted(
        rule="too-long",
        what="a row of more tokens than the model trains on",
        broken=[*talks(99), LONG],
        twin=[*talks(99), FITS],
        place="rows.jsonl:100",
        targets=(Target("openai", "gpt-4.1-nano"),),
    ),
    Planted(
        rule="token-cost",
        what="what training will cost; the twin does not ask for all rules",
        broken=talks(100),
        twin=talks(100),
        place="",
        targets=(Target("openai", "gpt-4.1-mini"),),
        level=Level.ALL,
        otherwise={"level": Level.DEFAULT},
    ),
)
PROJECT = """
project: x
default_provider: local
providers:
  local: {{}}
dataset:
  support:
    source: rows.jsonl
    split: {{validation: 10%, test: 20%}}
tuning_job:
  support: {{base_model: smollm2-135m-instruct, data: dataset.support}}
endpoint:
  support: {{model: tuning_job.support}}
prompt_template:
  support:
    model: endpoint.support
    inputs: {{question: {{type: string}}}}
    sections:
      - {{id: system, role: system, template: "{system}"}}
      - {{id: shots, role: examples, examples: dataset.support.{split}, max: 2}}
      - {{id: ask, role: user, template: "{{{{ question }}}}"}}
"""
SERVED = (
    Planted(
        rule="other-system",
        what="a prompt with another system message than the rows",
        broken=prompted(SHOP, 120),
        twin=prompted(SHOP, 120),
        place="tunectl.yaml:19",
        project=PROJECT.format(system=OTHER, split="train"),
        about="prompt_template.support",
        otherwise={"project": PROJECT.format(system=SHOP, split="train")},
    ),
    Planted(
        rule="examples-in-test",
        what="a prompt with examples from the test split",
        broken=prompted(SHOP, 120),
        twin=prompted(SHOP, 120),
        place="tunectl.yaml:20",
        project=PROJECT.format(system=SHOP, split="test"),
        about="prompt_template.support",
        otherwise={"project": PROJECT.format(system=SHOP, split="train")},
    ),
)
CASES = (*SAME, *PROMPTS, *ANSWERS, *WHOLE, *SERVED)

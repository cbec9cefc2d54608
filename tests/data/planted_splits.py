"""Planted cases of the rules over splits: what they hold, and what they may not share."""

from __future__ import annotations

from tests.data.planting import Planted, Row, said, talks
from tunectl.data.spec import SplitSpec


def grouped(*groups: str | int | None, first: int = 1) -> list[Row]:
    rows = talks(len(groups), first)
    return [
        {**one, **({} if group is None else {"klient": group})}
        for one, group in zip(rows, groups, strict=True)
    ]


def asked_twice(second: str) -> list[Row]:
    """Two groups of which, by the hash, each goes to another split."""
    return [
        said("Jutro.", "Kiedy dotrze?", klient="k1"),
        said("Jutro.", second, klient="k2"),
    ]


SPLITS = (
    Planted(
        rule="empty-split",
        what="a tenth of two rows",
        broken=talks(2),
        twin=talks(60),
        place="",
        options={"split": SplitSpec({"test": 0.1})},
    ),
    Planted(
        rule="missing-group",
        what="a row without its group",
        broken=grouped("a", "b", None, "c"),
        twin=grouped("a", "b", "d", "c"),
        place="rows.jsonl:3",
        options={"split": SplitSpec({"test": 0.5}, group="klient"), "strip": ("klient",)},
    ),
    Planted(
        rule="group-overlap",
        what="two customers who ask the same, in two splits",
        broken=asked_twice("Kiedy dotrze?"),
        twin=asked_twice("Kiedy wyślecie?"),
        place="rows.jsonl:2",
        options={"split": SplitSpec({"test": 0.5}, group="klient"), "strip": ("klient",)},
    ),
)
LEAKING = (
    Planted(
        rule="group-leak",
        what="two rows of a customer in the test file, of whom another is trained on",
        broken={
            "train": grouped("a", "b", "b"),
            "test": grouped("c", "b", "b", first=20),
        },
        twin={
            "train": grouped("a", "b", "b"),
            "test": grouped("c", "d", "d", first=20),
        },
        place="test.jsonl:2",
        options={"split": SplitSpec({}, group="klient"), "strip": ("klient",)},
    ),
    Planted(
        rule="missing-group",
        what="a row of the test file without its group; its twin has one of its own",
        broken={"train": grouped("a", "b"), "test": grouped("c", None, first=20)},
        twin={"train": grouped("a", "b"), "test": grouped("c", 7, first=20)},
        place="test.jsonl:2",
        options={"split": SplitSpec({}, group="klient"), "strip": ("klient",)},
    ),
)
SCORED = "czy mogę zwrócić buty kupione w sklepie internetowym po trzydziestu dniach od zakupu"
TAKEN = said("Tak, ale tylko nienoszone.", f"Dzień dobry, {SCORED.upper()}?")
CONTAMINATED = (
    Planted(
        rule="contamination",
        what="a question of a text to score with; the twin lies in the test split",
        broken={"train": [*talks(3), TAKEN], "test": talks(1, 9)},
        twin={"train": talks(3), "test": [*talks(1, 9), TAKEN]},
        place="train.jsonl:4",
        options={"against": ("pytania.txt",)},
        files={"pytania.txt": f"Pytania:\n1. {SCORED.replace(' w ', chr(10) + 'w ')}?\n"},
    ),
)
CASES = (*CONTAMINATED, *SPLITS, *LEAKING)

"""plan --show-data: the rows of a plan as they are now, for the screen of a person who asked.

What a row said before is nowhere: the state keeps one hash a row and no text.
"""

from __future__ import annotations

from itertools import islice

from tunectl.app.measuring import ROWS_SHOWN, Shown
from tunectl.app.options import Options
from tunectl.app.uploading import DatasetReader
from tunectl.app.workspace import declared
from tunectl.core.plan import Change, Plan
from tunectl.data.dataset import Dataset
from tunectl.data.edits import rows_at
from tunectl.data.fingerprint import Json
from tunectl.providers.examples import Messages


def rows_of(options: Options, plan: Plan) -> tuple[Shown, ...]:
    """Return the rows that were added or changed, the first `ROWS_SHOWN` of each dataset.

    After them come the examples that prompts would show and do not show now, as many of each.

    Raises:
        StaleError: a file is no longer what was read.
    """
    datasets = declared(options).datasets
    found: list[Shown] = []
    for change in plan.changes:
        dataset = datasets.get(change.address)
        if dataset is not None and change.rows:
            found += _rows(dataset, {place for delta in change.rows for place in delta.lines})
        elif change.prompt is not None:
            found += _examples(change, DatasetReader(datasets))
    return tuple(found)


def _examples(change: Change, reader: DatasetReader) -> list[Shown]:
    from tunectl.app.prompt_deltas import new_examples

    return [
        Shown(section, f"{change.address}, section {section}", None, {"messages": _plain(row)})
        for section, row in islice(new_examples(change, reader), ROWS_SHOWN)
    ]


def _plain(row: Messages) -> list[Json]:
    return [{"role": str(one.get("role")), "content": str(one.get("content"))} for one in row]


def _rows(dataset: Dataset, places: set[str]) -> list[Shown]:
    marks = dataset.marks
    indices = [index for index in range(len(marks)) if marks.place(index) in places][:ROWS_SHOWN]
    content = rows_at(dataset, set(indices))
    return [Shown(marks[i].split, marks.place(i), None, content[i]) for i in indices]

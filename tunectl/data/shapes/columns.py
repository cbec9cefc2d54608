"""Flat rows: CSV, or objects whose keys are columns.

`columns: {input: q, output: a, system: s}` names them; without it the obvious names are tried.
Columns that `columns:` does not name are not taken; without `columns:` they are carried along.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from tunectl.data.fingerprint import Json, Row
from tunectl.data.sensitive.names import shown_name
from tunectl.data.shapes.shape import Shape, message

COLUMNS = "columns"
PARTS = ("input", "output", "system")
_OBVIOUS: dict[str, tuple[str, ...]] = {
    "input": ("input", "question", "query", "user", "prompt", "request"),
    "output": ("output", "answer", "response", "assistant", "completion", "reply"),
    "system": ("system", "system_prompt"),
}


def column_shape(columns: Mapping[str, str], keep: Collection[str] = ()) -> Shape:
    """The shape of rows with the named `input`, `output` and maybe `system`.

    Args:
        columns: which column is what.
        keep: other columns that are carried along.
    """
    system = (columns["system"],) if "system" in columns else ()
    return _shape(columns["input"], columns["output"], system, carry=keep)


def guess_columns(row: Row) -> Shape | None:
    """The shape of a flat row by obvious column names; None when a part is missing or ambiguous."""
    if any(isinstance(value, dict | list) for value in row.values()):
        return None
    found: dict[str, str] = {}
    for part in ("input", "output"):
        names = _OBVIOUS[part]
        hits = [key for key in row if key.strip().lower() in names]
        if len(hits) != 1:
            return None
        found[part] = hits[0]
    return _shape(found["input"], found["output"], _OBVIOUS["system"], carry=None)


def complaint(columns: Mapping[str, str]) -> str:
    """What is wrong with a `columns:` setting, "" when nothing is."""
    unknown = [part for part in columns if part not in PARTS]
    if unknown:
        return f"`columns` has `{unknown[0]}`: it takes {', '.join(f'`{p}`' for p in PARTS)}"
    missing = [part for part in ("input", "output") if part not in columns]
    return f"`columns` does not say which column is the `{missing[0]}`" if missing else ""


def near(wanted: Iterable[str], keys: Iterable[str]) -> str:
    """A hint for the first wanted column that is not among the keys."""
    have = list(keys)
    for name in wanted:
        if name not in have:
            close = get_close_matches(name, have, n=1)
            if close:
                return f"there is no column `{name}`, did you mean `{close[0]}`?"
            there = ", ".join(f"`{shown_name(key)}`" for key in have[:8])
            return f"there is no column `{name}`; there are {there}"
    return ""


def _shape(
    input_: str, output: str, systems: tuple[str, ...], *, carry: Collection[str] | None
) -> Shape:
    """`carry` names the other columns that are carried along; None for all."""
    needed = frozenset({input_, output})
    used = needed.union(systems)

    def matches(row: Row) -> bool:
        return needed <= row.keys()

    def canonical(row: Row) -> Row:
        system = next((row[name] for name in systems if row.get(name)), None)
        messages: list[Json] = [] if system is None else [message("system", system)]
        messages += [message("user", row[input_]), message("assistant", row[output])]
        extra = {k: v for k, v in row.items() if (k not in used if carry is None else k in carry)}
        return (
            {**extra, "messages": messages}
            if "messages" in extra
            else {"messages": messages, **extra}
        )

    evidence = f"columns `{input_}` and `{output}`"
    return Shape(COLUMNS, evidence, matches, canonical)

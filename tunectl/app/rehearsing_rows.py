"""Rows and documents that stand in for those in a bucket: made up, and all different.

Every one says that it stands in. What a declaration asks of its rows they have: the shape, the
columns, the columns of groups and keys, the form of the answers.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from tunectl.data.fingerprint import Json, Row
from tunectl.data.output import OutputSpec
from tunectl.data.shapes.columns import COLUMNS
from tunectl.data.spec import DataSpec
from tunectl.data.targets import PREFERENCE, REINFORCEMENT
from tunectl.data.wire import format_named
from tunectl.data.wire.losses import Losses

_GROUP = 5  # rows of one group
# Lengths that have no common factor: no two of the first 19 * 17 * 23 rows say the same.
_MATTERS = (
    "How do I return", "Who repairs", "When will you deliver", "Can somebody collect",
    "What does it cost to insure", "Why was I charged for", "Where do I register",
    "How long may I keep", "Is there a guarantee on", "May I exchange", "Who has checked",
    "How do I clean", "Which spare parts fit", "Can a neighbour accept", "What colours exist for",
    "How heavy is", "Where was it made, I mean", "Do you also rent out", "How is it packed, namely",
)  # fmt: skip
_THINGS = (
    "the copper kettle", "a garden chair", "my new bicycle", "the oak bookcase", "a winter coat",
    "the coffee grinder", "an old typewriter", "the camping stove", "a desk lamp", "the violin",
    "a pair of skates", "the sewing machine", "a rain barrel", "the chess set", "a woollen rug",
    "the telescope", "a box of candles",
)  # fmt: skip
_PLACES = (
    "Gdańsk", "Łódź", "Kraków", "Żywiec", "Białystok", "Rzeszów", "Częstochowa", "Kołobrzeg",
    "Казань", "Тула", "Псков", "Самара", "Вологда", "Ярославль", "Калуга", "Lisboa", "Málaga",
    "Zürich", "Tromsø", "Reykjavík", "Győr", "Plzeň", "Iași",
)  # fmt: skip


class NothingStandsInError(Exception):
    """No row can be made up that the declaration would take; the words say why."""


def exchange(number: int) -> tuple[str, str]:
    """Return a question and its answer.

    >>> exchange(0)
    ('How do I return the copper kettle in Gdańsk?', 'Stand-in 0: ask the branch in Gdańsk.')
    """
    matter, thing = _MATTERS[number % len(_MATTERS)], _THINGS[number % len(_THINGS)]
    place = _PLACES[number % len(_PLACES)]
    return f"{matter} {thing} in {place}?", f"Stand-in {number}: ask the branch in {place}."


def rows_for(
    spec: DataSpec, method: str, graded: tuple[str, ...], name: str, numbers: range
) -> bytes:
    """Return the content of a file of rows: JSON Lines, or a table where its name says so.

    Args:
        spec: what the dataset declares of its rows.
        method: what they teach by; empty for supervised.
        graded: keys that a grader looks at.
        name: of the file.
        numbers: of the rows; a row of another number is another row.

    Raises:
        NothingStandsInError: no row can be made up that the declaration would take.
    """
    table = name.lower().removesuffix(".gz").removesuffix(".zst").endswith((".csv", ".tsv"))
    shape = COLUMNS if spec.columns else spec.format or _usual(method, table)
    made = _SHAPES.get(shape)
    if made is None:
        raise NothingStandsInError(f"rows of the shape `{shape}` are not made up")
    rows = [_beside(made(spec, graded, number), spec, number) for number in numbers]
    if table:
        return _table(rows, "\t" if ".tsv" in name.lower() else ",")
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def document_for(number: int) -> bytes:
    """Return a document that stands in: a heading and some paragraphs of Markdown."""
    lines = [f"# Stand-in document {number}"]
    for part in range(number * 8, number * 8 + 8):
        question, answer = exchange(part)
        lines.append(f"## {question}\n\n{answer}")
    return ("\n\n".join(lines) + "\n").encode()


def _usual(method: str, table: bool) -> str:
    """The shape of rows of which nothing is said."""
    if method == PREFERENCE:
        return "chosen-rejected" if table else "preference"
    if method == REINFORCEMENT:
        return "reinforcement"
    return "instruction" if table else "openai-chat"


def _beside(row: Row, spec: DataSpec, number: int) -> Row:
    """The row with the columns that the declaration names."""
    more: Row = {}
    if spec.group is not None:
        more[spec.group] = f"group {number // _GROUP}"
    for key in (*spec.keys, *spec.strip):
        more.setdefault(key, f"{key} {number}")
    return {**{key: value for key, value in more.items() if key not in row}, **row}


def _table(rows: list[Row], delimiter: str) -> bytes:
    if any(not isinstance(value, str) for value in rows[0].values()):
        raise NothingStandsInError("a table holds texts alone, and these rows are more")
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()


def _texts(spec: DataSpec, number: int) -> tuple[str, str]:
    question, answer = exchange(number)
    return question, _formed(spec.output, answer, number)


def _formed(output: OutputSpec | None, answer: str, number: int) -> str:
    if output is None:
        return answer
    if output.form == "one-of":
        return output.choices[number % len(output.choices)]
    if output.form == "json" and not output.schema:
        return json.dumps({"answer": answer}, ensure_ascii=False)
    what = "fit a JSON Schema" if output.form == "json" else "match a pattern"
    raise NothingStandsInError(f"its answers must {what}, and such texts are not made up")


def _message(role: str, text: str) -> Json:
    return {"role": role, "content": text}


def _chat(spec: DataSpec, graded: tuple[str, ...], number: int) -> Row:  # noqa: ARG001
    question, answer = _texts(spec, number)
    return {"messages": [_message("user", question), _message("assistant", answer)]}


def _preference(spec: DataSpec, graded: tuple[str, ...], number: int) -> Row:  # noqa: ARG001
    question, answer = _texts(spec, number)
    worse = _formed(spec.output, f"Stand-in {number}: nobody knows.", number + 1)
    return {
        "input": {"messages": [_message("user", question)]},
        "preferred_output": [_message("assistant", answer)],
        "non_preferred_output": [_message("assistant", worse)],
    }


def _chosen(spec: DataSpec, graded: tuple[str, ...], number: int) -> Row:  # noqa: ARG001
    question, answer = _texts(spec, number)
    worse = _formed(spec.output, f"Stand-in {number}: nobody knows.", number + 1)
    return {"prompt": question, "chosen": answer, "rejected": worse}


def _reinforcement(spec: DataSpec, graded: tuple[str, ...], number: int) -> Row:
    question, answer = _texts(spec, number)
    keys = graded or ("reference_answer",)
    return {"messages": [_message("user", question)], **dict.fromkeys(keys, answer)}


def _columns(spec: DataSpec, graded: tuple[str, ...], number: int) -> Row:  # noqa: ARG001
    if spec.columns is None:
        raise NothingStandsInError("`format: columns` does not say which columns")
    question, answer = _texts(spec, number)
    said = {"input": question, "output": answer, "system": "You answer for a shop."}
    return {name: said[role] for role, name in spec.columns.items() if role in said}


def _author(spec: DataSpec, graded: tuple[str, ...], number: int) -> Row:  # noqa: ARG001
    question, answer = _texts(spec, number)
    said = (("user", question), ("bot", answer))
    return {"messages": [{"author": author, "content": text} for author, text in said]}


def _gemini_preference(spec: DataSpec, graded: tuple[str, ...], number: int) -> Row:
    row = _chosen(spec, graded, number)
    answers = ((1, str(row["chosen"])), (0, str(row["rejected"])))
    return {
        "contents": [_spoken("user", str(row["prompt"]))],
        "completions": [{"score": s, "completion": _spoken("model", text)} for s, text in answers],
    }


def _spoken(role: str, text: str) -> Json:
    return {"role": role, "parts": [{"text": text}]}


def _pair(question_key: str, answer_key: str) -> Callable[[DataSpec, tuple[str, ...], int], Row]:
    def made(spec: DataSpec, graded: tuple[str, ...], number: int) -> Row:  # noqa: ARG001
        question, answer = _texts(spec, number)
        return {question_key: question, answer_key: answer}

    return made


def _written(name: str) -> Callable[[DataSpec, tuple[str, ...], int], Row]:
    """Return what makes a chat and writes it in a format that the product writes."""
    convert = format_named(name).of["supervised"]
    return lambda spec, graded, number: convert(_chat(spec, graded, number), Losses())


_SHAPES: Mapping[str, Callable[[DataSpec, tuple[str, ...], int], Row]] = MappingProxyType(
    {
        "openai-chat": _chat,
        "reinforcement": _reinforcement,
        "preference": _preference,
        "chosen-rejected": _chosen,
        "gemini-preference": _gemini_preference,
        "author-chat": _author,
        "instruction": _pair("input_text", "output_text"),
        "prompt-completion": _pair("prompt", "completion"),
        COLUMNS: _columns,
        **{
            name: _written(name)
            for name in ("bedrock", "bedrock-conversation", "gemini", "sharegpt", "alpaca")
        },
    }
)


def shapes() -> Iterator[str]:
    """Yield the names of the shapes of which rows can be made up."""
    yield from _SHAPES

"""Ask the base model and the tuned one the same held-out questions, side by side, and count.

    python compare.py [--count 10] [--min-style 9] [--env NAME]

The questions come from the test split, which no training step has seen, spread over all of it so
that each language has its say. Exit code 0: the base model shows no trace of the house style, and
at least `--min-style` answers of the tuned one have it. Exit code 1: it is not so, or nothing is
applied.
"""

# ruff: noqa: TID253  # a script of its own: it may load what it likes at the top

import argparse
import re
import sys
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tunectl.app.asking import Question, ask
from tunectl.app.options import Options
from tunectl.app.reading import output_values
from tunectl.app.workspace import declared
from tunectl.core.errors import TunectlError
from tunectl.core.value import Address

# The house style, the only place where it is written down for counting: a greeting, an answer,
# the signature, and nothing before or after.
STYLE = re.compile(r"Cześć! .+ Pozdrawiamy, Zespół Bursztyn 🐝", re.DOTALL)
# Of the base model even a part of it counts, so that cutting its long answers hides nothing.
TRACE = re.compile(r"Cześć|Pozdrawiamy|Zespół Bursztyn")
LONGEST_ANSWER = 80  # tokens; the longest answer of the training data has about 60
LONGEST_OF_BASE = 40  # tokens; enough to see how it answers


def held_out(options: Options, count: int) -> list[str]:
    """Questions of the test split, evenly spread over it."""
    rows = list(declared(options).datasets[Address.parse("dataset.support")].rows("test"))
    count = min(count, len(rows))
    chosen = [rows[i * len(rows) // count]["messages"] for i in range(count)]
    return [next(m["content"] for m in row if m["role"] == "user") for row in chosen]


def answer(options: Options, target: str, question: str, longest: int) -> str:
    """One answer, at temperature 0 so that the count can be repeated; `…` if it is cut."""
    asked = Question(target=target, text=question, max_tokens=longest, temperature=0.0)
    pieces = list(ask(options, asked))
    cut = any(piece.finish_reason == "length" for piece in pieces)
    return "".join(piece.text for piece in pieces).strip() + (" …" if cut else "")


def table(base_model: str, rows: list[tuple[str, str, str]]) -> Table:
    shown = Table(box=box.ROUNDED, show_lines=True, expand=True)
    shown.add_column("held-out question", ratio=3)
    shown.add_column(f"base: {base_model}", ratio=5)
    shown.add_column("tuned: endpoint.support", ratio=5)
    for question, before, after in rows:
        tuned = Text(after)
        tuned.highlight_regex(r"^Cześć!|Pozdrawiamy, Zespół Bursztyn 🐝$", "bold green")
        shown.add_row(Text(question), Text(before), tuned)
    return shown


def main() -> int:
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--count", type=int, default=10, help="how many questions (10)")
    words.add_argument("--min-style", type=int, default=9, help="answers that must have it (9)")
    words.add_argument("--env", default="default", help="the environment that was applied")
    given = words.parse_args()
    if given.count < 1:
        words.error("--count must be at least 1")
    options = Options(root=Path(__file__).parent, env=given.env)
    console = Console()
    if not console.is_terminal:
        console = Console(width=100)

    base_model = output_values(options).get("base_model")
    if not isinstance(base_model, str):
        sys.exit("error: nothing is applied yet\nhint: run `tunectl apply` in this folder")
    questions = held_out(options, given.count)
    rows = []
    for number, question in enumerate(questions, 1):
        with console.status(f"question {number} of {len(questions)}"):
            before = answer(options, base_model, question, LONGEST_OF_BASE)
            after = answer(options, "prompt_template.support", question, LONGEST_ANSWER)
        rows.append((question, before, after))
    console.print(table(base_model, rows))

    base = sum(bool(TRACE.search(before)) for _, before, _ in rows)
    tuned = sum(bool(STYLE.fullmatch(after)) for _, _, after in rows)
    console.print(f"style: base {base}/{len(rows)}, tuned {tuned}/{len(rows)}", highlight=False)
    return 0 if base == 0 and tuned >= given.min_style else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TunectlError as error:
        for found in error.diagnostics:
            print(f"error: {found.summary}", file=sys.stderr)
            if found.hint:
                print(f"hint: {found.hint}", file=sys.stderr)
        sys.exit(1)

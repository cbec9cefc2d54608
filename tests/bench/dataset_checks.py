"""Checking chat files: ours against the OpenAI cookbook's loop and `together`'s file check.

`python -m tests.bench.dataset_checks [--rows 50000,1000000] [--together PYTHON] [--repeat 3]`

Every candidate reads the same generated file in a process of its own, in turn; what counts is its
CPU time, and its peak of resident memory above the interpreter's. `--together` names a Python that
has the package `together`; without it that side is left out.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENGLISH = [
    "order",
    "parcel",
    "delivery",
    "customer",
    "invoice",
    "return",
    "complaint",
    "please",
    "day",
    "number",
    "account",
    "payment",
    "address",
    "shop",
    "date",
    "courier",
    "store",
    "thanks",
    "help",
    "how",
    "where",
    "when",
    "why",
    "can",
    "must",
    "is",
    "not",
    "have",
    "my",
    "the",
    "a",
    "of",
    "to",
    "in",
    "for",
    "and",
    "with",
    "on",
]
POLISH = [
    "zamówienie",
    "paczka",
    "dostawa",
    "klient",
    "faktura",
    "zwrot",
    "reklamacja",
    "proszę",
    "dzień",
    "numer",
    "konto",
    "płatność",
    "adres",
    "sklep",
    "termin",
    "kurier",
    "magazyn",
    "dziękuję",
    "pomoc",
    "jak",
    "gdzie",
    "kiedy",
    "dlaczego",
    "można",
    "trzeba",
    "jest",
]
SYSTEM = "You are a helpful assistant of a shop. Answer briefly and politely."

# Each prints CPU seconds and peak memory in MiB, of the work alone: imports are not counted.
HEAD = """
import json, resource, sys, time
from pathlib import Path
path = sys.argv[1]
def run(work):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    work()
    spent = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([spent, (peak - before) / 1024]))
"""
# The format checks of the notebook "Data preparation and analysis for chat model fine-tuning".
COOKBOOK = """
from collections import defaultdict
def work():
    with open(path, "r", encoding="utf-8") as f:
        dataset = [json.loads(line) for line in f]
    format_errors = defaultdict(int)
    for ex in dataset:
        if not isinstance(ex, dict):
            format_errors["data_type"] += 1
            continue
        messages = ex.get("messages", None)
        if not messages:
            format_errors["missing_messages_list"] += 1
            continue
        for message in messages:
            if "role" not in message or "content" not in message:
                format_errors["message_missing_key"] += 1
            known = ("role", "content", "name", "function_call", "weight")
            if any(k not in known for k in message):
                format_errors["message_unrecognized_key"] += 1
            if message.get("role", None) not in ("system", "user", "assistant", "function"):
                format_errors["unrecognized_role"] += 1
            content = message.get("content", None)
            function_call = message.get("function_call", None)
            if (not content and not function_call) or not isinstance(content, str):
                format_errors["missing_content"] += 1
        if not any(message.get("role", None) == "assistant" for message in messages):
            format_errors["example_missing_assistant_message"] += 1
run(work)
"""
TOGETHER = """
from together.lib.utils import check_file
run(lambda: check_file(Path(path)))
"""
SYNTAX = """
from tunectl.data.spec import DataSpec
from tunectl.data.syntax import read_syntax
def work():
    readable, problems = read_syntax(DataSpec(source=path), Path("/"))
    assert readable is not None, problems
run(work)
"""
OURS = """
from tunectl.data.blas import one_thread
with one_thread():
    import numpy  # an import too, though the first row asks for it
from tunectl.data.spec import DataSpec
from tunectl.data.syntax import judge
from tunectl.data.targets import Level
def work():
    readable, problems = judge(DataSpec(source=path), Path("/"), level=Level.{level})
    assert readable is not None, problems
run(work)
"""


def write_chats(path: Path, rows: int, seed: int = 1) -> None:
    """Chats of one to three turns in mixed English and Polish, about 650 bytes a row."""
    rng = random.Random(seed)
    words = [*ENGLISH * 3, *POLISH, *(f"{word}{n}" for word in ENGLISH for n in range(60))]

    def text(least: int, most: int) -> str:
        return " ".join(rng.choices(words, k=rng.randint(least, most))).capitalize()

    with path.open("w", encoding="utf-8") as stream:
        for _ in range(rows):
            messages = [{"role": "system", "content": SYSTEM}]
            for _ in range(rng.choice((1, 2, 2, 3))):
                messages.append({"role": "user", "content": f"{text(4, 14)}?"})
                messages.append({"role": "assistant", "content": f"{text(10, 28)}."})
            stream.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")


def write_questions(path: Path, rows: int, seed: int = 2) -> None:
    """Chats of three messages, a system message, a question and an answer, 720 bytes a row."""
    rng = random.Random(seed)
    words = [*ENGLISH * 3, *POLISH, *(f"{word}{n}" for word in ENGLISH for n in range(60))]

    def text(least: int, most: int) -> str:
        return " ".join(rng.choices(words, k=rng.randint(least, most))).capitalize()

    with path.open("w", encoding="utf-8") as stream:
        for _ in range(rows):
            messages = [
                {"role": "system", "content": SYSTEM},
                {"role": "user", "content": f"{text(12, 40)}?"},
                {"role": "assistant", "content": f"{text(25, 70)}."},
            ]
            stream.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")


def measured(python: str, code: str, path: Path) -> tuple[float, float]:
    """CPU seconds and MiB of one run."""
    done = subprocess.run(
        [python, "-c", HEAD + code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    spent, grown = json.loads(done.stdout.splitlines()[-1])
    return spent, grown


def compare(path: Path, rows: int, together: str | None, repeat: int) -> None:
    """Run every candidate in turn and print the medians."""
    candidates = [
        ("tunectl, syntax only", sys.executable, SYNTAX),
        ("tunectl, default", sys.executable, OURS.format(level="DEFAULT")),
        ("tunectl, all", sys.executable, OURS.format(level="ALL")),
        ("cookbook loop", sys.executable, COOKBOOK),
    ]
    if together:
        candidates.append(("together check_file", together, TOGETHER))
    else:
        print("together: left out, name a Python that has it with `--together`")
    found: dict[str, list[tuple[float, float]]] = {name: [] for name, *_ in candidates}
    for _ in range(repeat):
        for name, python, code in candidates:
            found[name].append(measured(python, code, path))
    size = path.stat().st_size / 1e6
    for name, runs in found.items():
        spent = statistics.median(run[0] for run in runs)
        grown = statistics.median(run[1] for run in runs)
        print(
            f"| {name} | {rows:,} | {size:.0f} | {spent:.2f} | {rows / spent:,.0f} | "
            f"{size / spent:.0f} | {grown:.0f} |",
            flush=True,
        )


def probe() -> None:
    """Six planted defects: how many are told, and by which rule."""
    from tunectl.data.dataset import DataSpec, read
    from tunectl.data.targets import Level, Target

    def row(*turns: tuple[str, str]) -> dict[str, object]:
        return {"messages": [{"role": role, "content": text} for role, text in turns]}

    good = [
        row(("user", f"Gdzie jest paczka numer {n}?"), ("assistant", f"Paczka {n} jest w drodze."))
        for n in range(30)
    ]
    secret = "sk-proj-" + "Ab12Cd34Ef56Gh78Ij90" * 2
    twin = row(("user", "Gdzie jest paczka numer 3?"), ("assistant", "Nie mamy takiej paczki."))
    long = row(("user", "Streść."), ("assistant", "słowo " * 80_000))
    planted = {
        "wrong role order": ([row(("assistant", "a"), ("user", "b"))], "message-order"),
        "empty answer": ([row(("user", "a"), ("assistant", " "))], "empty-content"),
        "duplicate with another answer": ([twin], "conflicting-targets"),
        "over-long example": ([long], ""),
        "secret": ([row(("user", "a"), ("assistant", f"Klucz: {secret}"))], ""),
        "mixed shapes": ([{"prompt": "a", "completion": "b"}], "mixed-shapes"),
    }
    hits = 0
    target = Target("openai", "gpt-4o-mini-2024-07-18")
    for what, (rows, expected) in planted.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "rows.jsonl")
            lines = (json.dumps(one, ensure_ascii=False) + "\n" for one in [*good, *rows])
            path.write_text("".join(lines), encoding="utf-8")
            spec = DataSpec(source="rows.jsonl")
            clean = {d.code for d in _told(good, folder, target)}
            _, problems = read(spec, Path(folder), targets=(target,), level=Level.DEFAULT)
        told = [d.code for d in problems if d.code not in clean]
        hit = expected in told if expected else bool(told)
        hits += hit
        print(f"| {what} | {'yes' if hit else 'NO'} | {', '.join(dict.fromkeys(told))} |")
    print(f"{hits} of {len(planted)}")


def _told(rows: list[dict[str, object]], folder: str, target: object) -> tuple[object, ...]:
    """What is said of the rows without a defect."""
    from tunectl.data.dataset import DataSpec, read

    path = Path(folder, "clean.jsonl")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read(DataSpec(source="clean.jsonl"), Path(folder), targets=(target,))[1]


def main() -> None:
    """Measure each size, then plant the defects."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="50000")
    parser.add_argument("--together", default=None)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    print("| what | rows | MB | CPU s | rows/s | MB/s | MiB |\n|---|---|---|---|---|---|---|")
    for rows in map(int, asked.rows.split(",")):
        for write in (write_chats, write_questions):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "chats.jsonl")
                write(path, rows)
                compare(path, rows, asked.together, asked.repeat)
    probe()


if __name__ == "__main__":
    main()

"""CPU time of using a prompt in an application: loading, rendering, and what history adds.

    python -m tests.bench.prompt_render [--runs 200]

One process; for each length of history the prompt is loaded, rendered once (cold: Jinja is
imported and templates are compiled) and then many times (warm). Medians of CPU milliseconds of one
call. Nothing is searched. `given` renders a conversation that is handed over, `stored` reads the
same one, and the profile, from the SQLite memory. `first` is a bare process that imports, loads and
renders once, beside an interpreter that does nothing. The last table is
what `tunectl prompt lint` says of the examples: the share of the characters that every request
begins with alike, as it is and as it could be in another order.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.prompts.trees import written

EXAMPLES = Path(__file__).parents[2] / "examples"
LENGTHS = (0, 10, 50, 200, 1000)
QUESTION = "Gdzie jest moja paczka i kiedy dojdzie? Заказ оплачен вчера."
ANSWER = "Paczka jest w drodze i dojdzie jutro. Jeśli nie, proszę o numer zamówienia, sprawdzę."


def artefact() -> dict[str, object]:
    """A prompt of every sort of section, its limits wide enough for nothing to be left out."""
    return {
        "format": 2,
        "name": "support",
        "version": "bench",
        "model": "gpt-4o-mini",
        "base_url": None,
        "dialect": "openai",
        "inputs": {"question": {"type": "string", "max_chars": 8000}},
        "partials": {"tone.md.j2": "Odpowiadaj krótko i uprzejmie."},
        "sections": [
            {
                "id": "system",
                "role": "system",
                "volatility": "static",
                "template": "Jesteś pomocnym doradcą.\n" * 40 + "{% include 'tone.md.j2' %}",
                "wrap": "instructions",
            },
            {
                "id": "shots",
                "role": "examples",
                "volatility": "static",
                "messages": [
                    {"role": role, "content": text}
                    for _ in range(4)
                    for role, text in (("user", QUESTION), ("assistant", ANSWER))
                ],
            },
            {"id": "profile", "role": "profile", "volatility": "per_user"},
            {
                "id": "history",
                "role": "history",
                "volatility": "per_conversation",
                "max_tokens": 120_000,
                "overflow": {"rule": "drop_oldest_turns"},
            },
            {"id": "docs", "role": "documents", "volatility": "per_turn"},
            {
                "id": "ask",
                "role": "user",
                "volatility": "per_turn",
                "template": "{{ question }}",
            },
        ],
        "budget": {"context_tokens": 128_000, "reserve_output": 1024},
        "memory": {
            "name": "m",
            "store": {"file": "memory.db"},
            "profile": {"name": {"type": "string", "inject": True}},
            "sessions": {"max_turns": max(LENGTHS)},
        },
    }


def spent(action) -> float:
    began = time.process_time()
    action()
    return (time.process_time() - began) * 1000


def child(code: str) -> float:
    """CPU milliseconds of a whole process."""
    process = subprocess.Popen([sys.executable, "-c", code])
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit("the process failed")
    return (usage.ru_utime + usage.ru_stime) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    runs = parser.parse_args().runs
    from tunectl.prompts import load
    from tunectl.prompts.dialects import DIALECTS, body

    documents = [{"text": ANSWER * 4, "source": f"docs/{at}.md", "score": 0.5} for at in range(5)]
    print("| turns | tokens | load, ms | given, ms | stored, ms | body, ms (slowest dialect) |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "support.json"
        file.write_text(written(artefact()), encoding="utf-8")
        for length in LENGTHS:
            history = [
                {"role": role, "content": f"{text} ({at})"}
                for at in range(length)
                for role, text in (("user", QUESTION), ("assistant", ANSWER))
            ]
            given = {
                "question": QUESTION,
                "profile": {"name": "Żaneta"},
                "history": history,
                "documents": documents,
            }
            prompt = load("support", path=file)
            kept = {"user": f"u{length}", "session": "s", "question": QUESTION}
            prompt.set_profile(user=f"u{length}", name="Żaneta")
            for at in range(length):
                asked, answer = history[2 * at]["content"], history[2 * at + 1]["content"]
                prompt.remember(user=f"u{length}", session="s", question=asked, answer=answer)
            rendered = prompt.render(**given)
            loading = [spent(lambda: load("support", path=file)) for _ in range(runs)]
            warm = [spent(lambda p=prompt, g=given: p.render(**g)) for _ in range(runs)]
            stored = [
                spent(lambda p=prompt, k=kept: p.render(documents=documents, **k))
                for _ in range(runs)
            ]
            bodies = max(
                statistics.median(spent(lambda d=d, r=rendered: body(d, r)) for _ in range(runs))
                for d in DIALECTS
            )
            print(
                f"| {length} | {rendered.tokens:,} | {statistics.median(loading):.2f} "
                f"| {statistics.median(warm):.2f} | {statistics.median(stored):.2f} "
                f"| {bodies:.2f} |"
            )
        once = (
            "from tunectl.prompts import load;"
            f"load('support', path={str(file)!r}).render(question='x', history=[], documents=[])"
        )
        pairs = [(child("pass"), child(once)) for _ in range(7)]
        bare, first = (statistics.median(one) for one in zip(*pairs, strict=True))
        print(f"\nfirst: {first:.0f} ms of CPU for the process, {bare:.0f} ms without")
    print("\n| example | stable prefix | could be |\n|---|---|---|")
    for name, now, possible in shares():
        print(f"| {name} | {now:.0%} | {possible:.0%} |")


def shares():
    """How much of each example's prompts a cache can keep, and how much it could (prompt lint)."""
    from tunectl.app.options import Options
    from tunectl.app.prompt_linting import lint

    for file in sorted(EXAMPLES.glob("*/tunectl.yaml")):
        if "prompt_template:" in file.read_text(encoding="utf-8"):
            for one in lint(Options(root=file.parent), ()):
                if one.stable is not None and one.possible is not None:
                    yield f"{file.parent.name} `{one.name}`", one.stable, one.possible


if __name__ == "__main__":
    main()

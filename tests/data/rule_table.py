"""Write the table of all rules with what proves them: `python -m tests.data.rule_table`.

The first part follows from the code, and a test fails when it is stale. The second is measured on
files of others, which lie beside the checkout and are not part of it; without them it stays as it
was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.data import planted, probe, unreadable
from tests.data.planting import Planted
from tests.data.test_data_real_inputs import INPUTS
from tunectl.core.errors import Severity
from tunectl.data.checks import RULES
from tunectl.data.dataset import DataSpec, read
from tunectl.data.policy import Policy
from tunectl.data.targets import Level, Target

_ROWS = "rows"
PAGE = Path(__file__).parents[2] / "docs" / "dataset-rules.md"
MEASURED = "<!-- measured -->"
OPENAI = Target("openai", "gpt-4.1-mini")
REAL = {
    "foundry_gsm8k_train.jsonl": OPENAI,
    "foundry_gsm8k_val.jsonl": OPENAI,
    "foundry_tool.jsonl": OPENAI,
    "anth_json_mode.jsonl": Target("bedrock"),
    "lf_glaive.json": OPENAI,
    "ru_alpaca_seed.jsonl": OPENAI,
}
# Judged row by row on JUDGED_ON: of the findings of a rule in a file, how many are false,
# and why. A count that has changed since is not judged.
JUDGED_ON = "2026-11-22"
JUDGED: dict[tuple[str, str], tuple[int, int, str]] = {
    ("unknown-key", "ru_alpaca_seed.jsonl"): (649, 0, ""),
    ("provider-rows", "ru_alpaca_seed.jsonl"): (649, 0, ""),
    ("template-residue", "anth_json_mode.jsonl"): (
        2,
        2,
        "two answers explain a form of letter and of sentence, with gaps",
    ),
    ("template-residue", "ru_alpaca_seed.jsonl"): (4, 2, "two questions are about filling in gaps"),
    ("password", "lf_glaive.json"): (8, 8, "made-up passwords, answers of a tool that makes some"),
    ("refusal", "foundry_tool.jsonl"): (14, 3, "three answers ask for what is missing"),
    ("refusal", "lf_glaive.json"): (18, 0, ""),
    ("volatile-fact", "anth_json_mode.jsonl"): (2, 0, ""),
    ("volatile-fact", "ru_alpaca_seed.jsonl"): (2, 0, ""),
    ("duplicate-row", "lf_glaive.json"): (35, 0, ""),
    ("near-duplicate", "foundry_tool.jsonl"): (3, 3, "the same question about another company"),
    ("near-duplicate", "lf_glaive.json"): (28, 1, "the same question about another city"),
    ("answer-length", "anth_json_mode.jsonl"): (5, 5, "short and right"),
    ("cut-answer", "lf_glaive.json"): (2, 0, ""),
}
HEAD = """# The rules of datasets

Every rule of `tunectl dataset check`, with a dataset that is planted to break it. A test reads each
planted dataset and its nearest clean twin: the first must be told by this rule and by no other, at
its line and with its severity; the second must break no rule at all. `tunectl dataset rules` prints
the same rules. Written by `python -m tests.data.rule_table`.
"""
UNREADABLE = """## What cannot be read

These are no rules: nothing allows them, and the run ends with exit 1. Each is tested in the same
way, with bytes that are refused and their nearest twin that is read.
"""
NUMBERS = """## The numbers

The rules D01 to D32 are numbered as in the table that they were built from; what it lacks has no
number.
"""
PROBE = """## The probe of six defects

One file of 100 rows with six defects, checked for `{target}` in one run. A test holds it to six.
"""
ASKED = {Level.SYNTAX: "always", Level.DEFAULT: "by default", Level.ALL: "with `--all`"}
# What stands behind a number and is neither a rule nor a refusal to read.
ELSEWHERE = {"D03": "rows end at a line feed only, so no text changes their count (tested)"}


def static_part() -> str:
    """What follows from the code."""
    parts = [HEAD, *_rules(), "", UNREADABLE, *_unreadable(), "", NUMBERS, *_numbers(), ""]
    return "\n".join([*parts, PROBE.format(target=probe.TARGET), *_probe(), ""])


def _rules() -> Iterator[str]:
    yield "| rule | D | severity | asked | why | what to do | planted |"
    yield "|---|---|---|---|---|---|---|"
    for one in RULES.values():
        cases = [case for case in planted.CASES if case.rule == one.name]
        found = "; ".join(case.what for case in cases)
        asked = f"{ASKED[one.level]}{_needs(cases)}"
        named, weight = f"`{one.name}`", one.severity.value
        cells = (named, one.number, weight, asked, one.reason, one.hint, found)
        yield f"| {' | '.join(map(_cell, cells))} |"


def _needs(cases: list[Planted]) -> str:
    """What a rule must be given to speak."""
    found = []
    if all(case.project for case in cases):
        found.append("in a project")
    elif all(case.targets for case in cases):
        found.append("with `--for`")
    if all("split" in case.options or isinstance(case.broken, dict) for case in cases):
        found.append("with splits")
    if all("output" in case.options for case in cases):
        found.append("with `checks: {output: …}`")
    return "".join(f", {one}" for one in found)


def _unreadable() -> Iterator[str]:
    yield "| said | D | planted |"
    yield "|---|---|---|"
    for code in dict.fromkeys(case.code for case in unreadable.CASES):
        cases = [case for case in unreadable.CASES if case.code == code]
        yield f"| `{code}` | {cases[0].number} | {'; '.join(case.what for case in cases)} |"


def _numbers() -> Iterator[str]:
    yield "| D | what stands behind it |"
    yield "|---|---|"
    for index in range(1, 33):
        number = f"D{index:02}"
        named = [f"`{name}`" for name, rule in RULES.items() if rule.number == number]
        named += dict.fromkeys(f"`{c.code}`" for c in unreadable.CASES if c.number == number)
        named += [ELSEWHERE[number]] if number in ELSEWHERE else []
        yield f"| {number} | {', '.join(named) or 'nothing yet'} |"


def _probe() -> Iterator[str]:
    yield "| line | planted | found by |"
    yield "|---|---|---|"
    for line, what, code, _ in probe.DEFECTS:
        yield f"| {line} | {what} | `{code}` |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def counts(name: str, target: Target) -> dict[str, int]:
    """How often each rule is broken in a real file, all rules asked."""
    policy = Policy(allow=dict.fromkeys(RULES, "counted"))
    spec = DataSpec(source=name)
    dataset, found = read(spec, INPUTS, targets=(target,), level=Level.ALL, policy=policy)
    assert dataset is not None
    counted = {}
    for one in found:
        times = re.search(r"found ([\d,]+) times: counted$", one.summary)
        if times is not None:
            counted[one.code] = int(times[1].replace(",", ""))
    return {_ROWS: len(dataset.marks), **counted}


def measured_part() -> str:
    """What is found in the real files today; what the page says now where they are not there."""
    if not INPUTS.is_dir():
        return PAGE.read_text(encoding="utf-8").partition(MEASURED)[2].strip()
    today = datetime.now(UTC).date()
    found = {name: counts(name, target) for name, target in REAL.items()}
    how = (
        f"Measured on {today}, with `--all` and `--for` the provider beneath the name; no number "
        "means none. A finding is no false alarm by itself."
    )
    lines = [
        "## What is found in clean files of others",
        "",
        how,
        "",
        f"| rule | severity | {' | '.join(f'`{name}`' for name in REAL)} |",
        f"|---|---|{'---|' * len(REAL)}",
        f"| for | | {' | '.join(map(str, REAL.values()))} |",
        f"| rows | | {' | '.join(f'{one[_ROWS]:,}' for one in found.values())} |",
    ]
    for rule in RULES.values():
        if any(rule.name in one for one in found.values()):
            cells = " | ".join(f"{one.get(rule.name, '')}" for one in found.values())
            lines.append(f"| `{rule.name}` | {rule.severity.value} | {cells} |")
    lines += ["", *_judged(found)]
    silent = [f"`{name}`" for name in RULES if not any(name in one for one in found.values())]
    return "\n".join([*lines, "", f"Of no row of these files: {', '.join(silent)}."])


def _judged(found: dict[str, dict[str, int]]) -> Iterator[str]:
    errors = [name for name, rule in RULES.items() if rule.severity is Severity.ERROR]
    wrong = sum(false for (rule, _), (_, false, _) in JUDGED.items() if rule in errors)
    yield (
        f"Judged row by row on {JUDGED_ON}: how many findings are false alarms, and why. Of the "
        f"errors: {wrong}."
    )
    yield ""
    yield "| rule | file | findings | false | why |"
    yield "|---|---|---|---|---|"
    for name, counted in found.items():
        for rule, count in counted.items():
            if rule not in RULES or RULES[rule].severity is Severity.INFO:
                continue
            judged = JUDGED.get((rule, name), (-1, 0, ""))
            false, why = (judged[1], judged[2]) if judged[0] == count else ("not judged", "")
            yield f"| `{rule}` | `{name}` | {count} | {false} | {why} |"


if __name__ == "__main__":
    PAGE.write_text(f"{static_part()}\n{MEASURED}\n\n{measured_part()}\n", encoding="utf-8")

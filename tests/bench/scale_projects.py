"""The same project for both tools: so many resources, every fourth refers to the one before it.

Ours are endpoints and tuning jobs with a provider of this process; Terraform's are its builtin
`terraform_data`, with inputs of the same length. Terraform's first state is written by hand where
an apply would take an hour; a plan that says "No changes." proves it right.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

HEAD = """\
project: scale
state: state/
providers:
  simulated: {}
dataset:
  rows: {source: rows.jsonl}
"""
_ROW = (
    '{{"messages": [{{"role": "user", "content": "Question number {0}, asked in {1} words?"}}, '
    '{{"role": "assistant", "content": "Answer {0}: please look at section {1}."}}]}}\n'
)

Resources = Mapping[str, list[str]]  # lines of YAML by kind


def endpoint(at: int, model: str, edition: str = "") -> str:
    """One endpoint, four lines."""
    return (
        f"  r{at}:\n"
        f"    model: {model}\n"
        f'    labels: {{team: "team {at % 17}{edition}", purpose: "answers for queue {at}"}}\n'
    )


def job(at: int, base: str, edition: str = "") -> str:
    """One tuning job."""
    return (
        f"  r{at}:\n"
        f"    base_model: {base}\n"
        f"    data: dataset.rows\n"
        f"    method: {{type: supervised, epochs: {1 + at % 5}}}\n"
        f"    suffix: queue-{at}{edition}\n"
    )


def every_fourth(count: int, changed: frozenset[int] = frozenset()) -> Resources:
    """Three that stand alone, then one that refers to the one before it."""
    found: dict[str, list[str]] = {"tuning_job": [], "endpoint": []}
    for at in range(count):
        edition = "b" if at in changed else ""
        if at % 4 == 2:
            found["tuning_job"].append(job(at, f"base-{at % 7}{edition}"))
        elif at % 4 == 3:
            found["endpoint"].append(endpoint(at, f"tuning_job.r{at - 1}", edition))
        else:
            found["endpoint"].append(endpoint(at, f"model-{at % 11}{edition}"))
    return found


def alone(count: int) -> Resources:
    """No references at all."""
    return {"endpoint": [endpoint(at, f"model-{at % 11}") for at in range(count)]}


def chain(count: int) -> Resources:
    """Each is trained further from the one before it."""
    return {"tuning_job": [job(at, f"tuning_job.r{at - 1}" if at else "m") for at in range(count)]}


def fan_out(count: int) -> Resources:
    """All refer to one."""
    many = [endpoint(at, "tuning_job.r0") for at in range(1, count)]
    return {"tuning_job": [job(0, "m")], "endpoint": many}


def fan_in(count: int) -> Resources:
    """One needs all the others."""
    many = [endpoint(at, f"model-{at % 11}") for at in range(1, count)]
    names = ", ".join(f"endpoint.r{at}" for at in range(1, count))
    return {"tuning_job": [job(0, "m") + f"    depends_on: [{names}]\n"], "endpoint": many}


def tree(count: int) -> Resources:
    """Each is trained further from the one at half its number."""
    return {"tuning_job": [job(i, f"tuning_job.r{i // 2}" if i else "m") for i in range(count)]}


def layers(count: int) -> Resources:
    """Layers of ten; each needs all ten of the layer before."""
    many = []
    for at in range(count):
        before = range(at - at % 10 - 10, at - at % 10) if at >= 10 else ()
        names = ", ".join(f"endpoint.r{b}" for b in before)
        many.append(endpoint(at, f"model-{at % 11}") + f"    depends_on: [{names}]\n")
    return {"endpoint": many}


SHAPES: Mapping[str, Callable[[int], Resources]] = {
    "every fourth": every_fourth,
    "alone": alone,
    "chain": chain,
    "fan out": fan_out,
    "fan in": fan_in,
    "tree": tree,
    "layers": layers,
}


def ours(folder: Path, resources: Resources) -> None:
    """Write a project of ours."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = "".join(_ROW.format(number, number * 7919) for number in range(24))
    (folder / "rows.jsonl").write_text(rows, encoding="utf-8")
    blocks = "".join(f"{kind}:\n{''.join(lines)}" for kind, lines in resources.items() if lines)
    (folder / "tunectl.yaml").write_text(HEAD + blocks, encoding="utf-8")


def _input(at: int, changed: bool) -> dict[str, str]:
    edition = "b" if changed else ""
    if at % 4 == 2:
        return {
            "base_model": f"base-{at % 7}{edition}",
            "data": "dataset.rows",
            "epochs": str(1 + at % 5),
            "suffix": f"queue-{at}",
        }
    return {
        "model": "" if at % 4 == 3 else f"model-{at % 11}{edition}",
        "team": f"team {at % 17}{edition if at % 4 == 3 else ''}",
        "purpose": f"answers for queue {at}",
    }


def terraform(folder: Path, count: int, changed: frozenset[int] = frozenset()) -> None:
    """Write a project of Terraform's."""
    folder.mkdir(parents=True, exist_ok=True)
    blocks = []
    for at in range(count):
        lines = []
        for key, value in _input(at, at in changed).items():
            refers = at % 4 == 3 and key == "model"
            shown = f"terraform_data.r{at - 1}.output.base_model" if refers else json.dumps(value)
            lines.append(f"    {key} = {shown}\n")
        blocks.append(
            f'resource "terraform_data" "r{at}" {{\n  input = {{\n{"".join(lines)}  }}\n}}\n'
        )
    (folder / "main.tf").write_text("".join(blocks), encoding="utf-8")


def terraform_state(folder: Path, count: int) -> None:
    """Write the state that an apply of `terraform(folder, count)` would leave."""
    found = []
    for at in range(count):
        value = _input(at, False)
        if at % 4 == 3:
            value["model"] = _input(at - 1, False)["base_model"]
        held = {"value": value, "type": ["object", dict.fromkeys(value, "string")]}
        instance = {
            "schema_version": 0,
            "attributes": {
                "id": str(uuid.uuid5(uuid.NAMESPACE_OID, str(at))),
                "input": held,
                "output": held,
                "triggers_replace": None,
            },
            "sensitive_attributes": [],
        }
        if at % 4 == 3:
            instance["dependencies"] = [f"terraform_data.r{at - 1}"]
        found.append(
            {
                "mode": "managed",
                "type": "terraform_data",
                "name": f"r{at}",
                "provider": 'provider["terraform.io/builtin/terraform"]',
                "instances": [instance],
            }
        )
    state = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": str(uuid.uuid4()),
        "outputs": {},
        "resources": found,
        "check_results": None,
    }
    text = json.dumps(state, indent=2) + "\n"
    (folder / "terraform.tfstate").write_text(text, encoding="utf-8")

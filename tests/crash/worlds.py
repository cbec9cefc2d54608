"""The smallest projects: what is declared, what is done, and what must be there afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ROWS = 16

HEAD = """\
project: pomoc
default_provider: local
providers:
  local: {trainer: simulated}
"""
GENERIC = """\
project: pomoc
default_provider: remote
providers:
  remote: {type: openai, base_url: "http://127.0.0.1:PORT/v1", key_env: CRASH_KEY}
"""
OPENAI = GENERIC.replace("{type: openai,", "{type: openai, profile: openai,")
DATASET = """
dataset:
  support: {source: rows.jsonl, split: {SPLITS, seed: 7}}
"""
ONE, TWO = "test: 20%", "validation: 20%, test: 10%"
JOB = """
tuning_job:
  support:
    base_model: simulated-1
    data: dataset.support
    method: {type: supervised, epochs: 1}
    lifecycle: {keep_previous: 0}
"""
ENDPOINT = """
endpoint:
  support: {model: tuning_job.support}
"""
PROMPT = """
prompt_template:
  support:
    model: simulated-1
    inputs: {question: {type: string}}
    sections: [{id: ask, role: user, template: "Żółw: {{ question }}"}]
"""
KNOWLEDGE = """
knowledge_base:
  manual: {sources: [zwroty.md], chunking: {size: 60, overlap: 0}, embedding: {model: none}}
"""
DOCUMENT = "# Zwroty\n\nTowar można oddać w ciągu 14 dni. Возврат занимает неделю.\n"
OUTPUTS = """
outputs:
  model: {value: "gotowe: ${project}", write: [deploy/model.json, deploy/drugi.json]}
"""
MOVED = """
moved: [{from: tuning_job.support, to: tuning_job.pomoc}]
"""

APPLY = ("apply", "--auto-approve")
DESTROY = ("destroy", "--auto-approve")
JOB_ADDRESS = "tuning_job.support"


def _data(splits: str, head: str = HEAD) -> str:
    return head + DATASET.replace("SPLITS", splits)


@dataclass(frozen=True, kw_only=True)
class World:
    """One small project at the moment before a command.

    Attributes:
        before: the declaration that was applied earlier; empty for a fresh project.
        now: the declaration that the command carries out.
        command: the command that is killed or hindered.
        splits: of the files that must be there afterwards, sorted.
        epochs: of the one model that must be there, None for no model.
        alias: whether an alias must stand for that model.
        jobs_ever: how many jobs were ever created, by address.
        artefacts: files of the project that must be whole and as declared.
        unsure: addresses for which a list cannot prove absence.
        keeps_lock: whether the lock is kept while a job runs, or let go at once.
        foreign: whether the server has a job of somebody else, which carries no metadata.
    """

    before: str = ""
    now: str
    command: tuple[str, ...] = APPLY
    splits: tuple[str, ...] = ()
    epochs: int | None = None
    alias: bool = False
    jobs_ever: Mapping[str, int] = field(default_factory=dict)
    artefacts: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    foreign: bool = False
    keeps_lock: bool = True


_MADE = _data(ONE) + JOB
_SERVED = _MADE + ENDPOINT
_ONCE = {JOB_ADDRESS: 1}

WORLDS: Mapping[str, World] = {
    "outputs": World(now=HEAD + OUTPUTS, artefacts=("deploy/model.json", "deploy/drugi.json")),
    "prompt": World(now=HEAD + PROMPT, artefacts=(".tunectl/prompts/default/support.json",)),
    "knowledge": World(now=HEAD + KNOWLEDGE),
    "knowledge anew": World(
        before=HEAD + KNOWLEDGE, now=HEAD + KNOWLEDGE.replace("size: 60", "size: 50")
    ),
    "job": World(now=_MADE, splits=("train",), epochs=1, jobs_ever=_ONCE),
    "endpoint": World(
        before=_MADE, now=_SERVED, splits=("train",), epochs=1, alias=True, jobs_ever=_ONCE
    ),
    "let go": World(
        now=_SERVED, keeps_lock=False, splits=("train",), epochs=1, alias=True, jobs_ever=_ONCE
    ),
    "two files": World(
        now=_data(TWO) + JOB, splits=("train", "validation"), epochs=1, jobs_ever=_ONCE
    ),
    "move": World(
        before=_SERVED.replace("keep_previous: 0", "keep_previous: 1"),
        now=_SERVED.replace("keep_previous: 0", "keep_previous: 1").replace(
            "epochs: 1", "epochs: 2"
        ),
        splits=("train",),
        epochs=2,
        alias=True,
        jobs_ever={JOB_ADDRESS: 2},
    ),
    "replace": World(
        before=_SERVED,
        now=_SERVED.replace("epochs: 1", "epochs: 2"),
        splits=("train",),
        epochs=2,
        alias=True,
        jobs_ever={JOB_ADDRESS: 2},
    ),
    "rename": World(
        before=_MADE,
        now=_MADE.replace("tuning_job:\n  support:", "tuning_job:\n  pomoc:") + MOVED,
        splits=("train",),
        epochs=1,
        jobs_ever=_ONCE,
    ),
    "destroy": World(before=_SERVED, now=_SERVED, command=DESTROY, jobs_ever=_ONCE),
    "openai": World(
        now=_data(ONE, OPENAI) + JOB + ENDPOINT, splits=("train",), epochs=1, jobs_ever=_ONCE
    ),
    "unsure": World(
        foreign=True,
        now=_data(ONE, GENERIC) + JOB,
        splits=("train",),
        epochs=1,
        jobs_ever=_ONCE,
        unsure=(JOB_ADDRESS,),
    ),
    "all": World(
        now=_SERVED + PROMPT + OUTPUTS,
        splits=("train",),
        epochs=1,
        alias=True,
        jobs_ever=_ONCE,
        artefacts=("deploy/model.json",),
    ),
    "ask": World(
        before=_SERVED,
        now=_SERVED,
        command=("ask", "endpoint.support", "Gdzie jest żółw?"),
        splits=("train",),
        epochs=1,
        alias=True,
        jobs_ever=_ONCE,
    ),
}


def row(number: int) -> str:
    """One example as a line of JSON."""
    import json

    question = f"Pytanie numer {number}: gdzie jest żółw {number * 7}?"
    answer = f"Żółw {number * 7} jest w domu. Привет {number}!"
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": turns}, ensure_ascii=False)

"""Prompts beside the data their model was tuned on: one system message, and no test row shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tunectl.config.drafts import Draft
from tunectl.config.uses import trained_on
from tunectl.config.world import World
from tunectl.core.errors import Diagnostic, Exit, Severity, Source
from tunectl.core.value import Address, Ref
from tunectl.data.checks import settled
from tunectl.data.checks.rule import Rule
from tunectl.data.checks.served import EXAMPLES_IN_TEST, OTHER_SYSTEM
from tunectl.data.facts import Facts
from tunectl.data.policy import Policy
from tunectl.kinds import DATASET
from tunectl.kinds.prompt_template import PromptTemplate

_TEST = "test"


def check_served(world: World) -> None:
    """Tell where a prompt asks a tuned model otherwise than it was taught, or shows test rows."""
    for draft in world.drafts.values():
        if isinstance(draft.model, PromptTemplate) and draft.address in world.resources:
            _check_system(world, draft)
            _check_examples(world, draft)


def _check_system(world: World, draft: Draft) -> None:
    asked = _system(world, draft)
    for address in _taught_by(world, draft):
        dataset = world.datasets.get(address)
        facts = dataset.marks.facts if dataset is not None else None
        if asked is None or facts is None:
            continue
        severity, text = _differs(asked, facts)
        if text:
            told = f"{text} of `{address}`, on which its model is tuned"
            _tell(world, draft, address, OTHER_SYSTEM, severity, told)


def _differs(asked: str, facts: Facts) -> tuple[Severity, str]:
    """How much it matters, and what differs; no text where nothing does or nobody can tell."""
    taught = {text.strip() for text in facts.prompts}
    if asked in taught or facts.other_prompts or (facts.bare.rows and not asked):
        return Severity.INFO, ""
    if not taught:
        if not asked:
            return Severity.INFO, ""
        return Severity.WARNING, "the prompt has a system message, and no row has one"
    if not asked:
        return Severity.ERROR, "the prompt has no system message, and every row has one"
    return Severity.ERROR, "the system message of the prompt stands in no row"


def _system(world: World, draft: Draft) -> str | None:
    """The prompt's system message, empty without one; None where it depends on inputs."""
    sections = world.resources[draft.address].spec["sections"]
    assert isinstance(sections, tuple)
    told = [one for one in sections if isinstance(one, dict)]
    if any(one.get("role") == "profile" and one.get("as") != "user" for one in told):
        return None  # it says of each user something else
    if any("wrap" in one for one in told if one.get("role") == "system"):
        return None
    texts = [str(one["template"]) for one in told if one.get("role") == "system"]
    if len(texts) > 1 or any("{{" in text or "{%" in text for text in texts):
        return None
    return texts[0].strip() if texts else ""


def _taught_by(world: World, draft: Draft) -> Iterator[Address]:
    """The datasets on which the prompt's model is tuned."""
    value = world.resources[draft.address].spec["model"]
    while isinstance(value, Ref):
        job = world.drafts.get(value.address)
        if job is not None and value.address.kind == "tuning_job":
            yield from trained_on(world, job)
            return
        found = world.resources.get(value.address)
        value = found.spec.get("model") if found is not None else None


def _check_examples(world: World, draft: Draft) -> None:
    model = draft.model
    assert isinstance(model, PromptTemplate)
    sections = world.resources[draft.address].spec["sections"]
    assert isinstance(sections, tuple)
    for number, section in enumerate(sections):
        shown = section.get("examples") if isinstance(section, dict) else None
        if not isinstance(shown, dict):
            continue
        address, split = Address.parse(str(shown["dataset"])), str(shown["split"])
        inputs = _inputs(world, address, split)
        for other in world.datasets:
            common = len(inputs & _inputs(world, other, _TEST))
            if common:
                where = "are" if (other, _TEST) == (address, split) else "stand in"
                text = f"examples of the prompt {where} the split `{_TEST}` of `{other}`"
                at = draft.at("sections", number, "examples")
                _tell(world, draft, other, EXAMPLES_IN_TEST, Severity.ERROR, text, at)


def _inputs(world: World, address: Address, split: str) -> set[int]:
    dataset = world.datasets.get(address)
    if dataset is None or split not in dataset.marks.splits:
        return set()
    marks, number = dataset.marks, dataset.marks.splits.index(split)
    pairs = zip(marks.inputs, marks.of_split, strict=True)
    return {asked for asked, of_split in pairs if of_split == number}


def _tell(  # one message's facts
    world: World,
    draft: Draft,
    dataset: Address,
    rule: Rule,
    severity: Severity,
    text: str,
    at: Source | None = None,
) -> None:
    """Say what is broken, unless the dataset or the project allows it."""
    owner = world.drafts[dataset].model
    assert DATASET.fits(owner)
    policy, _ = settled(Policy(allow=owner.checks.allow).over(world.policy))
    severity = policy.severity.get(rule.name, severity) or Severity.INFO
    if rule.name in policy.allow or severity is Severity.INFO:
        return
    made = Diagnostic(
        summary=text,
        severity=severity,
        detail=f"rule `{rule.name}` ({rule.number}): {rule.reason}",
        hint=rule.hint,
        code=rule.name,
        address=str(draft.address),
        source=at or draft.at("sections"),
    )
    error = severity is Severity.ERROR
    world.problems.add(replace(made, exit=Exit.REFUSED if error else Exit.DONE))

"""prompt lint: what is wrong with a prompt before anybody is asked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tunectl.app.options import Options
from tunectl.app.prompting import KIND, Template, compiled_in_memory, provider_of, templates
from tunectl.config.load import declared_prompts
from tunectl.config.prompt_places import PromptPlaces
from tunectl.core.errors import ConfigError, Diagnostic, Exit, Severity
from tunectl.core.value import Address
from tunectl.prompts import PromptError
from tunectl.prompts.expectations import failures
from tunectl.prompts.lint import Finding
from tunectl.prompts.lint import lint as rules
from tunectl.prompts.prefix import prefix
from tunectl.prompts.prompt import Prompt

_NOWHERE = PromptPlaces()
_FLOOR = "cache-floor"
_OURS = frozenset({"local", "tunectl"})
_SEVERITIES = {"E": Severity.ERROR, "W": Severity.WARNING, "I": Severity.INFO}


@dataclass(frozen=True, kw_only=True)
class Linted:
    """What was found in one template.

    Attributes:
        name: its own; empty where the declaration already refuses.
        findings: the worst first.
        tests: how many were run.
        stable: the share of the prompt that a cache can keep, 0 to 1; None where it cannot be
            rendered.
        possible: the share that it could keep, with its parts in another order.
    """

    name: str
    findings: tuple[Diagnostic, ...]
    tests: int = 0
    stable: float | None = None
    possible: float | None = None


def lint(options: Options, names: tuple[str, ...], *, strict: bool = False) -> tuple[Linted, ...]:
    """Look at templates: these, or all of them for none.

    A declaration that a rule refuses (a model asked otherwise than it was taught) is a finding
    too; one that cannot be read is not.

    Args:
        options: the project.
        names: of templates.
        strict: whether warnings count as errors.

    Raises:
        ConfigError: the declaration cannot be used, or there is no such template.
    """
    try:
        loaded, resources = templates(options, names)
    except ConfigError as error:
        if error.exit is not Exit.REFUSED:
            raise
        return (Linted(name="", findings=error.diagnostics),)
    places = declared_prompts(
        options.root,
        environ=os.environ,
        env=options.env,
        variables=options.named,
        var_files=options.var_files,
    )
    told = loaded.project.warnings
    return tuple(
        _linted(
            compiled_in_memory(options, loaded, one, sending=False),
            places.get(one.address, _NOWHERE),
            _about(told, one.address),
            strict=strict,
        )
        for one in resources
    )


def _about(told: Iterable[Diagnostic], address: Address) -> tuple[Diagnostic, ...]:
    """What loading noticed about a template: how its model was taught, and what is unused."""
    return tuple(one for one in told if one.address == str(address))


def _linted(
    made: Template, where: PromptPlaces, told: tuple[Diagnostic, ...], *, strict: bool
) -> Linted:
    prompt = made.opened()
    said = {one.code for one in told}
    if not _caches(made):
        said.add(_FLOOR)
    found = [*told, *(one for one in _rules(prompt, where) if one.code not in said)]
    found += _tests(prompt, where)
    weighed = [_weighed(one, made, strict=strict) for one in found]
    ranks = list(Severity)
    stable, possible = _shares(prompt)
    return Linted(
        name=made.name,
        findings=tuple(sorted(weighed, key=lambda one: ranks.index(one.severity))),
        tests=len(where.tests),
        stable=stable,
        possible=possible,
    )


def _caches(made: Template) -> bool:
    """Whether the service has a prompt cache that a prefix may be too short for; ours has none."""
    try:
        type_ = made.project.providers[provider_of(made)].type
    except (ConfigError, KeyError):
        return True
    return type_ not in _OURS


def _rules(prompt: Prompt, where: PromptPlaces) -> Iterator[Diagnostic]:
    for one in rules(prompt):
        made = _diagnostic(one)
        yield replace(made, source=where.sections.get(one.section))


def _tests(prompt: Prompt, where: PromptPlaces) -> Iterator[Diagnostic]:
    for test, source in where.tests:
        for one in failures(prompt, test):
            yield replace(_diagnostic(one), source=source)


def _diagnostic(found: Finding) -> Diagnostic:
    return Diagnostic(
        summary=found.message,
        severity=_SEVERITIES[found.severity],
        hint=found.hint,
        code=found.rule,
    )


def _weighed(found: Diagnostic, made: Template, *, strict: bool) -> Diagnostic:
    """Return a finding that refuses where it is an error: exit 3, as a check of data does."""
    severity = found.severity
    if strict and severity is Severity.WARNING:
        severity = Severity.ERROR
    refuses = Exit.REFUSED if severity is Severity.ERROR else Exit.DONE
    address = found.address or f"{KIND}.{made.name}"
    source = found.source or made.resource.source
    return replace(found, severity=severity, exit=refuses, address=address, source=source)


def _shares(prompt: Prompt) -> tuple[float | None, float | None]:
    try:
        found = prefix(prompt)
    except PromptError:
        return None, None
    return found.share, found.possible_share

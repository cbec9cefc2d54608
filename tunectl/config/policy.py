"""`checks:` at the top level, and policy files: what was decided about the rules of datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from tunectl.config.looked import Looked
from tunectl.config.node import File, Node, plain
from tunectl.config.problems import Problems, listed
from tunectl.config.reading import read_text
from tunectl.config.source import parse
from tunectl.config.validating import validated
from tunectl.core.errors import Severity, Source
from tunectl.data.policy import NO_POLICY, Policy
from tunectl.kinds import POLICY

if TYPE_CHECKING:
    from tunectl.kinds.checks import PolicyFields, ProjectChecks


def project_policy(
    said: ProjectChecks | None, node: Node | None, root: Path, problems: Problems, looked: Looked
) -> Policy:
    """Return what the project decided, its policy file underneath.

    Args:
        said: what stands under `checks:`.
        node: where it stands.
        root: the project's folder, from which the path of the file counts.
        problems: takes what is wrong.
        looked: takes what was read.
    """
    if said is None or node is None:
        if node is not None and node.key is not None:  # there, and of another form, which is told
            _rules(node, problems)
        return NO_POLICY
    own = _policy(said, node, problems)
    if said.policy is None:
        return own
    found = node.find(("policy",))
    at = (found[0] if found[1] else node).source
    return own.over(read_policy(root / said.policy, said.policy, problems, at, looked))


def read_policy(
    path: Path,
    name: str,
    problems: Problems,
    at: Source | None = None,
    looked: Looked | None = None,
) -> Policy:
    """Return what a policy file says; what is wrong with it goes to the problems.

    Args:
        path: where it is.
        name: how a user would type it.
        problems: takes what is wrong.
        at: where it is named; None when that is the command line.
        looked: takes what was read.
    """
    text = read_text(path, name, problems, at, looked)
    node = parse(File(name, text), problems) if text is not None and text.strip() else None
    if node is None or node.value is None:
        return NO_POLICY
    fields = validated(POLICY, node, plain(node), problems, name)
    if fields is None:
        _rules(node, problems)  # told at once with what does not fit
        return NO_POLICY
    return _policy(fields, node, problems)


def read_schema(
    path: Path, name: str, problems: Problems, at: Source, looked: Looked
) -> dict[str, Any] | None:
    """Return the map in a JSON file, None when there is none; the reason goes to the problems."""
    text = read_text(path, name, problems, at, looked)
    if text is None:
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        problems.error(f"`{name}` is not JSON: {error}", at, code="bad-output")
        return None
    if not isinstance(value, dict):
        problems.error(f"`{name}` holds no JSON Schema", at, code="bad-output")
        return None
    return value


def _policy(fields: PolicyFields, node: Node, problems: Problems) -> Policy:
    """Return the policy without the names that are no rules, which are told."""
    known = _rules(node, problems)
    return Policy(
        {
            name: None if weight == "off" else Severity(weight)
            for name, weight in fields.severity.items()
            if ("severity", name) in known
        },
        {n: value for n, value in fields.thresholds.items() if ("thresholds", n) in known},
        {n: reason for n, reason in fields.allow.items() if ("allow", n) in known},
    )


def _rules(node: Node, problems: Problems) -> set[tuple[str, str]]:
    """Return the fields with the names of rules that stand in them; what is no rule is told."""
    fields = [(field, node.find((field,))) for field in ("severity", "thresholds", "allow")]
    return {
        (field, name)
        for field, (named, there) in fields
        for name, _ in (named.items() if there and named.is_map else ())
        if _is_rule(field, name, node, problems)
    }


def _is_rule(field: str, name: str, node: Node, problems: Problems) -> bool:
    from tunectl.data.checks import RULES, near_rule, rules_called  # all rules for rows

    rules = rules_called(name)
    found, there = node.find((field, name))
    at = found.key_source if there else node.source
    if not rules:
        problems.error(f"there is no check `{name}`", at, code="unknown-rule", hint=near_rule(name))
    elif field == "thresholds" and all(rule.threshold is None for rule in rules):
        having = sorted(rule.name for rule in RULES.values() if rule.threshold is not None)
        problems.error(
            f"`{name}` compares with no number",
            at,
            code="unknown-threshold",
            hint=f"rules that do are {listed(having)}",
        )
    else:
        return True
    return False

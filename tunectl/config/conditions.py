"""`validation:` of variables: conditions that their values must fulfil.

A condition is one `${…}` over `var` alone, as Terraform's may look at other variables too; it is
checked when every variable of the module has its value, and only for values known when planning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tunectl.config.expression import BadExpressionError, evaluate, names_in
from tunectl.config.node import Node, sort
from tunectl.config.problems import Problems
from tunectl.config.refs import References
from tunectl.config.scope import Broken, Scope
from tunectl.config.template import Evaluator, Expr, UnclosedError, split, spot
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Source
from tunectl.core.value import Join, Ref


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry under `validation:`.

    Attributes:
        variable: its name.
        node: the entry.
        origin: how a user would name the place that gave the value; empty where `source` says it.
        source: where the value stands, else where the variable is declared.
    """

    variable: str
    node: Node
    origin: str
    source: Source

    @property
    def condition(self) -> Node:
        """What must be true."""
        return self.node.find(("condition",))[0]


def check_conditions(
    rules: Sequence[Rule],
    values: Mapping[str, object],
    sensitive: frozenset[str],
    problems: Problems,
) -> None:
    """Tell which values do not fulfil what is declared of them."""
    open_ = Scope(variables=values)
    shown = Scope(variables=values, sensitive=sensitive)
    for rule in rules:
        text = _expression(rule, problems)
        if text is None or not _about(rule, text, problems):
            continue
        if any(not _known(values.get(name)) for name in _named(text)):
            continue
        try:
            holds = evaluate(text, open_, secrets=False)
        except BadExpressionError as error:
            problems.error(error.summary, _place(rule), code=error.code, hint=error.hint)
            continue
        if isinstance(holds, Broken):
            continue
        if not isinstance(holds, bool):
            problems.error(
                f"`condition` must be true or false, not {sort(holds)}",
                _place(rule),
                code="bad-condition",
                hint=f"compare: such as `${{var.{rule.variable} != …}}`",
            )
        elif not holds:
            _say(rule, shown, values, problems)


def _expression(rule: Rule, problems: Problems) -> str | None:
    node = rule.condition
    said = node.value if isinstance(node.value, str) else ""
    try:
        parts = split(said.strip())  # a block scalar ends in a line break
    except UnclosedError:
        parts = ()
    if len(parts) == 1 and isinstance(parts[0], Expr):
        return parts[0].text
    problems.error(
        "`condition` must be one `${…}`, from its beginning to its end",
        node.source,
        code="bad-condition",
        hint=f"such as `${{var.{rule.variable} > 0}}`",
    )
    return None


def _about(rule: Rule, text: str, problems: Problems) -> bool:
    """Whether a condition speaks of its variable and of nothing but variables."""
    try:
        names = names_in(text)
    except BadExpressionError as error:
        problems.error(error.summary, _place(rule), code=error.code, hint=error.hint)
        return False
    for root, _ in names:
        if root != "var":
            hint = f"did you mean `var.{root}`?" if root == rule.variable else "use `var.NAME`"
            problems.error(
                f"`condition` may look at variables only, not at `{root}`",
                _place(rule),
                code="bad-condition",
                hint=hint,
            )
            return False
    if ("var", rule.variable) in names or ("var", None) in names:
        return True
    problems.error(
        f"`condition` does not look at `var.{rule.variable}`",
        _place(rule),
        code="bad-condition",
        hint="a rule stands at the variable it is about",
    )
    return False


def _named(text: str) -> Iterator[str]:
    yield from (name for root, name in names_in(text) if root == "var" and name is not None)


def _known(value: object) -> bool:
    return not isinstance(value, Broken | Ref | Join)


def _place(rule: Rule) -> Source:
    node = rule.condition
    return spot(node, Expr(str(node.value).strip()[2:-1], 0))


def _say(rule: Rule, scope: Scope, values: Mapping[str, object], problems: Problems) -> None:
    node = rule.node.find(("message",))[0]
    quiet = Evaluator(References({}, problems), problems)
    message = quiet.text(str(node.value), node, scope)
    if isinstance(message, Broken):
        return
    value = values[rule.variable]
    plain = isinstance(value, str | int | float) and rule.variable not in scope.sensitive
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    told = [f"the value is `{shown}`"] if plain and shown not in str(message) else []
    told += [f"it comes from `{rule.origin}`"] if rule.origin else []
    problems.error(
        f"variable `{rule.variable}`: {str(message).strip()}",
        replace(rule.source, text="") if rule.variable in scope.sensitive else rule.source,
        code="variable-invalid",
        detail="; ".join(told),
        hint=f"the rule stands at {rule.condition.source}",
    )

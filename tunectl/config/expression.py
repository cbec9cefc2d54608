"""What stands inside `${…}`: plain names without Jinja, everything else in Jinja's sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from tunectl.config.problems import did_you_mean, listed
from tunectl.config.scope import BROKEN, Broken, Scope
from tunectl.core.dataclass import dataclass
from tunectl.kinds import DERIVED, KINDS

if TYPE_CHECKING:
    from jinja2.environment import TemplateExpression
    from jinja2.sandbox import ImmutableSandboxedEnvironment

ROOTS = ("var", "env", "each", "project")
_LARGEST = 1_000_000


class BadExpressionError(Exception):
    """An expression has no value."""

    def __init__(self, summary: str, hint: str = "", code: str = "interpolation") -> None:
        self.summary = summary
        self.hint = hint
        self.code = code
        super().__init__(summary)


def looked_up(root: str, path: Sequence[str], scope: Scope, *, secrets: bool) -> object:
    """Return the value of a dotted name.

    Raises:
        BadExpressionError: there is none, or it may not appear here.
    """
    name = ".".join((root, *path))
    match root:
        case "project" if not path:
            return scope.project
        case "var" if path:
            return _inside(_variable(path[0], scope, secrets=secrets), path[1:], f"var.{path[0]}")
        case "env" if len(path) == 1:
            return _environment(path[0], scope, secrets=secrets)
        case "each" if path and path[0] in {"key", "value"}:
            if scope.each is None:
                raise BadExpressionError(
                    f"`{name}` has a value only where `for_each` stands",
                    "add `for_each:` to this resource",
                    "each-outside",
                )
            item = scope.each.key if path[0] == "key" else scope.each.value
            return _inside(item, path[1:], f"each.{path[0]}")
        case "each":
            raise BadExpressionError(
                f"`{name}` is unknown", "`each.key` and `each.value` are known"
            )
    if root in ROOTS:
        raise BadExpressionError(f"`{name}` is not a value", _in_scope())
    if root in {"true", "false", "none", "null", "True", "False", "None"} or root.isdigit():
        return evaluate(name, scope, secrets=secrets)
    hint = did_you_mean(root, (*ROOTS, *KINDS), _in_scope())
    if not path and root in scope.variables:
        hint = f"did you mean `var.{root}`?"
    raise BadExpressionError(f"`{name}` is unknown", hint, "unknown-name")


def _in_scope() -> str:
    return "known are `var.…`, `env.…`, `each.key`, `each.value`, `project` and resources' outputs"


def _inside(value: object, path: Sequence[str], name: str) -> object:
    if isinstance(value, Broken):
        return value
    for step in path:
        if not isinstance(value, dict) or step not in value:
            known = list(value) if isinstance(value, dict) else []
            raise BadExpressionError(
                f"`{name}` has no `{step}`",
                did_you_mean(step, known, _known(known)),
                "unknown-name",
            )
        value, name = value[step], f"{name}.{step}"
    return value


def _known(words: Sequence[str]) -> str:
    return f"known are {listed(words)}" if words else ""


def _variable(name: str, scope: Scope, *, secrets: bool) -> object:
    if name not in scope.variables and not scope.whole:
        return BROKEN
    if name not in scope.variables:
        near = did_you_mean(name, scope.variables)
        hint = near.replace("`", "`var.", 1) or f"declare it: `variables: {{{name}: …}}`"
        raise BadExpressionError(f"there is no variable `{name}`", hint, "unknown-variable")
    if name in scope.sensitive and not secrets:
        raise BadExpressionError(
            f"`var.{name}` is sensitive and may not appear here",
            "sensitive values are for `providers` and `state` only",
            "secret-here",
        )
    return scope.variables[name]


def _environment(name: str, scope: Scope, *, secrets: bool) -> object:
    if not secrets:
        raise BadExpressionError(
            f"`env.{name}` may not appear here",
            "the environment is for `providers` and `state` only; use a variable "
            f"and set it with `TUNECTL_VAR_{name.lower()}`",
            "secret-here",
        )
    if name not in scope.declared:
        near = did_you_mean(name, scope.declared)
        hint = near.replace("`", "`env.", 1) or f"declare it at the top level: `env: [{name}]`"
        raise BadExpressionError(f"`env.{name}` is not declared", hint, "unknown-env-variable")
    if name not in scope.env:
        raise BadExpressionError(
            f"environment variable `{name}` is not set", f"`export {name}=…`", "env-variable-unset"
        )
    return scope.env[name]


def names_in(text: str) -> tuple[tuple[str, str | None], ...]:
    """Return the free names of a Jinja expression: the root, and its attribute where it is fixed.

    Raises:
        BadExpressionError: it is no expression.
    """
    return _compiled(text).names


@dataclass(frozen=True, slots=True)
class _Compiled:
    run: TemplateExpression
    names: tuple[tuple[str, str | None], ...]  # root, and the attribute when it is constant


def evaluate(text: str, scope: Scope, *, secrets: bool) -> object:
    """Return the value of a Jinja expression.

    Raises:
        BadExpressionError: it has none, or uses what may not appear here.
    """
    from jinja2 import TemplateError, Undefined

    compiled = _compiled(text)
    names = _allowed(compiled, scope, secrets=secrets)
    if isinstance(names, Broken):
        return BROKEN
    try:
        result = compiled.run(**names)
        if isinstance(result, Undefined):
            result = str(result)
        return _plain(result, text)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise BadExpressionError(
            f"`${{{text.strip()}}}` has no value: {_lowered(str(error))}",
            "check the values it is made of",
            "jinja",
        ) from None


def _compiled(text: str) -> _Compiled:
    from jinja2 import TemplateSyntaxError

    try:
        return _compile(text)
    except TemplateSyntaxError as error:
        raise BadExpressionError(
            f"`${{{text.strip()}}}` is not an expression: {_lowered(error.message or '')}",
            "inside `${…}` stands a Jinja expression, such as `var.epochs * 2`",
            "jinja",
        ) from None
    except RecursionError:
        raise BadExpressionError(
            "the expression in `${…}` is nested too deeply", "write it with fewer brackets", "jinja"
        ) from None


def _lowered(text: str) -> str:
    text = text.replace("'dict object'", "the map").replace("'str object'", "the text")
    text = text.replace("unexpected 'end of template'", "it ends too early")
    text = text.replace("'", "`").rstrip(".")
    return text[:1].lower() + text[1:]


def _allowed(compiled: _Compiled, scope: Scope, *, secrets: bool) -> dict[str, Any] | Broken:
    names: dict[str, Any] = {"project": scope.project}
    for root, attribute in compiled.names:
        if root in KINDS or root in DERIVED:
            raise BadExpressionError(
                f"`{root}.…` cannot be computed with",
                "another resource's output is known only after apply: use it alone",
                "reference-expression",
            )
        if root in {"var", "env"} and attribute is not None:
            value = looked_up(root, [attribute], scope, secrets=secrets)
            if isinstance(value, Broken):
                return BROKEN
        elif root in {"var", "env"}:
            for name in scope.sensitive if root == "var" else scope.declared:
                looked_up(root, [name], scope, secrets=secrets)
        elif root == "each" and attribute is not None:
            looked_up(root, [attribute], scope, secrets=secrets)
        elif root not in ROOTS:
            looked_up(root, [], scope, secrets=secrets)
    names["var"] = {k: v for k, v in scope.variables.items() if not isinstance(v, Broken)}
    names["env"] = dict(scope.env) if secrets else {}
    if scope.each is not None:
        names["each"] = {"key": scope.each.key, "value": scope.each.value}
    return names


@lru_cache(maxsize=4096)
def _compile(text: str) -> _Compiled:
    from jinja2 import meta, nodes

    environment = sandbox()
    run = environment.compile_expression(text, undefined_to_none=False)
    tree = environment.parse("{{ " + text + " }}")
    free = meta.find_undeclared_variables(tree) - set(environment.globals)
    found: list[tuple[str, str | None]] = []
    owned: set[int] = set()
    for node in tree.find_all(nodes.Getattr):
        if isinstance(node.node, nodes.Name) and node.node.name in free:
            owned.add(id(node.node))
            found.append((node.node.name, node.attr))
    found.extend(
        (name.name, None)
        for name in tree.find_all(nodes.Name)
        if name.name in free and id(name) not in owned
    )
    return _Compiled(run, tuple(dict.fromkeys(found)))


@cache
def sandbox() -> ImmutableSandboxedEnvironment:
    """Return the one environment of `${…}` and prompt templates: sandboxed, strict, no loader."""
    from jinja2 import StrictUndefined
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        """Refuses products that would fill the memory."""

        intercepted_binops = frozenset({"*", "**"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
            if operator == "**" and isinstance(right, int | float) and abs(right) > 64:
                raise SecurityError("the power is too large")
            for long, times in ((left, right), (right, left)):
                if (
                    isinstance(long, str | list | tuple)
                    and isinstance(times, int)
                    and len(long) * times > _LARGEST
                ):
                    raise SecurityError("the result is too long")
            return super().call_binop(context, operator, left, right)

    environment = Sandbox(undefined=StrictUndefined, keep_trailing_newline=True)
    for name in ("safe", "attr"):
        environment.filters.pop(name, None)
    return environment


def _plain(value: object, text: str) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return str(value)
        case dict():
            return {str(key): _plain(item, text) for key, item in value.items()}
        case list() | tuple() | Iterator():
            return [_plain(item, text) for item in value]
        case _ if type(value).__module__.startswith("tunectl."):
            return value
        case _:
            raise BadExpressionError(f"`${{{text.strip()}}}` is not a value", code="jinja")

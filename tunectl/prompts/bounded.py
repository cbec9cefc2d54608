"""The Jinja environment of the sandbox: what `sandbox.py` promises, done.

Imported only when a template is compiled, because it imports Jinja.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, cast

from jinja2 import DictLoader, StrictUndefined, Template, nodes, pass_context
from jinja2.compiler import CodeGenerator
from jinja2.runtime import Context, Macro, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from tunectl.prompts.cleaning import escaped
from tunectl.prompts.sandbox import CHARACTERS, ITEMS, RANGE, Refused, charge, step

# Names with a space cannot be written in a template.
_COUNTED, _JOINED, _STATIC = "counted loop", "joined texts", "static text"

# `safe` and its kin mark texts, `attr` reaches attributes by text, `random` is not repeatable, the
# others print markup or Python, or go around the bounds.
FORBIDDEN: Final = (
    "safe",
    "attr",
    "forceescape",
    "random",
    "pprint",
    "xmlattr",
    "urlize",
    "format",
    "filesizeformat",
)
_METHODS: Final[Mapping[type, frozenset[str]]] = {
    str: frozenset(
        "capitalize casefold count endswith find index isalnum isalpha isdecimal isdigit islower "  # noqa: SIM905
        "isnumeric isspace istitle isupper join lower lstrip partition removeprefix removesuffix "
        "replace rfind rindex rpartition rsplit rstrip split splitlines startswith strip swapcase "
        "title upper".split()
    ),
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
}
_MULTIPLY = frozenset({"replace", "join", "wordwrap", "indent", "tojson"})
_MULTIPLY_BY_NUMBER = frozenset({"indent", "tojson"})
_OF_TEXTS = frozenset(
    {"string", "upper", "lower", "trim", "title", "capitalize", "replace", "truncate", "indent"}
    | {"wordwrap", "center", "striptags", "urlencode", "wordcount"}
)
_BITS = 20_000  # of a whole number


class _Static(str):
    """Text of the template itself, or made of pieces that were printed already."""

    __slots__ = ()


def bounded_environment(
    partials: Mapping[str, str], *, escaping: bool
) -> ImmutableSandboxedEnvironment:
    """Return an environment for templates that may include these partials and nothing else."""
    found = _Bounded(
        loader=DictLoader(partials),
        undefined=StrictUndefined,
        autoescape=False,
        optimized=False,  # nothing runs while a template is compiled
        finalize=pass_context(functools.partial(_printed, escaping=escaping)),
    )
    found.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": True}
    for name in FORBIDDEN:
        found.filters.pop(name, None)
    found.filters["e"] = found.filters["escape"] = _left if escaping else _escape
    for name, function in found.filters.items():
        found.filters[name] = _guarded(name, function)
    found.filters.update({_COUNTED: _counted, _JOINED: _joined, _STATIC: _Static})
    found.globals.pop("lipsum", None)
    found.globals["range"] = _range
    return found


def _left(value: object) -> object:
    """Leave it to `_printed`, which escapes."""
    return value


def _escape(value: object) -> object:
    return escaped(value) if isinstance(value, str) else value


def _printed(_: Context, value: object, *, escaping: bool) -> str:
    """Decide what a value prints; called for everything that a template puts out."""
    if isinstance(value, str):
        charge(len(value))
        plain = str.__str__(value)
        return escaped(plain) if escaping and type(value) is not _Static else plain
    if isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, Undefined):
        return str(value)  # raises
    if value is None:
        raise Refused("prints a value that is `None`; give it a default")
    raise Refused(f"prints a {type(value).__name__}; use `| join(', ')` or `| tojson`")


def _range(*bounds: int) -> range:
    found = range(*bounds)
    if len(found) > RANGE:
        raise Refused(f"counts further than {RANGE:,} by `range`")
    return found


def _counted(items: Iterable[object]) -> Iterator[object]:
    for item in items:
        step()
        yield item


def _joined(items: Iterable[object]) -> str:
    return "".join(_printed_part(item) for item in items)


def _printed_part(value: object) -> str:
    if isinstance(value, str | int | float | Undefined):
        text = str(value)
        charge(len(text))
        return text
    raise Refused(f"joins a {type(value).__name__} to a text by `~`")


def _size(value: object) -> int:
    """Return how many characters a value is at least, if it were printed."""
    total, seen, waiting = 0, 0, [value]
    while waiting:
        one = waiting.pop()
        seen += 1
        if isinstance(one, str):
            total += len(one)
        elif isinstance(one, Mapping):
            waiting.extend(one.keys())
            waiting.extend(one.values())
        elif isinstance(one, list | tuple):
            waiting.extend(one)
        elif isinstance(one, int):
            total += one.bit_length() // 3 + 1
        if total > CHARACTERS or seen + len(waiting) > ITEMS:
            raise Refused("works on more than any prompt can hold")
    return total


def _price(name: str, value: object, others: Iterable[object]) -> int:
    """Return how many characters an operation may make."""
    size, factor = _size(value), 1
    for one in others:
        if isinstance(one, int) and not isinstance(one, bool):
            if abs(one) > RANGE:
                raise Refused(f"gives `{name}` a number beyond {RANGE:,}")
            factor += max(one, 0) if name in _MULTIPLY_BY_NUMBER else 0
            size += 0 if name in _MULTIPLY_BY_NUMBER else max(one, 0)
        elif name in _MULTIPLY:
            factor += _size(one)
        elif name == "sum" and isinstance(one, list | tuple):
            raise Refused("sums up lists")
        else:
            size += _size(one)
    return size * factor


def _guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that pays before it works."""
    first = 1 if hasattr(function, "jinja_pass_arg") else 0

    @functools.wraps(function)
    def guarded(*args: Any, **named: Any) -> Any:  # noqa: ANN401  # as Jinja calls it
        step()
        given = list(args)
        if len(given) > first:
            if name == "join":  # what is read one by one is priced as a whole
                given[first] = list(_counted(given[first]))
            if given[first] is None and name in _OF_TEXTS:
                raise Refused(f"gives `None` to `{name}`; give it a default")
            if name == "join" and None in given[first]:
                raise Refused("joins a value that is `None`; give it a default")
            charge(_price(name, given[first], (*given[first + 1 :], *named.values())))
        return function(*given, **named)

    return guarded


class _Bounded(ImmutableSandboxedEnvironment):
    """Counts what a template does; see `sandbox.py`."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def call(
        self,
        context: Context,
        called: Any,  # noqa: ANN401
        /,
        *args: Any,  # noqa: ANN401
        **named: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        step()
        owner = getattr(called, "__self__", None)
        if (allowed := _METHODS.get(type(owner))) is not None:
            name = called.__name__
            if name not in allowed:
                raise Refused(f"calls `.{name}()`; use a filter for that")
            if name == "join":
                args = tuple(list(_counted(one)) for one in args)
                charge(_price(name, args, (owner,)))
            elif isinstance(owner, str):
                charge(_price(name, owner, (*args, *named.values())))
        result = super().call(context, called, *args, **named)
        return _Static(result) if isinstance(called, Macro) else result

    def call_binop(
        self,
        context: Context,
        operator: str,
        left: Any,  # noqa: ANN401
        right: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        if operator == "%" and isinstance(left, str):
            raise Refused("formats a text by `%`; use `~`")
        if operator == "*":
            pairs = ((left, right), (right, left))
            for many, times in pairs:
                if isinstance(many, str | list | tuple) and isinstance(times, int):
                    charge((_size(many) + 8 * (not isinstance(many, str))) * max(times, 0))
        elif operator == "+" and not isinstance(left, int | float):
            charge(_size(left) + _size(right))
        if isinstance(left, int) and isinstance(right, int) and operator in {"*", "**"}:
            grown = left.bit_length() * (abs(right) if operator == "**" else 1)
            if grown + (right.bit_length() if operator == "*" else 0) > _BITS:
                raise Refused("works with a number that is too large")
        return super().call_binop(context, operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401
        """Prefer a mapping's own entry, so that a field may be called `items`."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:  # noqa: ANN401
        if getattr(value, "__name__", "") in {"format", "format_map"} and isinstance(
            getattr(value, "__self__", None), str
        ):
            raise Refused("calls `.format()`; use `~`")
        return None

    def get_template(self, *args: Any, **named: Any) -> Template:  # noqa: ANN401
        step()
        return super().get_template(*args, **named)

    def select_template(self, *args: Any, **named: Any) -> Template:  # noqa: ANN401
        step()
        return super().select_template(*args, **named)


class _Counting(NodeTransformer):
    """Puts the counting into a template."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802  # Jinja's name
        if node.recursive:
            raise Refused(f"has a recursive loop in line {node.lineno}; write it out")
        self.generic_visit(node)
        node.iter = _filter(cast("nodes.Expr", node.iter), _COUNTED)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filter(_placed(nodes.List(node.nodes), node), _JOINED)

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:  # noqa: N802
        return _filter(_placed(nodes.Const(node.data), node), _STATIC)

    def visit_ScopedEvalContextModifier(self, node: nodes.Node) -> nodes.Node:  # noqa: N802
        raise Refused(f"changes how values are escaped in line {node.lineno}; remove `autoescape`")


def _placed(made: nodes.Expr, at: nodes.Node) -> nodes.Expr:
    made.set_lineno(at.lineno).set_environment(at.environment)  # type: ignore[arg-type]
    return made


def _filter(node: nodes.Expr, name: str) -> nodes.Filter:
    made = nodes.Filter(node, name, [], [], None, None)
    made.set_lineno(node.lineno).set_environment(node.environment)  # type: ignore[arg-type]
    return made


class _Generator(CodeGenerator):
    """Compiles the template with the counting in it."""

    def visit_Template(self, node: nodes.Template, frame: Any = None) -> None:  # noqa: ANN401, N802
        super().visit_Template(_Counting().visit(node), frame)


_Bounded.code_generator_class = _Generator

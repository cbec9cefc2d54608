"""Variables: where their values come from, and that they have the declared type.

The last of these that gives a value wins: the default, `TUNECTL_VAR_name`, the environment's
overlay, `--var-file`, `--var`. A module's variables take the default or what `with:` gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from tunectl.config.conditions import Rule, check_conditions
from tunectl.config.literals import check_default
from tunectl.config.looked import Looked
from tunectl.config.node import File, Node, plain, sort
from tunectl.config.problems import Problems, did_you_mean
from tunectl.config.reading import read_text
from tunectl.config.scope import BROKEN, Broken
from tunectl.config.source import parse, typed
from tunectl.config.validating import validated
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Source
from tunectl.core.value import NAME, Join, Ref
from tunectl.kinds import VARIABLE
from tunectl.kinds.reading import name_hint

if TYPE_CHECKING:
    from tunectl.kinds.project import Variable

PREFIX = "TUNECTL_VAR_"
_SORTS: Mapping[str, tuple[type, ...]] = {
    "string": (str, Ref, Join),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "map": (dict,),
}
_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list",
    "map": "a map",
}


@dataclass(slots=True)
class Variables:
    """The variables of one module.

    Attributes:
        values: by name; what could not be found out is BROKEN.
        sensitive: the names of those that may not be shown.
        rules: what their values must fulfil beyond their type.
    """

    values: dict[str, object] = field(default_factory=dict)
    sensitive: set[str] = field(default_factory=set)
    rules: list[Rule] = field(default_factory=list)

    def check(self, problems: Problems) -> None:
        """Check every rule, now that every value is known."""
        check_conditions(self.rules, self.values, frozenset(self.sensitive), problems)


@dataclass(frozen=True, slots=True)
class _Given:
    """A value from somewhere, as text or as it is.

    Attributes:
        origin: how a user would name the place.
    """

    value: object
    origin: str
    source: Source | None = None
    as_text: bool = False


class Givers:
    """The values that come from outside the project's files."""

    def __init__(
        self,
        variables: Mapping[str, str],
        var_files: Sequence[Path],
        environ: Mapping[str, str],
        problems: Problems,
        looked: Looked | None = None,
    ) -> None:
        self._problems = problems
        self._environ = environ
        self._looked = looked if looked is not None else Looked()
        self.options = {
            name: _Given(text, f"--var {name}", None, as_text=True)
            for name, text in variables.items()
        }
        self.files: dict[str, _Given] = {}
        for path in var_files:
            self._read(path)

    def _read(self, path: Path) -> None:
        text = read_text(path, str(path), self._problems, looked=self._looked)
        node = parse(File(str(path), text), self._problems) if text is not None else None
        if node is not None and not isinstance(node.value, dict):
            self._problems.error(
                f"`{path}` must be a map of variables", node.source, code="wrong-type"
            )
        for name, child in node.items() if node is not None else ():
            self.files[name] = _Given(plain(child), str(path), child.source)

    def environment(self, name: str) -> _Given | None:
        """Return what `TUNECTL_VAR_name` holds."""
        text = self._environ.get(PREFIX + name)
        self._looked.asked(PREFIX + name, text)
        return None if text is None else _Given(text, PREFIX + name, None, as_text=True)

    def check_known(self, declared: Sequence[str]) -> None:
        """Say which values are for variables that nobody declared."""
        for name in self.options:
            if name not in declared:
                self._problems.error(
                    f"`--var {name}`: there is no variable `{name}`",
                    None,
                    code="unknown-variable",
                    hint=did_you_mean(name, declared, f"declare it: `variables: {{{name}: …}}`"),
                )
        for name, given in self.files.items():
            if name not in declared:
                self._problems.warn(
                    f"there is no variable `{name}`",
                    given.source,
                    code="unknown-variable",
                    hint=did_you_mean(name, declared),
                )


def project_variables(declared: Node | None, givers: Givers, problems: Problems) -> Variables:
    """Return the values of the project's own variables."""
    made = Variables()
    names = [name for name, _ in declared.items()] if declared is not None else []
    givers.check_known(names)
    for name, node in declared.items() if declared is not None else ():
        model, default = _declaration(name, node, problems)
        if model is None:
            made.values[name] = BROKEN
            continue
        overlaid = default is not None and bool(default.file.layer)
        layers = [
            _default(default) if not overlaid else None,
            givers.environment(name),
            _default(default) if overlaid else None,
            givers.files.get(name),
            givers.options.get(name),
        ]
        given = [layer for layer in layers if layer is not None]
        _settle(made, name, node, model, default, given, problems)
    made.check(problems)
    return made


def module_variables(
    declared: Node | None,
    given: Mapping[str, tuple[object, Node]],
    problems: Problems,
    included: Source | None = None,
) -> Variables:
    """Return the values of a module's variables.

    Args:
        declared: its `variables:`.
        given: the evaluated values under `with:` and where they stand.
        problems: takes what is wrong.
        included: where the module is included.
    """
    made = Variables()
    names = [name for name, _ in declared.items()] if declared is not None else []
    for name, (_, node) in given.items():
        if name not in names:
            problems.error(
                f"the module has no variable `{name}`",
                node.key_source,
                code="unknown-variable",
                hint=did_you_mean(name, names),
            )
    for name, node in declared.items() if declared is not None else ():
        model, default = _declaration(name, node, problems)
        if model is None:
            made.values[name] = BROKEN
            continue
        layers = [_default(default)] if default is not None else []
        if name in given:
            value, where = given[name]
            layers.append(_Given(value, "with", where.source))
        found = [layer for layer in layers if layer is not None]
        _settle(made, name, node, model, default, found, problems, included)
    made.check(problems)
    return made


def _declaration(name: str, node: Node, problems: Problems) -> tuple[Variable | None, Node | None]:
    if not NAME.fullmatch(name):
        problems.error(
            f"`{name}` is not a name", node.key_source, code="bad-name", hint=name_hint(name)
        )
        return None, None
    if not isinstance(node.value, dict):
        check_default(name, node, problems)
        return VARIABLE.made({}), None if node.value is None else node
    value = plain(node)
    assert isinstance(value, dict)
    default = node.value.get("default")
    check_default(name, default, problems)
    return validated(VARIABLE, node, value, problems, f"variables.{name}"), default


def _default(node: Node | None) -> _Given | None:
    return None if node is None else _Given(plain(node), "default", node.source)


def _settle(  # one variable's facts
    made: Variables,
    name: str,
    node: Node,
    model: Variable,
    default: Node | None,
    given: Sequence[_Given],
    problems: Problems,
    included: Source | None = None,
) -> None:
    if model.sensitive:
        made.sensitive.add(name)
    made.values[name] = BROKEN
    if not given:
        hint = f"give one: `--var {name}=…`, `{PREFIX}{name}=…`, or a `default:`"
        if included is not None:  # what comes from outside does not reach a module
            hint = f"give one at {included}: `with: {{{name}: …}}`, or a `default:` here"
        problems.error(
            f"variable `{name}` has no value", node.key_source, code="variable-unset", hint=hint
        )
        return
    wanted = model.type or (_type_of(plain(default)) if default is not None else None)
    last = given[-1]
    value = _from_text(last.value, wanted) if last.as_text else last.value
    if _interpolated(value) and last.origin != "with":
        problems.error(
            f"variable `{name}` cannot be made from other values",
            last.source,
            code="variable-interpolation",
            hint="a variable's value is plain; a literal `${` is written where it is used",
        )
    elif _fits(value, wanted) and not _is_blank(last, value):
        made.values[name] = value
        made.rules += _rules(name, node, model, last)
    elif not isinstance(value, Broken):
        text = last.value if isinstance(last.value, str) and not model.sensitive else ""
        shown = f" (`{text}`)" if text.strip() else ""
        problems.error(
            f"variable `{name}` must be {_WORDS[wanted or 'string']}, not {sort(value)}{shown}",
            last.source or node.key_source,
            code="wrong-type",
            detail="" if last.source else f"the value comes from `{last.origin}`",
            hint=_type_hint(value, wanted, shown=not model.sensitive),
        )


def _is_blank(given: _Given, value: object) -> bool:
    """Whether a text says nothing where something else than text is wanted: `--var epochs=`."""
    return given.as_text and value is None and not str(given.value).strip()


def _type_hint(value: object, wanted: str | None, *, shown: bool) -> str:
    if wanted in {None, "string"} and isinstance(value, int | float) and shown:
        return f'write it in quotes: `"{str(value).lower()}"`'
    return ""


def _rules(name: str, node: Node, model: Variable, last: _Given) -> list[Rule]:
    """Return the rules for a value; where it stands in a file, the file is shown."""
    origin = "" if last.source else last.origin
    source = last.source or node.key_source
    return [
        Rule(name, node.find(("validation", index))[0], origin, source)
        for index in range(len(model.validation))
    ]


def _interpolated(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_interpolated, value.values()))
    if isinstance(value, list):
        return any(map(_interpolated, value))
    return isinstance(value, str) and "${" in value


def _type_of(value: object) -> str | None:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "list"
        case dict():
            return "map"
        case _:
            return None


def _fits(value: object, wanted: str | None) -> bool:
    if wanted is None or value is None:
        return not isinstance(value, Broken)
    if isinstance(value, bool):
        return wanted == "boolean"
    return isinstance(value, _SORTS[wanted])


def _from_text(text: object, wanted: str | None) -> object:
    assert isinstance(text, str)
    if wanted in {"integer", "number", "boolean"}:
        return typed(text.strip())
    if wanted in {"list", "map"}:
        node = parse(File("--var", text), Problems())
        return plain(node) if node is not None else text
    return text

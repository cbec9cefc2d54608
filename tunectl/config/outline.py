"""A project's outline: enough to find its state, also when the rest cannot be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tunectl.config.files import DEFAULT_ENV, read_tree
from tunectl.config.load import project_fields, scopes_of, top_node
from tunectl.config.node import Node
from tunectl.config.problems import Problems
from tunectl.config.providers import declared_providers
from tunectl.config.refs import References
from tunectl.config.scope import Scope
from tunectl.config.template import Evaluator
from tunectl.config.tree import SCALARS, Tree
from tunectl.config.variables import Givers
from tunectl.core.project import Output, Project, Provided


def outline(
    root: Path,
    *,
    environ: Mapping[str, str],
    env: str = DEFAULT_ENV,
    variables: Mapping[str, str] | None = None,
    var_files: Sequence[Path] = (),
) -> Project:
    """Return the project with its name, state address, providers and the names of its outputs.

    Neither resources nor data are looked at, and what is wrong elsewhere is passed over: a provider
    whose settings cannot be used is left out.

    Raises:
        ConfigError: `project:` or `state:` cannot be read.
    """
    read = Problems()
    tree = read_tree(root, env, read)
    if "project" not in tree.top:
        read.stop()
    problems = Problems()
    givers = Givers(variables or {}, var_files, environ, problems)
    scope = scopes_of(_bare(tree), givers, environ, Problems())[()]
    top = top_node(tree)
    own = Node({k: v for k, v in top.items() if k in SCALARS}, top.file, top.line, top.column)
    evaluator = Evaluator(References({}, problems), problems)
    fields = project_fields(own, evaluator, scope, problems)
    problems.stop()
    outputs = tree.top.get("outputs")
    return Project(
        name=fields.project,
        env=env,
        root=str(root),
        state=fields.state,
        providers=_providers(tree, scope),
        outputs=tuple(_output(n, child) for n, child in (outputs.items() if outputs else ())),
        sensitive=scope.sensitive,
    )


def _providers(tree: Tree, scope: Scope) -> dict[str, Provided]:
    """Return the providers that are declared soundly."""
    declared = tree.top.get("providers")
    if declared is None:
        return _alone(None, scope)
    found: dict[str, Provided] = {}
    for name, child in declared.items():
        alone = Node({name: child}, declared.file, declared.line, declared.column)
        found |= _alone(alone, scope)
    return found


def _alone(node: Node | None, scope: Scope) -> dict[str, Provided]:
    problems = Problems()
    evaluator = Evaluator(References({}, problems), problems)
    made = declared_providers(node, evaluator, scope, problems)
    return {} if problems.failed else made


def _bare(tree: Tree) -> Tree:
    """The same without its modules, which have variables of their own."""
    return Tree(modules={(): tree.modules[()]})


def _output(name: str, node: Node) -> Output:
    said = node.find(("sensitive",))[0].value if isinstance(node.value, dict) else False
    hidden = isinstance(node.value, dict) and "sensitive" in node.value and said is not False
    return Output(name=name, value=None, sensitive=hidden)

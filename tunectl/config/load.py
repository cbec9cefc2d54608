"""Load a project: files to resources, every problem at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tunectl.config import closing, handover
from tunectl.config.drafts import drafted, expand
from tunectl.config.files import DEFAULT_ENV, read_tree
from tunectl.config.garbage import no_collections
from tunectl.config.kept import Asked, ProjectCache
from tunectl.config.literals import check_literals
from tunectl.config.loaded import Loaded
from tunectl.config.looked import MAIN, Looked
from tunectl.config.lowering import lower
from tunectl.config.node import File, Node
from tunectl.config.node import Path as Keys
from tunectl.config.overlay import explain_new
from tunectl.config.parse_cache import ParseCache
from tunectl.config.policy import project_policy
from tunectl.config.prices import declared_prices
from tunectl.config.problems import Problems
from tunectl.config.providers import chosen_default, declared_providers, warn_of_unready
from tunectl.config.refs import References, starts_with_kind
from tunectl.config.scope import BROKEN, Scope
from tunectl.config.template import Evaluator
from tunectl.config.tree import MAPS, Tree
from tunectl.config.validating import validated
from tunectl.config.variables import Givers, module_variables, project_variables
from tunectl.config.world import World
from tunectl.core.dataclass import dataclass
from tunectl.core.project import Project
from tunectl.core.value import Address, Plain
from tunectl.kinds import PROJECT

if TYPE_CHECKING:
    from tunectl.config.datasets import DeclaredData
    from tunectl.config.prompt_places import PromptPlaces
    from tunectl.data.targets import Target
    from tunectl.kinds.project import ProjectFields

_Found = TypeVar("_Found")

# Top-level keys whose entries are checked one by one elsewhere.
_APART = ("providers", "variables", "include", "outputs", "moved", "removed", "import")


def load(
    root: Path,
    *,
    environ: Mapping[str, str],
    env: str = DEFAULT_ENV,
    variables: Mapping[str, str] | None = None,
    var_files: Sequence[Path] = (),
    now: date | None = None,
    cache: ParseCache | None = None,
    kept: ProjectCache | None = None,
) -> Loaded:
    """Load the project in a folder.

    Args:
        root: the folder with `tunectl.yaml`.
        environ: the process's environment.
        env: the environment's name; its overlay is laid over the files.
        variables: values given by `--var`, as text.
        var_files: files of values, later ones win.
        now: the day by whose beginning (UTC) retirement and expiry count; this very moment if
            not given.
        cache: where parsed files are kept between runs.
        kept: where what is loaded is kept for the next run; it is not looked for there.

    Raises:
        ConfigError: carries every problem that was found; its exit code is 3 where readable data
            breaks a rule, else 1.
    """
    problems, looked, since = Problems(), Looked(), _moment(now)
    with no_collections():
        tree = read_tree(root, env, problems, cache, looked)
        if not tree.top and not tree.blocks:
            problems.stop()
        givers = Givers(variables or {}, var_files, environ, problems, looked)
        loaded = _loaded(root, env, tree, givers, environ, since, problems, looked)
        problems.stop()
        loaded = replace(loaded, project=replace(loaded.project, warnings=problems.all))
        if kept is not None:
            asked = Asked(
                root=root,
                environ=environ,
                env=env,
                variables=variables or {},
                var_files=var_files,
            )
            kept.put(asked, looked, loaded, since)
    return loaded


def _moment(day: date | None) -> datetime:
    return datetime.now(UTC) if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC)


def _loaded(  # the parts of one loading
    root: Path,
    env: str,
    tree: Tree,
    givers: Givers,
    environ: Mapping[str, str],
    now: datetime,
    problems: Problems,
    looked: Looked,
) -> Loaded:
    told = _told(root, env, tree, givers, environ, now, problems, looked)
    world = told.world
    lower(world)
    closing.check_cycles(world)
    used = {resource.provider for resource in world.resources.values()}
    warn_of_unready([p for name, p in world.providers.items() if name in used], problems)
    project = _project(root, env, told.fields, tree, world, told.evaluator, told.scope)
    return Loaded(project, world.datasets)


@dataclass(frozen=True, slots=True)
class _Told:
    """What the files say, before any of it is lowered."""

    world: World
    fields: ProjectFields
    evaluator: Evaluator
    scope: Scope


def _told(  # the parts of one loading
    root: Path,
    env: str,
    tree: Tree,
    givers: Givers,
    environ: Mapping[str, str],
    now: datetime,
    problems: Problems,
    looked: Looked,
) -> _Told:
    top = top_node(tree)
    scopes = scopes_of(tree, givers, environ, problems)
    if any(scope.declared or scope.sensitive for scope in scopes.values()):
        looked.repeatable = False  # secrets are nobody's to keep
    known, items = expand(tree, scopes, problems)
    references = References(known, problems, tree.unusable, tree.unread)
    evaluator = Evaluator(references, problems)
    fields = project_fields(top, evaluator, scopes[()], problems)
    default = _text(tree.top.get("default_provider"))
    providers = declared_providers(tree.top.get("providers"), evaluator, scopes[()], problems)
    at = top.find(("default_provider",))[0].source
    drafts = drafted(items, evaluator, problems)
    explain_new(drafts, problems)
    check_literals(top, drafts, problems)
    world = World(
        root=root,
        problems=problems,
        references=references,
        providers=providers,
        default_provider=chosen_default(default, providers, at, problems),
        labels=fields.labels,
        drafts={draft.address: draft for draft in drafts},
        now=now.date(),
        moment=now,
        env=env,
        looked=looked,
        policy=project_policy(fields.checks, top.find(("checks",))[0], root, problems, looked),
        prices=declared_prices(fields.prices, tree.top.get("prices"), providers, problems),
    )
    return _Told(world, fields, evaluator, scopes[()])


def declared_data(
    root: Path,
    *,
    environ: Mapping[str, str],
    env: str = DEFAULT_ENV,
    variables: Mapping[str, str] | None = None,
    var_files: Sequence[Path] = (),
) -> tuple[DeclaredData, ...]:
    """Return the declared datasets as they would be read; none of their rows is looked at.

    Raises:
        ConfigError: every problem of the declaration that was found on the way.
    """
    from tunectl.config.datasets import to_read

    return of_world(
        lambda world: tuple(data for _, data in to_read(world)),
        root,
        environ,
        env,
        variables,
        var_files,
    )


def declared_targets(
    root: Path,
    *,
    environ: Mapping[str, str],
    env: str = DEFAULT_ENV,
    variables: Mapping[str, str] | None = None,
    var_files: Sequence[Path] = (),
) -> Mapping[str, Target]:
    """Return what training at each declared provider is like, by its name.

    Raises:
        ConfigError: every problem of the declaration that was found on the way.
    """
    from tunectl.config.uses import target_at

    return of_world(
        lambda world: {
            name: target
            for name in world.providers
            if (target := target_at(world, name)) is not None
        },
        root,
        environ,
        env,
        variables,
        var_files,
    )


def declared_memories(
    root: Path,
    *,
    environ: Mapping[str, str],
    env: str = DEFAULT_ENV,
    variables: Mapping[str, str] | None = None,
    var_files: Sequence[Path] = (),
) -> tuple[Mapping[str, Plain], ...]:
    """Return every declared memory, as the artefact of a prompt would say it.

    Raises:
        ConfigError: every problem of the declaration that was found on the way.
    """
    from tunectl.config.memory import compiled_memories

    return of_world(compiled_memories, root, environ, env, variables, var_files)


def declared_prompts(
    root: Path,
    *,
    environ: Mapping[str, str],
    env: str = DEFAULT_ENV,
    variables: Mapping[str, str] | None = None,
    var_files: Sequence[Path] = (),
) -> Mapping[Address, PromptPlaces]:
    """Return where the sections of every prompt template stand, and its tests.

    Raises:
        ConfigError: every problem of the declaration that was found on the way.
    """
    from tunectl.config.prompt_places import prompt_places

    return of_world(prompt_places, root, environ, env, variables, var_files)


def of_world(
    ask: Callable[[World], _Found],
    root: Path,
    environ: Mapping[str, str],
    env: str,
    variables: Mapping[str, str] | None,
    var_files: Sequence[Path],
) -> _Found:
    """Read the declaration as far as it can be without its data, and ask something of it."""
    problems, looked = Problems(), Looked()
    with no_collections():
        tree = read_tree(root, env, problems, None, looked)
        if not tree.top and not tree.blocks:
            problems.stop()
        givers = Givers(variables or {}, var_files, environ, problems, looked)
        world = _told(root, env, tree, givers, environ, _moment(None), problems, looked).world
        found = ask(world)
    problems.stop()
    return found


def _text(node: Node | None) -> str | None:
    return node.value if node is not None and isinstance(node.value, str) else None


def _project(  # the parts of one project
    root: Path,
    env: str,
    fields: ProjectFields,
    tree: Tree,
    world: World,
    evaluator: Evaluator,
    scope: Scope,
) -> Project:
    top, addresses = tree.top, set(world.drafts)
    if tree.unread:  # what is moved or imported may be declared there
        top = {key: node for key, node in top.items() if key not in {"moved", "import"}}
    outputs = closing.outputs(top.get("outputs"), evaluator, scope, world.references)
    closing.check_values(outputs, world)
    moved = handover.moves(top.get("moved"), addresses, world.problems)
    return Project(
        name=fields.project,
        env=env,
        root=str(root),
        state=fields.state,
        providers=world.providers,
        default_provider=world.default_provider,
        resources=tuple(world.resources.values()),
        outputs=outputs,
        moved=handover.with_uploads(moved, world),
        removed=handover.removals(top.get("removed"), addresses, world.problems, moved),
        imports=handover.imports(top.get("import"), world, moved),
        labels=fields.labels,
        sensitive=scope.sensitive,
        prices=world.prices,
    )


def top_node(tree: Tree) -> Node:
    """Return one node with all of the top level, standing at the head of the main file."""
    for key in ("project", *tree.top):
        if key in tree.top:
            file = tree.top[key].file
            break
    else:
        file = next(iter(tree.blocks.values())).node.file if tree.blocks else File(MAIN, "")
    return Node(dict(tree.top), file, 1, 1)


def scopes_of(
    tree: Tree, givers: Givers, environ: Mapping[str, str], problems: Problems
) -> dict[tuple[str, ...], Scope]:
    """Return the scope of the project and of each module."""
    project = tree.top.get("project")
    declared = tree.top.get("env")
    listed = declared.value if declared is not None else []
    nodes = listed if isinstance(listed, list) else [declared] if declared is not None else []
    names = frozenset(str(node.value) for node in nodes if isinstance(node, Node))
    own = project_variables(tree.top.get("variables"), givers, problems)
    base = Scope(
        project=project.value if project is not None and isinstance(project.value, str) else "",
        variables=own.values,
        sensitive=frozenset(own.sensitive),
        env={name: environ[name] for name in names if name in environ},
        declared=names,
        whole=() not in tree.unread,
    )
    scopes: dict[tuple[str, ...], Scope] = {(): base}
    references = References(dict.fromkeys(tree.blocks), problems, tree.unusable, tree.unread)
    evaluator = Evaluator(references, problems)
    for path, module in tree.modules.items():
        if not path:
            continue
        parent = scopes[path[:-1]]
        given: dict[str, tuple[object, Node]] = {}
        for name, node in module.given.items():
            broken: set[Keys] = set()
            value = evaluator.value(node, parent, broken)
            if isinstance(value, str) and starts_with_kind(value):
                value = references.resolve(value, parent, node.source) or BROKEN
            given[name] = (BROKEN if broken else value, node)
        said = module.top.get("variables")
        if path in tree.unread:
            given = {name: one for name, one in given.items() if said and said.has(name)}
        inner = module_variables(said, given, problems, module.source)
        scopes[path] = replace(
            base,
            module=path,
            variables=inner.values,
            sensitive=frozenset(inner.sensitive),
            env={},
            declared=frozenset(),
            whole=path not in tree.unread,
        )
    return scopes


def project_fields(
    top: Node, evaluator: Evaluator, scope: Scope, problems: Problems
) -> ProjectFields:
    """Return the validated top level; where it is wrong, a stand-in to check the rest with."""
    broken: set[Keys] = set()
    value: dict[str, object] = {}
    for key, node in top.items():
        if key in _APART or node.value is None:
            continue
        if key in MAPS and not isinstance(node.value, dict):
            continue
        value[key] = evaluator.value(node, scope, broken, secrets=key == "state", path=(key,))
    if not scope.whole:
        value.setdefault("project", "project")
    fields = validated(PROJECT, top, value, problems, MAIN, broken)
    return fields if fields is not None else PROJECT.made({"project": "project"})

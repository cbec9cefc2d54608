"""`providers:`: the accounts of a project. A key never stands in a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

from tunectl.catalog.provider_types import provider_types
from tunectl.config.installed import every_provider_type
from tunectl.config.installed import provider_types as provider_points
from tunectl.config.node import Node, Path
from tunectl.config.problems import Problems, did_you_mean, listed
from tunectl.config.scope import Scope
from tunectl.config.template import Evaluator
from tunectl.config.validating import validated
from tunectl.core.errors import Source
from tunectl.core.project import Provided
from tunectl.core.resource import BUILTIN
from tunectl.core.value import NAME, Plain
from tunectl.kinds.key_names import SECRETS
from tunectl.kinds.providers import PROVIDERS
from tunectl.kinds.reading import name_hint

LOCAL = "local"
# They keep prompts and run nothing: no resource belongs there that names no provider.
_KEEPERS = frozenset({"langfuse"})
_SECRET_BEGINNINGS = ("sk-", "AIza", "ghp_", "xoxb-", "-----BEGIN", "AKIA", "ASIA")
_SECRET_ENDS = (
    "access_key",
    "access_key_id",
    "_secret_key",
    "_token",
    "_password",
    "private_key",
)
# A user's name and password, or a key in the query; `${…}` is looked up, and is no secret itself.
_SECRET_URL = re.compile(
    r"https?://([^/\s$]*@|\S*[?&](api[-_]?key|key|token|sig)=(?!\$))", re.IGNORECASE
)
# Their SDKs look for credentials themselves; there is no variable to name.
_OWN_CHAIN = {
    "bedrock": "remove it; the AWS SDK finds credentials itself: `AWS_PROFILE`, `aws sso login`",
    "vertex": "remove it; Google's SDK finds credentials itself: "
    "`gcloud auth application-default login`, or `GOOGLE_APPLICATION_CREDENTIALS`",
}


def declared_providers(
    node: Node | None, evaluator: Evaluator, scope: Scope, problems: Problems
) -> dict[str, Provided]:
    """Return the declared providers; without any there is `local`, which needs no account."""
    if node is None:
        return {LOCAL: Provided(name=LOCAL, type=LOCAL)}
    found: dict[str, Provided] = {}
    for name, child in node.items():
        if name == BUILTIN or not NAME.fullmatch(name):
            hint = "`builtin` is ours" if name == BUILTIN else name_hint(name)
            problems.error(
                f"a provider cannot be called `{name}`",
                child.key_source,
                code="bad-name",
                hint=hint,
            )
            continue
        provided = _provider(name, child, evaluator, scope, problems)
        # What is broken has no type: nothing is said of a service that may not be meant.
        found[name] = provided or Provided(name=name, type="", source=child.key_source)
    return found


def _provider(
    name: str, node: Node, evaluator: Evaluator, scope: Scope, problems: Problems
) -> Provided | None:
    if node.value is None:
        node_value: object = {}
    elif isinstance(node.value, dict):
        secret = _refuse_secrets(name, node, problems)
        broken: set[Path] = set()
        node_value = evaluator.value(node, scope, broken, secrets=True)
        if secret or broken:
            return None
    else:
        node_value = node.value
    said = node_value.get("type") if isinstance(node_value, dict) else None
    type_ = said if isinstance(said, str) else name
    model = PROVIDERS.named.get(type_)
    if model is None:
        return _foreign(name, type_, node, node_value, problems)
    made = validated(model, node, node_value, problems, f"providers.{name}")
    if made is None:
        return None
    settings = made.model_dump(exclude_unset=True, exclude_none=True, exclude={"type"})
    return Provided(
        name=name,
        type=type_,
        settings=settings,
        secret=_secret(settings, scope),
        source=node.key_source,
    )


def _secret(settings: Mapping[str, object], scope: Scope) -> frozenset[str]:
    """Return the names of settings that hold a secret value, or a text made from one."""
    hidden = {str(scope.variables.get(name, "")) for name in scope.sensitive}
    texts = (hidden | set(scope.env.values())) - {""}
    return frozenset(k for k, v in settings.items() if any(text in str(v) for text in texts))


def _refuse_secrets(name: str, node: Node, problems: Problems) -> bool:
    """Refuse a key that stands in the file, without showing it."""
    found = False
    said = dict(node.items()).get("type")
    type_ = name if said is None else said.value
    for key, child in node.items():
        named = key.lower() in SECRETS or key.lower().endswith(_SECRET_ENDS)
        if not named and not _looks_secret(child):
            continue
        found = True
        place = child.key_source
        problems.error(
            f"`{key}` of provider `{name}` holds a secret",
            _masked(place),
            code="secret-in-file",
            hint=_OWN_CHAIN.get(str(type_))
            or "put the key into an environment variable and write its name: "
            f"`key_env: {name.upper()}_API_KEY`",
            address=f"providers.{name}",
        )
    return found


def _looks_secret(node: Node) -> bool:
    value = node.value
    if not isinstance(value, str):
        return False
    return value.startswith(_SECRET_BEGINNINGS) or _SECRET_URL.match(value) is not None


def _masked(source: Source) -> Source:
    head, colon, _ = source.text[source.column - 1 :].partition(":")
    return replace(source, text=f"{source.text[: source.column - 1]}{head}{colon} ***")


def _foreign(
    name: str, type_: str, node: Node, value: object, problems: Problems
) -> Provided | None:
    """A type we have no model for: a plugin's settings are its own business."""
    place = node.find(("type",))[0].source if isinstance(value, dict) and "type" in value else None
    if isinstance(value, dict) and _is_installed(type_):
        settings = {key: item for key, item in value.items() if key != "type"}
        return Provided(
            name=name,
            type=type_,
            settings=cast("Mapping[str, Plain]", _frozen(settings)),
            source=node.key_source,
        )
    if place is None:
        problems.error(
            f"provider `{name}` needs `type:`",
            node.key_source,
            code="missing",
            hint=did_you_mean(name, PROVIDERS, f"types are {listed(PROVIDERS)}"),
        )
    else:
        problems.error(
            f"unknown provider type `{type_}`",
            place,
            code="unknown-provider-type",
            hint=did_you_mean(
                type_, PROVIDERS, f"types are {listed(PROVIDERS)}; a plugin must be installed"
            ),
        )
    return None


def _is_installed(type_: str) -> bool:
    return type_ != BUILTIN and (type_ in provider_points() or type_ in every_provider_type())


def _frozen(value: object) -> object:
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def chosen_default(
    said: str | None, providers: Mapping[str, Provided], at: Source | None, problems: Problems
) -> str | None:
    """Return the provider of resources that name none; a single one needs no choice."""
    if said is not None:
        if said not in providers:
            problems.error(
                f"`default_provider`: there is no provider `{said}`",
                at,
                code="unknown-provider",
                hint=did_you_mean(said, providers, f"declared are {listed(providers)}"),
            )
        return said
    able = [name for name, provided in providers.items() if provided.type not in _KEEPERS]
    return able[0] if len(able) == 1 else None


def warn_of_unready(used: Iterable[Provided], problems: Problems) -> None:
    """Say which providers in use this version can only validate."""
    for provided in used:
        type_ = provider_types().get(provided.type)
        if type_ is not None and not type_.ready:
            problems.warn(
                f"provider `{provided.name}`: {type_.title} is only validated by this version",
                provided.source,
                code="provider-not-ready",
                hint="plan and apply cannot connect to it yet",
            )

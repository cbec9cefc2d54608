"""What one account has in one region, and the rules that hold for all of it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tunectl.server.clouds.bedrock.cache_points import CachePoints
from tunectl.server.clouds.bedrock.refused import Refused, invalid, missing
from tunectl.server.clouds.objects import Buckets
from tunectl.server.clouds.wire import Asked, Left
from tunectl.server.clouds.world import World

if TYPE_CHECKING:
    from tunectl.server.clouds.bedrock.custom_models import CustomModel
    from tunectl.server.clouds.bedrock.deployments import Deployment
    from tunectl.server.clouds.bedrock.jobs import Job
    from tunectl.server.clouds.bedrock.knowledge import KnowledgeBase
    from tunectl.server.clouds.bedrock.prompts import Draft
    from tunectl.server.clouds.bedrock.throughput import Throughput

_TAG = re.compile(r"[a-zA-Z0-9\s._:/=+@-]*")
_TOKEN = re.compile(r"[a-zA-Z0-9]([-a-zA-Z0-9]{0,254}[a-zA-Z0-9])?")
_MOST_TAGS = 50  # AWS General Reference, tag limits: user tags on one resource
_PAGE = 100
_MOST = 1000


@dataclass
class Shelf:
    """One account in one region.

    Attributes:
        committed_units: model units that may be bought with a commitment; an account begins with
            none (user guide, prov-throughput).
        tags: by the ARN of what carries them.
        tokens: what was made under a client's token, by operation and token.
    """

    world: World
    buckets: Buckets
    account: str
    region: str
    committed_units: int = 0
    jobs: dict[str, Job] = field(default_factory=dict)
    models: dict[str, CustomModel] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    throughputs: dict[str, Throughput] = field(default_factory=dict)
    knowledge: dict[str, KnowledgeBase] = field(default_factory=dict)
    kept_prompts: dict[str, Draft] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    prompts: CachePoints = field(default_factory=CachePoints)
    made: int = 0

    def now(self) -> datetime:
        """The time there, UTC."""
        return self.world.now()

    def arn(self, rest: str) -> str:
        """Return the name of something in this account and region."""
        return f"arn:aws:bedrock:{self.region}:{self.account}:{rest}"

    def new_id(self) -> str:
        """Return twelve letters and digits that nothing has yet."""
        self.made += 1
        text = f"{self.account}/{self.region}/{self.made}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def again(self, operation: str, body: Mapping[str, Any]) -> str | None:
        """Return what an earlier request with the same token made: the request is then ignored.

        Raises:
            Refused: the token is none.
        """
        token = body.get("clientRequestToken")
        if token is None:
            return None
        matched("clientRequestToken", token, _TOKEN, 256)
        return self.tokens.get((operation, token))

    def remember(self, operation: str, body: Mapping[str, Any], arn: str) -> None:
        """Note what a request made, under its token and with its tags."""
        if body.get("clientRequestToken"):
            self.tokens[operation, body["clientRequestToken"]] = arn

    def tag(self, arn: str, pairs: Iterable[Mapping[str, str]]) -> None:
        """Put tags on something."""
        self.tags.setdefault(arn, {}).update({pair["key"]: pair["value"] for pair in pairs})

    def left(self) -> Iterable[Left]:
        """Yield what is there, and what of it bills."""
        for job in self.jobs.values():
            record = job.over
            bills = "" if record else "the tokens that are trained"
            yield Left(kind="customization job", name=job.name, record=record, bills=bills)
        for model in self.models.values():
            yield Left(kind="custom model", name=model.name, bills="storage, by the month")
        for deployment in self.deployments.values():
            yield Left(kind="custom model deployment", name=deployment.name)
        for one in self.throughputs.values():
            plural = "unit" if one.units == 1 else "units"
            bills = f"{one.units} model {plural}, by the hour, used or not"
            yield Left(kind="provisioned throughput", name=one.name, bills=bills)
        for base in self.knowledge.values():
            yield Left(kind="knowledge base", name=base.name, bills="what its index holds")
        for prompt in self.kept_prompts.values():
            yield Left(kind="prompt", name=prompt.name)


def matched(name: str, value: object, pattern: re.Pattern[str], longest: int) -> str:
    """Return a text that holds its rule.

    Raises:
        Refused: it does not, in the words of the service.
    """
    if not isinstance(value, str):
        raise invalid(f"1 validation error detected: Value at '{name}' must be a string")
    if not 1 <= len(value) <= longest or not pattern.fullmatch(value):
        raise invalid(
            f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy "
            f"constraint: Member must satisfy regular expression pattern: {pattern.pattern} "
            f"and have length less than or equal to {longest}"
        )
    return value


def tags_of(body: Mapping[str, Any], name: str) -> Sequence[Mapping[str, str]]:
    """Return the tags of a request.

    Raises:
        Refused: a key or a value is none, or there are too many.
    """
    found: Sequence[Mapping[str, str]] = body.get(name) or ()
    for pair in found:
        matched(f"{name}.key", pair.get("key"), _TAG, 128)
        value = pair.get("value", "")
        if value:
            matched(f"{name}.value", value, _TAG, 256)
        if pair["key"].lower().startswith("aws:"):
            raise invalid("aws: prefixed tag key names are not allowed for external use.")
    if len(found) > _MOST_TAGS:
        raise Refused("TooManyTagsException", f"The request has more than {_MOST_TAGS} tags.")
    return found


def needed(body: Mapping[str, Any], *names: str) -> None:
    """Refuse a request in which something is missing.

    Raises:
        Refused: naming the first.
    """
    for name in names:
        if body.get(name) in (None, ""):
            raise invalid(
                f"1 validation error detected: Value at '{name}' failed to satisfy constraint: "
                "Member must not be null"
            )


def body_of(asked: Asked) -> dict[str, Any]:
    """Return a request's body.

    Raises:
        Refused: it is no JSON object.
    """
    try:
        found = asked.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise invalid("Could not parse request body into json")
    return found


def iso(moment: datetime) -> str:
    """Return a time as the service model says: ISO 8601, UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def page(
    asked: Asked, key: str, found: Iterable[Any], show: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    """Return one page of things that have `name` and `created`, the newest first.

    Args:
        asked: the question: `nameContains`, `maxResults`, `nextToken`, `sortOrder` count here.
        key: under which the page stands.
        found: everything that fits the question's other filters.
        show: makes a summary.
    """
    part = asked.param("nameContains")
    after, before = (_either(asked, which) for which in ("After", "Before"))
    items = [
        one
        for one in found
        if part in one.name
        and (not after or iso(one.created) > after)
        and (not before or iso(one.created) < before)
    ]
    items.sort(key=lambda one: one.created, reverse=asked.param("sortOrder") != "Ascending")
    size = int(asked.param("maxResults") or _PAGE)
    if not 1 <= size <= _MOST:
        raise invalid(f"maxResults must be between 1 and {_MOST}")
    start = _start(asked.param("nextToken"))
    answer: dict[str, Any] = {key: [show(one) for one in items[start : start + size]]}
    if start + size < len(items):
        answer["nextToken"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
    return answer


def turned_page(
    body: Mapping[str, Any],
    key: str,
    found: Iterable[Any],
    show: Callable[[Any], dict[str, Any]],
) -> dict[str, Any]:
    """Return one page of a list that is asked for in a body, as the service of agents does.

    Raises:
        Refused: the size or the token is none.
    """
    items, size = list(found), int(body.get("maxResults") or _PAGE)
    if not 1 <= size <= _MOST:
        raise invalid(f"maxResults must be between 1 and {_MOST}")
    start = _start(str(body.get("nextToken") or ""))
    answer: dict[str, Any] = {key: [show(one) for one in items[start : start + size]]}
    if start + size < len(items):
        answer["nextToken"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
    return answer


def _either(asked: Asked, which: str) -> str:
    """Return a bound of creation: jobs and models spell it one way, deployments another."""
    return asked.param(f"creationTime{which}") or asked.param(f"created{which}")


def _start(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token)) if token else 0
    except ValueError:
        raise invalid("The provided nextToken is invalid.") from None


def named(kind: str, things: Mapping[str, Any], identifier: str) -> Any:  # noqa: ANN401
    """Return one of the things by its ARN, or by its name.

    Raises:
        Refused: there is none.
    """
    if identifier in things:
        return things[identifier]
    for one in things.values():
        if one.name == identifier:
            return one
    raise missing(kind, identifier)

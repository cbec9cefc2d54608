"""Publications at Langfuse: versions of a chat prompt, and the labels that point at the newest.

Facts of langfuse/langfuse (createPrompt.ts, updatePrompts.ts, deletePrompt.ts, 2026-11) and of the
SDK 5.0.4: a version never changes; a POST under a name that exists makes its next version and moves
the labels it names to it in the same transaction; a PATCH adds labels to a version, which takes
them from every other, and cannot take one off; a DELETE that names no version deletes all of them.

Laws: the labels move with the version or after it, never before. What is there already with the
same text is not published again. Of a prompt that others publish too only our versions are deleted,
and none on which somebody put a label that was not declared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tunectl.core.errors import Diagnostic, InvalidRequestError, NotFoundError
from tunectl.core.ports import Found, Mark, Request
from tunectl.core.resource import Instance, Resource, Status
from tunectl.core.value import Address, Plain, canonical
from tunectl.providers.instances import found, made
from tunectl.providers.langfuse.link import Link, prompts_path
from tunectl.providers.langfuse.marks import (
    CONTENT,
    LABELS,
    mark_config,
    mark_of,
    narrowed,
    op_of,
)
from tunectl.providers.publishing import Message, Slot, may_be_named, messages_of

_LATEST = "latest"  # Langfuse gives it itself
_KIND = "publication"
_LONGEST_NOTE = 500  # COMMIT_MESSAGE_MAX_LENGTH
_FORBIDDEN = ("{{", "@@@langfusePrompt:")


@dataclass(frozen=True, slots=True)
class Publications:
    """Handler of kind `publication`.

    Attributes:
        account: names the project.
    """

    link: Link
    account: Callable[[], str]

    def check(self, resource: Resource) -> Iterable[Diagnostic]:  # noqa: ARG002
        """Find nothing: what can be published is checked where it is declared."""
        return ()

    def read(self, instance: Instance) -> Instance | None:
        """Return it with those of its labels that still point at its version; None when gone."""
        there = self._version(instance.id, instance.outputs.get("version"))
        if there is None or op_of(there.get("config")) != instance.op:
            return None
        return self._shown(instance, there)

    def create(self, request: Request) -> Instance:
        """Make the first version of ours, with its labels, in one step.

        Raises:
            InvalidRequestError: an example holds what Langfuse would read as a variable, or the
                name belongs to a prompt of another type.
        """
        account = self.account()
        there = self._publish(request, request.mark.op)
        return made(request, account=account, id=_name(request.spec), outputs=_outputs(there))

    @property
    def lag(self) -> float:
        """No second: lists are answered from the database that was written to."""
        return 0.0

    def find(self, mark: Mark) -> Iterable[Instance]:
        """Yield the newest version that carries the operation."""
        account = self.account()
        seen: set[str] = set()
        for there in self._ours(mark.op, likely=lambda name: may_be_named(name, mark.address)):
            name = str(there["name"])
            if name not in seen:
                seen.add(name)
                yield found(
                    mark,
                    provider=self.link.provider,
                    account=account,
                    id=name,
                    outputs=_outputs(there),
                )

    def list(self) -> Iterable[Found]:
        """Yield the newest version of each publication of the project, whoever made it.

        Whether labels that were given later are declared is not told by a version: of one with
        other labels than it was made with nothing is said but that it is there.
        """
        account = self.account()
        seen: set[tuple[str, str]] = set()
        for there in self._ours("", likely=lambda _: True):
            name, op = str(there["name"]), op_of(there.get("config"))
            if not op or (name, op) in seen:
                continue
            seen.add((name, op))
            yield self._listed(there, account)

    def poll(self, instance: Instance) -> Instance:
        """Return it; it is never pending.

        Raises:
            NotFoundError: it is gone.
        """
        there = self.read(instance)
        if there is None:
            raise NotFoundError.of(f"the prompt `{instance.id}` is gone from Langfuse")
        return replace(instance, outputs=there.outputs, status=Status.READY)

    def update(self, request: Request) -> Instance:
        """Publish another version where the text changed, and move the labels.

        Raises:
            InvalidRequestError: as `create`.
        """
        prior = request.prior
        assert prior is not None, "an update has a prior"
        there = self._same(request, prior)
        if there is None:
            there = self._publish(request, prior.op)
        else:
            missing = [one for one in _labels(request.spec) if one not in there["labels"]]
            if missing:
                path = prompts_path(prior.id, int(there["version"]))
                doing = f"move labels to version {there['version']} of the prompt `{prior.id}`"
                self.link.tell(doing, "PATCH", path, {"newLabels": missing})
        fresh = made(request, account=prior.account, id=prior.id, outputs=_outputs(there))
        return replace(fresh, op=prior.op, created_at=prior.created_at)

    def delete(self, instance: Instance) -> Instance | None:
        """Delete the versions that were made here; returns what stays, with why."""
        declared = {*_labels(instance.spec), _LATEST}
        kept: list[str] = []
        for there in [*self._ours(instance.op, name=instance.id)]:
            version = int(there["version"])
            foreign = sorted({str(one) for one in there["labels"]} - declared - _made_with(there))
            if foreign:
                kept.append(f"version {version} with label {', '.join(foreign)}")
                continue
            doing = f"delete version {version} of the prompt `{instance.id}`"
            try:
                self.link.tell(doing, "DELETE", prompts_path(instance.id), version=str(version))
            except NotFoundError:
                continue
        if not kept:
            return None
        said = f"somebody put a label on it: {'; '.join(kept)} of the prompt `{instance.id}` stays"
        return replace(instance, reason=f"{said} at Langfuse and bills nothing")

    def _shown(self, instance: Instance, there: Mapping[str, Any]) -> Instance:
        spec = dict(instance.spec)
        if "labels" in spec:
            spec["labels"] = tuple(one for one in _labels(spec) if one in there["labels"])
        return replace(
            instance, spec=spec, outputs=_outputs(there), status=Status.READY, progress=""
        )

    def _listed(self, there: Mapping[str, Any], account: str) -> Found:
        config, name = there.get("config"), str(there["name"])
        mark, given = mark_of(config), _made_with(there)
        usual = {str(one) for one in there["labels"]} - {_LATEST} == given
        instance = Instance(
            address=mark.address if mark else Address.of(_KIND, "prompt", key=name),
            provider=self.link.provider,
            account=account,
            id=name,
            spec={"labels": tuple(config[LABELS])} if usual and given and config else {},
            outputs=_outputs(there),
            status=Status.READY if usual else Status.PENDING,
            progress="" if usual else "its labels are to be looked at",
            op=op_of(config),
        )
        return Found(instance=instance, mark=mark, created_at=str(there.get("createdAt") or ""))

    def _publish(self, request: Request, op: str) -> Mapping[str, Any]:
        """Make a version; the labels it is given move to it in the same step."""
        spec = request.spec
        name, content = _name(spec), _content(request)
        config = {
            **{key: value for key, value in content.items() if key != "prompt"},
            CONTENT: _hash(content),
            LABELS: _labels(spec),
            **mark_config(request.mark, op),
        }
        note = f"tunectl: {request.mark.address.path[-1]} {str(spec.get('sha256'))[:12]}"
        return self.link.tell(
            f"publish the prompt `{name}`",
            "POST",
            prompts_path(),
            {
                "type": "chat",
                "name": name,
                "prompt": content["prompt"],
                "labels": _labels(spec),
                "config": config,
                "commitMessage": note[:_LONGEST_NOTE],
            },
        )

    def _same(self, request: Request, prior: Instance) -> Mapping[str, Any] | None:
        """Return the version that holds the wanted text already, None where there is none.

        It is the recorded one, or a later one of an update that was cut off. One that was made with
        a label that is not declared any more does not count: the others move on without that label.
        """
        wanted, last = _hash(_content(request)), prior.outputs.get("version")
        labels = {*_labels(request.spec)}
        for there in self._ours(prior.op, name=prior.id):
            if isinstance(last, int) and int(there["version"]) < last:
                return None
            if there["config"].get(CONTENT) == wanted and _made_with(there) <= labels:
                return there
        return None

    def _version(self, name: str, version: Plain) -> dict[str, Any] | None:
        if not isinstance(version, int):
            return None
        try:
            return self.link.ask(
                f"read version {version} of the prompt `{name}`",
                prompts_path(name),
                {"version": str(version), "resolve": "false"},
            )
        except NotFoundError:
            return None

    def _ours(
        self, op: str, *, name: str = "", likely: Callable[[str], bool] = lambda _: True
    ) -> Iterator[dict[str, Any]]:
        """Yield the versions that carry an operation, of each prompt the newest first.

        Args:
            op: without it those that carry any.
            name: of the prompt; without it of any.
            likely: which prompts are looked into, by their name.
        """
        for listed in [*self.link.pages("list the prompts", narrowed(op, name))]:
            called = str(listed.get("name"))
            if (name and called != name) or not likely(called):
                continue
            for version in sorted((int(v) for v in listed.get("versions") or ()), reverse=True):
                there = self._version(called, version)
                if there is not None and op_of(there.get("config")) in ({op} if op else _ANY):
                    yield there


class _Any:
    def __contains__(self, op: object) -> bool:
        return bool(op)


_ANY = _Any()


def _content(request: Request) -> dict[str, Any]:
    """Return what a version says: the messages, and what `config` says of how they are meant."""
    form = request.spec.get("form")
    said = dict(form) if isinstance(form, Mapping) else {}
    model = request.spec.get("model")
    return {
        "prompt": [_message(one) for one in messages_of(request.spec, request.reader, _FORBIDDEN)],
        **({"model": model} if model is not None else {}),
        **said,
    }


def _message(one: Message | Slot) -> dict[str, str]:
    if isinstance(one, Slot):
        return {"type": "placeholder", "name": one.section}
    return {"role": one.role, "content": one.text}


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def _name(spec: Mapping[str, Plain]) -> str:
    name = spec.get("name")
    if not isinstance(name, str):
        raise InvalidRequestError.of("a publication has no `name`")
    return name


def _labels(spec: Mapping[str, Plain]) -> list[str]:
    said = spec.get("labels")
    return [str(one) for one in said] if isinstance(said, tuple | list) else []


def _made_with(there: Mapping[str, Any]) -> set[str]:
    config = there.get("config")
    said = config.get(LABELS) if isinstance(config, Mapping) else None
    return {str(one) for one in said} if isinstance(said, list) else set()


def _outputs(there: Mapping[str, Any]) -> dict[str, Plain]:
    return {"name": str(there["name"]), "version": int(there["version"])}

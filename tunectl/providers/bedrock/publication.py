"""Publications at Bedrock: a prompt of prompt management, and a version of each text.

Laws: a create is one request, carries the operation in the description and its mark as tags; the
version comes after it and is found again by the hash in its description. The draft is compared as a
whole and replaced as a whole, for an update forgets what it is not sent. Of versions with one text
there is one. What others made of the prompt stays when ours goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunectl.core.errors import Diagnostic, InvalidRequestError, NotFoundError
from tunectl.core.ports import Found, Mark, Request
from tunectl.core.resource import Instance, Resource, Status
from tunectl.core.value import Address, Plain
from tunectl.providers.bedrock.account import Identity
from tunectl.providers.bedrock.agent_tags import tagged
from tunectl.providers.bedrock.client import AGENT, Cloud, fields, pages
from tunectl.providers.bedrock.job import moment
from tunectl.providers.bedrock.naming import mark_pairs, op_in_name, served_name
from tunectl.providers.bedrock.prompt import VARIANT, is_ours, note, told, variant
from tunectl.providers.instances import found, made
from tunectl.providers.publishing import may_be_named, messages_of

_DRAFT = "DRAFT"
_FORBIDDEN = ("{{",)
_KEPT = ("customerEncryptionKeyArn",)


@dataclass(frozen=True, slots=True)
class Publications:
    """Handler of kind `publication`."""

    cloud: Cloud
    identity: Identity

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        """Say offline that a prompt of it needs words of the user, before those of the model."""
        given = resource.spec.get("messages")
        roles = [
            "user" if "examples" in one else str(one.get("role"))
            for one in (given if isinstance(given, tuple | list) else ())
            if isinstance(one, Mapping) and one.get("role") != "system"
        ]
        if roles[:1] != ["user"]:
            yield Diagnostic(
                summary="a prompt at Bedrock begins with words of the user, after the system's",
                hint="add a section with `role: user`, or move it before the others",
                code="publish-roles",
                address=str(resource.address),
                source=resource.source,
            )

    def read(self, instance: Instance) -> Instance | None:
        """Return it with the hash of what its draft says now; None when it is gone."""
        self.identity.check(instance)
        try:
            return self._shown(instance, self._draft(instance.id))
        except NotFoundError:
            return None

    def create(self, request: Request) -> Instance:
        """Make the draft; it is pending until a version of it is there.

        Raises:
            InvalidRequestError: an example holds what Bedrock would read as a variable.
            ConflictError: somebody has a prompt of this name.
        """
        account, spec = self.identity.id(), request.spec
        asked = {
            **_said(request),
            "description": served_name(request.mark),
            "tags": mark_pairs(request.mark),
            "clientToken": f"tunectl-{request.mark.op}",
        }
        draft = self.cloud.tell(
            AGENT,
            f"publish the prompt `{spec.get('name')}`",
            lambda c: fields(c.create_prompt(**asked), "arn", "id"),
        )
        return made(
            request,
            account=account,
            id=str(draft["arn"]),
            outputs=_outputs(draft, 0),
            status=Status.PENDING,
            progress="making a version",
        )

    @property
    def lag(self) -> float:
        """Seconds for which `find` may not show what was just made."""
        return 0.0 if self.cloud.rehearsed else 10.0

    def find(self, mark: Mark) -> Iterable[Instance]:
        """Yield what carries the operation in its description."""
        account = self.identity.id()
        for one in self._every():
            if not may_be_named(str(one["name"]), mark.address):
                continue
            if op_in_name(str(one.get("description"))) == mark.op:
                yield found(
                    mark,
                    provider=self.cloud.provider,
                    account=account,
                    id=str(one["arn"]),
                    outputs=_outputs(one, 0),
                    status=Status.PENDING,  # its version may be still to come
                    progress="looking at its versions",
                )

    def mark(self, instance: Instance) -> Mark | None:
        """Return the mark in the tags, if any."""
        return tagged(self.cloud, self.identity, instance)

    def list(self) -> Iterable[Found]:
        """Yield every prompt of the account in the region; those that are ours are looked at."""
        account = self.identity.id()
        for one in self._every():
            blank = Instance(
                address=Address.of("publication", "prompt", key=str(one["name"])),
                provider=self.cloud.provider,
                account=account,
                id=str(one["arn"]),
                spec={},
                outputs=_outputs(one, 0),
                op=op_in_name(str(one.get("description"))),
            )
            shown = self.read(blank) if blank.op else blank
            if shown is not None:
                yield Found(instance=shown, created_at=moment(one.get("createdAt")))

    def poll(self, instance: Instance) -> Instance:
        """Make the version of the draft, unless there is one of its text.

        Raises:
            NotFoundError: it is gone.
        """
        self.identity.check(instance)
        draft = self._draft(instance.id)
        declared, content = told(draft)
        if instance.spec and declared != instance.spec.get("sha256"):
            reason = "somebody else changed its draft while it was published"
            return replace(instance, status=Status.FAILED, reason=reason, progress="")
        version = self._version(draft, content) or self._made(draft, content)
        return replace(
            instance,
            status=Status.READY,
            reason="",
            progress="",
            outputs=_outputs(draft, version),
        )

    def update(self, request: Request) -> Instance:
        """Replace the draft where it is not what is wanted; it is pending.

        Raises:
            InvalidRequestError: as `create`.
            NotFoundError: it is gone.
        """
        prior = request.prior
        assert prior is not None, "an update has a prior"
        self.identity.check(prior)
        draft, said = self._draft(prior.id), _said(request)
        if told(draft) != told(said):
            kept = {key: draft[key] for key in _KEPT if draft.get(key)}
            kept["description"] = served_name(replace(request.mark, op=prior.op))
            self.cloud.tell(
                AGENT,
                f"change the prompt `{prior.id}`",
                lambda c: c.update_prompt(promptIdentifier=draft["id"], **said, **kept),
            )
        fresh = made(
            request,
            account=prior.account,
            id=prior.id,
            outputs=_outputs({**draft, "name": said["name"]}, 0),
            status=Status.PENDING,
            progress="making a version",
        )
        return replace(fresh, op=prior.op, created_at=prior.created_at)

    def delete(self, instance: Instance) -> Instance | None:
        """Delete the prompt; where others made versions of it, only ours, and return that."""
        self.identity.check(instance)
        try:
            every = [*self._versions(instance.id)]
            others = [one for one in every if not is_ours(one.get("description"))]
            if not others:
                self._remove(instance.id)
                return None
            for one in every:
                if one not in others:
                    self._remove(instance.id, str(one["version"]))
        except NotFoundError:
            return None
        numbers = ", ".join(sorted(str(one["version"]) for one in others))
        reason = f"the prompt `{instance.outputs.get('name')}` stays with what others made of it"
        return replace(instance, reason=f"{reason} (version {numbers}), and bills nothing")

    def _shown(self, instance: Instance, draft: Mapping[str, Any]) -> Instance:
        declared, content = told(draft)
        version = self._version(draft, content)
        # Without its version nobody can use what the draft says.
        spec = {**instance.spec, "sha256": declared if version else ""}
        return replace(
            instance,
            spec=spec,
            outputs=_outputs(draft, version),
            status=Status.READY,
            progress="",
            reason="",
        )

    def _draft(self, arn: str) -> Mapping[str, Any]:
        return self.cloud.ask(
            AGENT,
            f"read the prompt `{arn}`",
            lambda c: fields(c.get_prompt(promptIdentifier=arn), "id", "arn", "name"),
        )

    def _version(self, draft: Mapping[str, Any], content: str) -> int:
        """Return the newest version of a text, 0 where there is none."""
        every = self._versions(str(draft["arn"]))
        same = [int(one["version"]) for one in every if one.get("description") == note(content)]
        return max(same, default=0)

    def _made(self, draft: Mapping[str, Any], content: str) -> int:
        answer = self.cloud.tell(
            AGENT,
            f"make a version of the prompt `{draft['name']}`",
            lambda c: fields(
                c.create_prompt_version(promptIdentifier=draft["id"], description=note(content)),
                "version",
            ),
        )
        return int(answer["version"])

    def _versions(self, arn: str) -> Sequence[Mapping[str, Any]]:
        every = pages(
            self.cloud,
            f"list the versions of the prompt `{arn}`",
            "list_prompts",
            "promptSummaries",
            service=AGENT,
            promptIdentifier=arn.rpartition("/")[2],
        )
        return [one for one in every if one.get("version") != _DRAFT]

    def _every(self) -> Iterator[Mapping[str, Any]]:
        return pages(
            self.cloud, "list the prompts", "list_prompts", "promptSummaries", service=AGENT
        )

    def _remove(self, arn: str, version: str = "") -> None:
        which = {"promptVersion": version} if version else {}
        try:
            self.cloud.tell(
                AGENT,
                f"delete the prompt `{arn}`",
                lambda c: c.delete_prompt(promptIdentifier=arn.rpartition("/")[2], **which),
            )
        except NotFoundError:
            return


def _said(request: Request) -> dict[str, Any]:
    """Return the whole draft but for what it is described with."""
    spec = request.spec
    name = spec.get("name")
    if not isinstance(name, str):
        raise InvalidRequestError.of("a publication has no `name`")
    messages = messages_of(spec, request.reader, _FORBIDDEN)
    return {"name": name, "defaultVariant": VARIANT, "variants": [variant(spec, messages)]}


def _outputs(draft: Mapping[str, Any], version: int) -> dict[str, Plain]:
    found: dict[str, Plain] = {"name": str(draft["name"])}
    if version:
        found["version"] = version
        found["arn"] = f"{draft['arn']}:{version}"
    return found

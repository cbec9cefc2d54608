"""Tuning jobs that can be copied between two accounts of our own server: nothing is trained again.

The copy is a job of its own in the account it is copied to. It carries our mark as any job does, so
it is found, read, listed and deleted as one.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from tunectl.core.ports import Original, Request
from tunectl.core.resource import Instance, Status
from tunectl.providers.instances import made
from tunectl.providers.wire.client import fields
from tunectl.providers.wire.naming import mark_metadata
from tunectl.providers.wire.tuning_job import TuningJobs

if TYPE_CHECKING:
    from openai import APIResponse, OpenAI

_IN_MEMORY = 8 * 1024 * 1024
_PIECE = 256 * 1024
_JOBS = "/tunectl/jobs"


class _GivesOut(Protocol):
    def give_out(self, instance: Instance, target: IO[bytes]) -> None: ...


@dataclass(frozen=True, slots=True)
class CopiedJobs(TuningJobs):
    """Handler of kind `tuning_job` at our own server."""

    def copies(self, original: Original) -> bool:
        """Say whether the other account is one of our own servers, too."""
        return hasattr(original.handler, "give_out")

    def copy(self, request: Request, original: Original) -> Instance:
        """Fetch the job from its server and make a job of it at this one.

        Raises:
            NotFoundError: the original is gone.
            InvalidRequestError: its base is another one here.
            UnknownOutcomeError: it may or may not have been made; `find` will tell.
        """
        account, base = self.account.id(), request.spec.get("base_model")
        asked: dict[str, object] = {"metadata": mark_metadata(request.mark)}
        if isinstance(base, str):
            asked["model"] = self.prepare(base)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as archive:
            source = cast("_GivesOut", original.handler)
            source.give_out(original.instance, cast("IO[bytes]", archive))
            archive.seek(0)
            job = self.wire.tell(
                f"copy the job `{original.instance.id}`",
                lambda c: fields(_sent(c, asked, cast("IO[bytes]", archive)), "id", "status"),
                large=True,
            )
        blank = made(request, account=account, id=job["id"], outputs={}, status=Status.PENDING)
        return self._shown(blank, job)

    def give_out(self, instance: Instance, target: IO[bytes]) -> None:
        """Write what a copy is made of.

        Raises:
            NotFoundError: the job, or its model, is gone.
        """

        def fetch(client: OpenAI) -> None:
            target.seek(0)
            target.truncate()
            raw = {"X-Stainless-Raw-Response": "stream", "Accept": "application/x-tar"}
            path = f"{_JOBS}/{instance.id}/export"
            answer = cast(
                "APIResponse[bytes]", client.get(path, cast_to=bytes, options={"headers": raw})
            )
            with closing(answer):
                for piece in answer.iter_bytes(_PIECE):
                    target.write(piece)

        self.wire.ask(f"fetch the job `{instance.id}`", fetch)


def _sent(client: OpenAI, asked: dict[str, object], archive: IO[bytes]) -> Any:  # noqa: ANN401
    return client.post(
        _JOBS,
        cast_to=dict[str, Any],
        body={"request": json.dumps(asked, ensure_ascii=False)},
        files=[("file", ("copy.tar", archive, "application/x-tar"))],
        options={"headers": {"Content-Type": "multipart/form-data"}},
    )

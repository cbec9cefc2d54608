"""The one seam to Ray's Jobs API: its client, its errors, its words."""

from __future__ import annotations

import json
import os
import re
import threading
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tunectl.server.executor import ExecutorError

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

TIMEOUT = (3.0, 10.0)
"""Seconds for the connection and for an answer; Ray's own client would wait for ever.

They are short because whoever asks us waits, too; a reply that is lost this way does no harm.
"""

HEADERS = "RAY_JOB_HEADERS"
INSTALL = "pip install 'tunectl[ray]'"
_STATUS = re.compile(r"status code (\d{3})")
# These would win over the address that was declared.
_ELSEWHERE = ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS")


class UnreachableError(ExecutorError):
    """Nobody, or not the cluster, answers at the address: nothing is known about any job."""


class RefusedError(ExecutorError):
    """The cluster has answered with an error."""


@dataclass(frozen=True)
class Seen:
    """A submission as the cluster tells it.

    Attributes:
        status: PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED.
        kind: Ray's type of error, such as JOB_SUPERVISOR_ACTOR_START_TIMEOUT; empty without one.
        exit_code: of the entrypoint, where it has ended.
        message: in Ray's words.
        node: Ray's id of the node, once it has one.
    """

    status: str
    kind: str = ""
    exit_code: int | None = None
    message: str = ""
    node: str = ""

    @property
    def over(self) -> bool:
        """Whether it will never run again."""
        return self.status in {"SUCCEEDED", "FAILED", "STOPPED"}


class Cluster:
    """The Jobs API at one address; connects when it is first asked."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._mutex = threading.Lock()
        self._client: JobSubmissionClient | None = None

    def version(self) -> str:
        """Return the version of Ray on the cluster.

        Raises:
            ExecutorError: Ray is not installed here, or the cluster does not answer.
        """
        return str(self._ask("ray_version"))

    def submit(self, submission: str, entrypoint: str, **more: Any) -> None:  # noqa: ANN401  # Ray's
        """Submit; an id that the cluster knows already is as good.

        Raises:
            UnreachableError: it may have arrived, or not.
            RefusedError: it has not.
        """
        try:
            self._ask("submit_job", submission_id=submission, entrypoint=entrypoint, **more)
        except RefusedError as error:
            if "already exists" not in str(error):
                raise

    def look(self, submission: str) -> Seen | None:
        """Return what the cluster knows of a submission, None when it does not know it.

        Raises:
            ExecutorError: it does not tell.
        """
        try:
            info = self._ask("get_job_info", submission)
        except RefusedError as error:
            if _code(str(error)) == "404":
                return None
            raise
        return Seen(
            status=str(getattr(info.status, "value", info.status)),
            kind=str(info.error_type or ""),
            exit_code=info.driver_exit_code,
            message=str(info.message or ""),
            node=str(info.driver_node_id or ""),
        )

    def stop(self, submission: str) -> None:
        """Ask the cluster to end a submission; one that is over, or unknown, is fine.

        Raises:
            ExecutorError: it does not take the request.
        """
        try:
            self._ask("stop_job", submission)
        except RefusedError as error:
            if _code(str(error)) != "404":
                raise

    def _ask(self, method: str, *arguments: str, **named: Any) -> Any:  # noqa: ANN401  # Ray's
        """Call one method of the client; every error of Ray's becomes one of ours."""
        check_installed()
        from ray.exceptions import AuthenticationError

        try:
            return getattr(self._connected(), method)(*arguments, **named)
        except AuthenticationError as error:
            first = str(error).strip().splitlines()[0]
            raise RefusedError(
                f"the Ray cluster at {self.address} refuses our credentials: {first}\n"
                "hint: set `RAY_AUTH_MODE=token` and `RAY_AUTH_TOKEN`; for a gateway "
                f'`{HEADERS}=\'{{"Authorization": "Bearer …"}}\'`'
            ) from error
        except (OSError, KeyError) as error:  # errors of `requests` are of the first kind
            raise UnreachableError(
                f"cannot reach the Ray cluster at {self.address}: {_root(error)}\n"
                "hint: the address is that of the dashboard (`http://HEAD:8265`); "
                "see `ray status` on the head node"
            ) from error
        except (RuntimeError, ValueError) as error:
            if _code(str(error)).startswith("50") and _code(str(error)) != "500":
                raise UnreachableError(  # a gateway speaks for a cluster that does not
                    f"cannot reach the Ray cluster at {self.address}: {_reason(error)}"
                ) from error
            raise RefusedError(f"the Ray cluster at {self.address}: {_reason(error)}") from error

    def _connected(self) -> JobSubmissionClient:
        with self._mutex:
            if self._client is None:
                for name in _ELSEWHERE:
                    os.environ.pop(name, None)
                self._client = _patient()(self.address, headers=_headers())
            return self._client


def check_installed() -> None:
    """Make sure that Ray's client can be imported.

    Raises:
        ExecutorError: it is not installed.
    """
    for package in ("ray", "aiohttp", "requests"):
        if find_spec(package) is None:
            raise ExecutorError(
                f"executor `ray` needs `{package}`, which is not installed\nhint: {INSTALL}"
            )


def _patient() -> type[JobSubmissionClient]:
    """Return Ray's client with a limit to its patience; requests are handed down by it."""
    from ray.job_submission import JobSubmissionClient

    class Client(JobSubmissionClient):  # type: ignore[misc]  # ray has no types here
        def _do_request(self, method: str, endpoint: str, **more: Any) -> Any:  # noqa: ANN401
            return super()._do_request(method, endpoint, timeout=TIMEOUT, **more)

        def ray_version(self) -> str:
            """Return the version of the cluster; Ray's own `get_version` is that of its API."""
            return str(self._do_request("GET", "/api/version").json()["ray_version"])

    return Client


def _headers() -> dict[str, Any] | None:
    said = os.environ.get(HEADERS)
    if not said:
        return None
    try:
        headers = json.loads(said)
    except ValueError:
        headers = None
    if not isinstance(headers, dict):
        raise RefusedError(f"the variable `{HEADERS}` is not a JSON object of headers")
    return headers


def _code(text: str) -> str:
    found = _STATUS.search(text)
    return found[1] if found else ""


def _root(error: BaseException) -> str:
    """Return what lies behind an error, where the system says it: of a chain the first link."""
    below = error
    while (deeper := below.__cause__ or below.__context__) is not None:
        below = deeper
    told = below.strerror if isinstance(below, OSError) else None
    return str(told) if told else _reason(error)


def _reason(error: BaseException) -> str:
    """Return what an error says, in one line: of a traceback the last one."""
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip(" .")]
    if not lines:
        return type(error).__name__
    return lines[0] if len(lines) == 1 else f"{lines[0]} … {lines[-1]}"

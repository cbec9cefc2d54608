"""How a training that cannot go on says so: the wire's {code, message, param} and an exit code."""

from __future__ import annotations

import errno
import sys
import traceback
from types import TracebackType
from typing import Any, Self

from tunectl.server.jobs import EXIT_FAILED, JobFolder


class JobError(Exception):
    """The job fails for good, however often it is tried; `code` and `param` as on the wire."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        """Keep the three parts of the wire's error."""
        super().__init__(message)
        self.code = code
        self.param = param


class FailureReport:
    """A block whose exceptions end the job as `failed`; `code` is the exit code of the process.

    Every `Exception` is reported: a trainer that dies without a word would be started again, twice,
    only to die of the same. What is no `Exception` (an interrupt) passes.
    """

    def __init__(self, job: JobFolder) -> None:
        """Nothing is written unless the block fails."""
        self.job = job
        self.code = 0

    def __enter__(self) -> Self:
        """Begin the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Write the status, the event and the log of a failure; True when it was one."""
        if not isinstance(error, Exception):
            return False
        traceback.print_exception(kind, error, trace, file=sys.stderr)
        told = describe(error)
        self.job.event(f"The job failed: {told['message']}", level="error", data={"error": told})
        self.job.finish("failed", error=told)
        self.code = EXIT_FAILED
        return True


def describe(error: Exception) -> dict[str, Any]:
    """The wire's error for an exception; lack of memory and of disk are named as such."""
    if isinstance(error, JobError):
        return {"code": error.code, "message": str(error), "param": error.param}
    text = str(error).strip()
    if is_out_of_memory(error):
        message = (
            "out of memory; use a smaller `batch_size`, shorter examples or a smaller base model "
            f"({text.splitlines()[0] if text else type(error).__name__})"
        )
    elif isinstance(error, OSError) and error.errno == errno.ENOSPC:
        message = "no space left on the disk of the server's root folder"
    else:
        first = text.splitlines()[0] if text else ""
        message = f"the trainer stopped on {type(error).__name__}: {first}".rstrip(": ")
    return {"code": "server_error", "message": message, "param": None}


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, of the machine or of its accelerator, in any of torch's words."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    words = ("out of memory", "not enough memory", "can't allocate memory")
    return isinstance(error, RuntimeError) and any(word in text for word in words)

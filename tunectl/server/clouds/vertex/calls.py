"""One request, understood: which version, which place, what body, and in which form to answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tunectl.server.clouds.vertex import filters
from tunectl.server.clouds.vertex.ledger import Kept, Ledger, Operation
from tunectl.server.clouds.vertex.messages import camel, read, written
from tunectl.server.clouds.vertex.refusals import Refused, invalid
from tunectl.server.clouds.wire import Answered, Asked


def wants_numbers(asked: Asked) -> bool:
    """Tell whether a request asks for enums as numbers."""
    return "enum-encoding=int" in asked.param("$alt")


@dataclass(frozen=True, slots=True)
class Call:
    """A request within a location of the project.

    Attributes:
        version: `v1` or `v1beta1`; `/ui/`, where clients ask after operations, is v1.
        location: from the path.
        parent: `projects/NUMBER/locations/LOCATION`; names in answers begin so.
        rest: the path behind the location, decoded, without the method behind `:`.
    """

    ledger: Ledger
    asked: Asked
    version: str
    location: str
    parent: str
    rest: str

    @property
    def name(self) -> str:
        """The full name of what the path names."""
        return f"{self.parent}/{self.rest}"

    @property
    def as_numbers(self) -> bool:
        """Whether enums are wanted as numbers, as Google's generated clients want them."""
        return wants_numbers(self.asked)

    def raw(self) -> Any:  # noqa: ANN401  # JSON is of any type
        """Return the body as JSON.

        Raises:
            Refused: it is none.
        """
        try:
            return self.asked.json()
        except ValueError as wrong:
            raise invalid(f"Invalid JSON payload received. {wrong}") from wrong

    def body(self, message: str, path: str = "") -> Kept:
        """Return the body as a message.

        Args:
            message: what it must be.
            path: where the body stands in the request message, for complaints.

        Raises:
            Refused: it is something else.
        """
        return read(self.version, message, self.raw(), path)

    def form(self, message: str, kept: Kept) -> Kept:
        """Return a message in the form that was asked for."""
        return written(self.version, message, kept, as_numbers=self.as_numbers)

    def answer(self, message: str, kept: Kept) -> Answered:
        """Answer with a message."""
        return Answered.of(self.form(message, kept))

    def listed(self, message: str, field: str, items: list[Kept], filter_: str = "") -> Answered:
        """Answer with one page of a list, filtered.

        Raises:
            Refused: the filter, the size or the page token cannot be.
        """
        shown, more = filters.page(self.asked, filters.chosen(items, filter_))
        return self.answer(message, {field: shown, "nextPageToken": more})

    def mask(self) -> list[str]:
        """Return the JSON names of the fields in `updateMask`, of the first level."""
        paths = self.asked.param("updateMask").split(",")
        return [camel(path.strip().partition(".")[0]) for path in paths if path.strip()]

    def begin(
        self, resource: str, kind: str, effect: Callable[[], tuple[str, Kept]], **about: object
    ) -> Answered:
        """Begin an operation on a resource, which takes `operation_seconds`, and answer with it."""
        ledger, now = self.ledger, self.ledger.world.now()
        due = now + timedelta(seconds=ledger.world.operation_seconds)
        name = f"{resource}/operations/{ledger.new_id()}"
        doomed = ledger.doom(kind)
        effect = effect if doomed is None else _failing(doomed)
        begun = Operation(name, kind, now, due, effect, dict(about), self.version)
        ledger.operations[name] = begun
        return self.operation(begun)

    def operation(self, operation: Operation) -> Answered:
        """Answer with a long-running operation (google.longrunning.Operation)."""
        return Answered.of(self.shown(operation))

    def shown(self, operation: Operation) -> Kept:
        """Return an operation in JSON."""
        stamps = {
            "createTime": self.ledger.stamp(operation.began),
            "updateTime": self.ledger.stamp(operation.due if operation.done else operation.began),
        }
        metadata = {"genericMetadata": stamps, **operation.about}
        shape: Kept = {
            "name": operation.name,
            "metadata": self._any(operation, operation.kind, metadata),
        }
        if operation.error is not None:
            return {**shape, "done": True, "error": operation.error.status()}
        if operation.response is not None:
            message, kept = operation.response
            return {**shape, "done": True, "response": self._any(operation, message, kept)}
        return shape

    def _any(self, operation: Operation, message: str, kept: Kept) -> Kept:
        if message == "Empty":
            return {"@type": "type.googleapis.com/google.protobuf.Empty"}
        version = operation.version
        shape = written(version, message, kept, as_numbers=self.as_numbers)
        return {
            "@type": f"type.googleapis.com/google.cloud.aiplatform.{version}.{message}",
            **shape,
        }


def _failing(refused: Refused) -> Callable[[], tuple[str, Kept]]:
    def effect() -> tuple[str, Kept]:
        raise refused

    return effect

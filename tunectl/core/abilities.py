"""What a handler or a provider may offer beside the ports; where it does not, nobody asks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from tunectl.core.ports import JobEvent, Mark
from tunectl.core.resource import Instance

# The id of an object that exists only where it is recorded begins so: to read it asks nobody.
RECORD: Final = "record-"


class Lags(Protocol):
    """A handler that says by how much `find` may lag; of any other 15 seconds are assumed."""

    @property
    def lag(self) -> float:
        """Seconds after a create for which `find` may not show the object yet."""
        ...


class Marked(Protocol):
    """A handler that can tell whose one object is, as the object says itself."""

    def mark(self, instance: Instance) -> Mark | None:
        """Return the whole mark that an object carries; None where it carries none.

        Raises:
            NotFoundError: it is gone.
        """
        ...


class Cancellable(Protocol):
    """A handler whose pending objects can be cancelled."""

    def cancel(self, instance: Instance) -> Instance:
        """Ask for the end; the result may still be pending."""
        ...


class Pausable(Protocol):
    """A handler whose pending objects can be paused and resumed."""

    def pause(self, instance: Instance) -> Instance:
        """Ask for a pause."""
        ...

    def resume(self, instance: Instance) -> Instance:
        """Let a paused one go on."""
        ...


class Results(Protocol):
    """A handler that can tell what a job that is over leaves to look at."""

    def results(self, instance: Instance) -> Iterable[JobEvent]:
        """Yield losses by step, which its events may have told already, and its checkpoints."""
        ...


class Credentialed(Protocol):
    """A provider that needs credentials, and can say where it finds them."""

    def credentials(self) -> str:
        """Return where they were found: a variable's name or a link of the SDK's chain; no value.

        Raises:
            CredentialsError: there are none; nothing is sent.
        """
        ...


class Vague(Protocol):
    """A provider that can tell whether its account's name is enough to tell accounts apart."""

    @property
    def vague(self) -> bool:
        """Whether a key of somebody else's account would give the same name.

        There "not found" says nothing by itself: it may be somebody else's account that was asked.
        """
        ...

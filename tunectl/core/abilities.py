"""What a handler or a provider may offer beside the ports; where it does not, nobody asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from tunectl.core.ports import Delta, JobEvent, Mark
from tunectl.core.resource import Instance
from tunectl.core.value import Plain

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


class Delegating(Protocol):
    """A provider whose jobs may run elsewhere than where it answers."""

    def executor(self) -> str:
        """Return what runs them, such as a cluster with its address; empty where it does itself.

        Raises:
            UnavailableError: it does not answer; nothing is made.
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


class Startable(Protocol):
    """A provider that must be started to be asked, and can say where that is not worth it."""

    @property
    def untouched(self) -> bool:
        """Whether it is known, without asking, that there is nothing."""
        ...


class Answers(Protocol):
    """A provider that takes a whole request in its own words, as a prompt was compiled for it."""

    @property
    def dialect(self) -> str:
        """Whose words: `openai`, `anthropic`, `gemini` or `bedrock`."""
        ...

    @property
    def structured(self) -> bool:
        """Whether the service holds an answer to a JSON Schema; where not, it takes none."""
        ...

    def answer(self, model: str, body: Mapping[str, Any], **params: Plain) -> Iterator[Delta]:
        """Stream one answer.

        Args:
            model: a model's id, or where it answers.
            body: the request in the words of the dialect, all but the model; sent as it is.
            params: `max_tokens`, `temperature` and their kind in our words; they go before what
                the body says.

        Raises:
            NotFoundError: there is no such model.
            UnavailableError: the answer broke off.
            ProviderError: what else the service refuses.
        """
        ...

"""What a publication says, for every service: its messages in order, rows of examples read in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tunectl.core.errors import InvalidRequestError
from tunectl.core.ports import Reader
from tunectl.core.value import Address, Plain
from tunectl.providers.examples import chosen_rows


@dataclass(frozen=True, slots=True)
class Message:
    """One message: text with `{{name}}` in it."""

    section: str
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for messages that are put in when it is asked."""

    section: str


def messages_of(
    spec: Mapping[str, Plain], reader: Reader, forbidden: tuple[str, ...]
) -> list[Message | Slot]:
    """Return what the settled settings of a publication say.

    Args:
        spec: `messages`, as the loader makes them.
        reader: gives the rows of examples.
        forbidden: texts that an example may not hold, since the service would read them as its own.

    Raises:
        InvalidRequestError: an example holds such a text; the example is not quoted.
        StaleError: the rows are no longer what was planned.
    """
    return [*_messages(spec, reader, forbidden)]


def _messages(
    spec: Mapping[str, Plain], reader: Reader, forbidden: tuple[str, ...]
) -> Iterator[Message | Slot]:
    given = spec.get("messages")
    for one in given if isinstance(given, tuple | list) else ():
        if not isinstance(one, Mapping):
            continue
        section, source = str(one.get("section")), one.get("examples")
        if one.get("slot"):
            yield Slot(section)
        elif isinstance(source, Mapping):
            for number, row in enumerate(chosen_rows(one, source, reader), start=1):
                for message in row:
                    text = str(message.get("content"))
                    _sendable(section, number, text, forbidden)
                    yield Message(section, str(message.get("role")), text)
        else:
            yield Message(section, str(one.get("role")), str(one.get("text")))


def _sendable(section: str, number: int, text: str, forbidden: tuple[str, ...]) -> None:
    mark = next((one for one in forbidden if one in text), "")
    if mark:
        raise InvalidRequestError.of(
            f"example {number} of section `{section}` holds `{mark}`, and it means something else "
            "where it is published",
            hint="choose other rows, or write it another way in the data",
        )


def may_be_named(name: str, address: Address) -> bool:
    """Whether a publication's address may stand for a prompt of this name: it ends in it."""
    key = address.key or ""
    return key == name or key.endswith(f"/{name}")

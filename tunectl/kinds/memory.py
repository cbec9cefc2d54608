"""`memory`: what an application keeps of its users, a profile each and their conversations."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from tunectl.kinds.declared import Declared
from tunectl.kinds.reading import problem
from tunectl.kinds.time import Duration
from tunectl.kinds.values import Fields, Name

FieldType = Literal["string", "integer", "number", "boolean", "list", "date"]

MAX_CHARS = 2000  # of a text whose field says nothing: a profile is read with every question
MAX_ITEMS = 50

_SORTS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "date": (str,),
}
_LISTED = frozenset({"string", "integer", "list"})
_TEXTS = frozenset({"string", "list"})
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BY_NAME = "write `{url_env: NAME}`: the name of an environment variable that holds the URL"


class StoreFields(Fields):
    """Where the users' data lies; one of the fields."""

    file: str | None = Field(
        default=None, min_length=1, description="A SQLite file inside the project."
    )
    url_env: str | None = Field(
        default=None,
        description="The environment variable that holds the URL of a PostgreSQL database.",
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.file is None) == (self.url_env is None):
            said = "says nothing" if self.file is None else "has both `file:` and `url_env:`"
            raise problem(said, "keep one, or leave `store:` out for a SQLite file in `.tunectl/`")
        if self.url_env is not None and not _VARIABLE.fullmatch(self.url_env):
            raise problem("has a `url_env:` that is no name of a variable", _BY_NAME, ("url_env",))
        if self.file is not None and "://" in self.file:
            raise problem("has a `file:` that is a URL", _BY_NAME, ("file",))
        return self


def _store(value: object) -> object:
    """A URL holds a password, and this file is read by many: it is refused, and not shown."""
    if isinstance(value, str):
        if "://" in value:
            raise problem("must not be a URL", _BY_NAME)
        return {"file": value}
    if isinstance(value, Mapping) and "url" in value:
        raise problem("must not hold the URL itself", _BY_NAME)
    return value


class ProfileField(Fields):
    """One thing that is remembered of a user."""

    type: FieldType = Field(
        default="string",
        description="The type of the value; a `list` is one of texts, a `date` is `2026-11-22`.",
    )
    description: str = Field(default="", description="What it is, for people.")
    max_chars: int | None = Field(
        default=None,
        ge=1,
        description=(
            "The longest text, in characters; of a `list`, of each of its texts. 2000 if not set."
        ),
    )
    max_items: int | None = Field(
        default=None, ge=1, description="How many texts a `list` may have; 50 if not set."
    )
    one_of: list[str] | list[int] | None = Field(
        default=None, min_length=1, description="The values there are; of a `list`, of its texts."
    )
    personal: bool = Field(
        default=True,
        description="Personal data: `memory show` masks its value unless told to show it.",
    )
    inject: bool = Field(
        default=False, description="Prompts may say it to the model; else it is never sent."
    )
    default: Any = Field(
        default=None, description="What a prompt says of users of whom nothing is remembered."
    )

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        for name, types in (("max_chars", _TEXTS), ("max_items", {"list"}), ("one_of", _LISTED)):
            if getattr(self, name) is not None and self.type not in types:
                said = f"sets `{name}`, which `type: {self.type}` does not have"
                raise problem(said, "remove it", (name,))
        for choice in self.one_of or ():
            wanted = "integer" if self.type == "integer" else "text"
            if isinstance(choice, int) != (wanted == "integer"):
                raise problem(
                    f"has a value under `one_of` that is no {wanted}",
                    "write numbers for an `integer` and texts for the others",
                    ("one_of",),
                )
        if self.default is not None and (wrong := self._wrong(self.default)):
            raise problem(
                f"has a default that {wrong}", "correct it, or leave it out", ("default",)
            )
        return self

    def _wrong(self, value: object) -> str:
        """Say what is wrong with a default, empty when nothing is."""
        if self.type == "list":
            return self._wrong_list(value)
        if not isinstance(value, _SORTS[self.type]) or (
            isinstance(value, bool) and self.type != "boolean"
        ):
            return f"is no {self.type}"
        if isinstance(value, float) and not math.isfinite(value):
            return "is no finite number"
        if self.type == "date" and isinstance(value, str) and not _is_date(value):
            return "is no date such as `2026-11-22`"
        if self.type == "string" and len(str(value)) > (self.max_chars or MAX_CHARS):
            return f"is longer than {self.max_chars or MAX_CHARS} characters"
        if self.one_of is not None and value not in self.one_of:
            return "is not under `one_of`"
        return ""

    def _wrong_list(self, value: object) -> str:
        if not isinstance(value, list | tuple) or any(not isinstance(v, str) for v in value):
            return "is no list of texts"
        if len(value) > (self.max_items or MAX_ITEMS):
            return f"has more than {self.max_items or MAX_ITEMS} items"
        if any(len(v) > (self.max_chars or MAX_CHARS) for v in value):
            return f"has a text longer than {self.max_chars or MAX_CHARS} characters"
        if self.one_of is not None and any(v not in self.one_of for v in value):
            return "has a text that is not under `one_of`"
        return ""


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _field(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


class SessionFields(Fields):
    """How long conversations stay, and how much of each."""

    expires_after: Duration | None = Field(
        default=None,
        description="A conversation is forgotten so long after its last turn: `12h`, `90d`.",
    )
    max_turns: int | None = Field(
        default=None,
        ge=1,
        description="Of each conversation only so many newest turns are kept: question and answer.",
    )


class Memory(Declared):
    """What an application remembers of its users. Belongs to no provider."""

    builtin: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("name", "store")
    main_output: ClassVar[str | None] = "name"
    compared: ClassVar[tuple[str, ...]] = ("store", "profile", "sessions")

    store: (
        Annotated[StoreFields, BeforeValidator(_store, json_schema_input_type=StoreFields | str)]
        | None
    ) = Field(
        default=None,
        description=(
            "Where the users' data lies; `store: FILE` is short for `{file: FILE}`. Without it "
            "the SQLite file `.tunectl/memory/ENV/NAME.db`."
        ),
    )
    profile: dict[
        Name,
        Annotated[
            ProfileField, BeforeValidator(_field, json_schema_input_type=ProfileField | FieldType)
        ],
    ] = Field(
        default_factory=dict,
        description=(
            "What may be remembered of a user; any other field is refused when it is written. "
            "`language: string` is short for its type."
        ),
    )
    sessions: SessionFields = Field(
        default_factory=SessionFields, description="How long conversations are remembered."
    )

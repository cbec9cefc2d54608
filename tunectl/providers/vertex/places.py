"""Resource names and hosts: where a thing is, said by its own name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

_NAME = re.compile(
    r"projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)"
    r"/(?P<collection>[A-Za-z]+)/(?P<id>[^/@:]+)(?:@(?P<version>[^/@:]+))?"
)
_MULTI_REGIONS = frozenset({"us", "eu"})


@dataclass(frozen=True, slots=True)
class Name:
    """`projects/P/locations/L/COLLECTION/ID@VERSION`, taken apart.

    Attributes:
        project: id or number: a service may answer the number for the id that it was asked by.
        collection: `tuningJobs`, `models` or `endpoints`.
        version: of a model; empty where the name has none.
    """

    project: str
    location: str
    collection: str
    id: str
    version: str = ""

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Read a name; None where the text is none."""
        found = _NAME.fullmatch(text)
        if found is None:
            return None
        return cls(
            found["project"],
            found["location"],
            found["collection"],
            found["id"],
            found["version"] or "",
        )

    @property
    def bare(self) -> str:
        """The name without a version."""
        return f"projects/{self.project}/locations/{self.location}/{self.collection}/{self.id}"


def location_of(name: str, otherwise: str = "global") -> str:
    """Return the location in any resource name, operations and publishers' models included."""
    found = re.match(r"projects/[^/]+/locations/([^/]+)/", name)
    return found[1] if found else otherwise


def same_thing(one: str, other: str) -> bool:
    """Tell whether two names mean one thing: by location, collection and id.

    The project is left out: one name may tell its id, the other its number. Ids are unique in a
    location.
    """
    a, b = Name.of(one), Name.of(other)
    if a is None or b is None:
        return one == other
    return (a.location, a.collection, a.id) == (b.location, b.collection, b.id)


def host_of(location: str) -> str:
    """Return the host of a location (Google's client libraries, google-genai 2.34, 2026-11).

    >>> host_of("europe-west4"), host_of("eu")
    ('europe-west4-aiplatform.googleapis.com', 'aiplatform.eu.rep.googleapis.com')
    """
    if location == "global":
        return "aiplatform.googleapis.com"
    if location in _MULTI_REGIONS:
        return f"aiplatform.{location}.rep.googleapis.com"
    return f"{location}-aiplatform.googleapis.com"

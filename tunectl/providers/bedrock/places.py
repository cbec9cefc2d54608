"""Places in S3: `s3://BUCKET/PREFIX`."""

from __future__ import annotations

import re
from dataclasses import dataclass

# botocore 1.44.5, service model `bedrock`, S3Uri: no space, no letter beyond ASCII
_URI = re.compile(
    r"s3://([a-z0-9][-.a-z0-9]{1,61}[a-z0-9])(?:/([-!_*'().a-z0-9A-Z]+(?:/[-!_*'().a-z0-9A-Z]+)*))?/?"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket and a key or prefix, without slashes at its ends."""

    bucket: str
    key: str = ""

    def __str__(self) -> str:
        """As a URI."""
        return f"s3://{self.bucket}/{self.key}" if self.key else f"s3://{self.bucket}"

    def below(self, name: str) -> Place:
        """Return a place inside it."""
        return Place(self.bucket, f"{self.key}/{name}" if self.key else name)

    @classmethod
    def parse(cls, uri: str) -> Place | None:
        """Return the place of a URI, None where it is none that Bedrock takes."""
        found = _URI.fullmatch(uri)
        return cls(found[1], found[2] or "") if found else None

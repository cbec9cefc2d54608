"""The staging bucket, looked at before anything is made: is it there, and may we write to it?"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from tunectl.core.errors import CredentialsError, NotFoundError
from tunectl.providers.vertex.client import Cloud

PERMISSIONS = (
    "storage.objects.create",
    "storage.objects.get",
    "storage.objects.list",
    "storage.objects.delete",
)
_JURISDICTIONS = {"eu": "eu", "europe": "eu", "us": "us", "northamerica": "us"}


@dataclass(frozen=True, slots=True)
class Place:
    """`gs://BUCKET/PREFIX`.

    Attributes:
        prefix: begins the names of our objects; ends in `/` unless it is empty.
    """

    bucket: str
    prefix: str

    @classmethod
    def of(cls, url: str) -> Place:
        """Read the setting `staging`."""
        bucket, _, prefix = url.removeprefix("gs://").partition("/")
        prefix = prefix.strip("/")
        return cls(bucket, f"{prefix}/tunectl/" if prefix else "tunectl/")


@dataclass(frozen=True, slots=True)
class Staging:
    """Looks at the bucket once; thread-safe."""

    cloud: Cloud
    _seen: list[tuple[tuple[str, str, str], ...]] = field(default_factory=list, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def place(self) -> Place:
        """Where our objects are."""
        return Place.of(self.cloud.staging)

    def problems(self) -> Iterator[tuple[str, str, str]]:
        """Yield what is wrong: code, summary, hint.

        Raises:
            ProviderError: that could not be told.
        """
        with self._mutex:
            if not self._seen:
                self._seen.append(tuple(self._looked()))
            yield from self._seen[0]

    def exists(self) -> None:
        """Make sure that the bucket exists, so that what is not in it is gone.

        Raises:
            NotFoundError: it does not.
        """
        self._allowed()

    def _allowed(self) -> set[str]:
        name = self.place.bucket
        return set(
            self.cloud.ask(
                f"look at the bucket `{name}`",
                lambda: (
                    self.cloud.storage()
                    .bucket(name)
                    .test_iam_permissions(
                        list(PERMISSIONS), timeout=self.cloud.ask_seconds, retry=None
                    )
                ),
            )
        )

    def _looked(self) -> Iterator[tuple[str, str, str]]:
        name, location = self.place.bucket, self.cloud.location
        if not name:
            yield (
                "staging",
                (
                    f"provider `{self.cloud.provider}` needs `staging:`, the bucket that training "
                    "data goes through"
                ),
                "such as `staging: gs://acme-tuning`",
            )
            return
        try:
            missing = set(PERMISSIONS) - self._allowed()
        except NotFoundError:
            where = location if location != "global" else "eu"
            hint = f"make it: `gcloud storage buckets create gs://{name} --location={where}`"
            yield "staging", f"the bucket `gs://{name}` of `staging` does not exist", hint
            return
        if missing:
            listed = ", ".join(f"`{one}`" for one in sorted(missing))
            yield (
                "staging",
                (
                    f"the credentials may not use the bucket `gs://{name}` of `staging`: {listed} "
                    "is missing"
                ),
                "give the account the role `roles/storage.objectUser` on the bucket",
            )
            return
        there = self._location()
        if there and _law(there) and _law(location) and _law(there) != _law(location):
            yield (
                "staging-location",
                (
                    f"the bucket `gs://{name}` of `staging` is in `{there}`, and jobs run in "
                    f"`{location}`"
                ),
                "training data then leaves its jurisdiction; use a bucket near the jobs",
            )

    def _location(self) -> str:
        """Return where the bucket is; empty where the credentials may not ask that."""
        name = self.place.bucket
        try:
            bucket = self.cloud.ask(
                f"locate the bucket `{name}`",
                lambda: self.cloud.storage().get_bucket(
                    name, timeout=self.cloud.ask_seconds, retry=None
                ),
            )
        except (CredentialsError, NotFoundError):
            return ""
        return str(bucket.location or "")


def _law(location: str) -> str:
    """Return the jurisdiction of a location; empty where it says none."""
    head = location.lower().partition("-")[0]
    return "" if head == "global" else _JURISDICTIONS.get(head, head)

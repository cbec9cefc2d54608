"""What jobs lean on, looked at before anything is made: the buckets, and whose the role is.

S3 has no question for permissions. Writing is tried with a condition that cannot hold: a PUT with
`If-Match` of an object that does not exist is answered 404 to whoever may write, 403 to whoever may
not, and makes nothing (Amazon S3 user guide, "Conditional requests", 2026-11).
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from tunectl.core.errors import ConflictError, CredentialsError, NotFoundError
from tunectl.providers.bedrock.account import Identity
from tunectl.providers.bedrock.client import S3, Cloud
from tunectl.providers.bedrock.job import Setting
from tunectl.providers.bedrock.places import Place

_PROBE = "tunectl.may-i-write"
_NO_CONTENT = '"d41d8cd98f00b204e9800998ecf8427e"'  # the ETag of nothing
_ACCOUNT = 4  # the fifth part of an ARN

Problem = tuple[str, str, str]  # code, summary, hint; a code that begins `unsure-` is a warning


@dataclass(frozen=True, slots=True)
class Staging:
    """Looks at everything once; thread-safe."""

    cloud: Cloud
    identity: Identity
    place: Place
    setting: Setting
    _seen: list[tuple[Problem, ...]] = field(default_factory=list, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong.

        Raises:
            ProviderError: that could not be told.
        """
        with self._mutex:
            if not self._seen:
                self._seen.append((*self._role(), *self._buckets()))
            return self._seen[0]

    def _role(self) -> Iterator[Problem]:
        """A role of another account cannot be passed to the service."""
        there = self.setting.role_arn.split(":")[_ACCOUNT]
        here = self.identity.id().partition("/")[0]
        if there and there != here:
            yield (
                "role",
                (
                    f"`role_arn` of provider `{self.cloud.provider}` is a role of account "
                    f"`{there}`, and jobs run in `{here}`"
                ),
                f"name a role of account `{here}`, or use credentials of `{there}`",
            )

    def _buckets(self) -> Iterator[Problem]:
        """Look at each bucket; of two places in one, the first is written to by us."""
        if (yield from self._bucket("staging", self.place)):
            yield from self._writable()
        if self.setting.output.bucket != self.place.bucket:
            yield from self._bucket("output", self.setting.output)

    def _bucket(self, name: str, place: Place) -> Generator[Problem, None, bool]:
        """Yield what is wrong with a bucket; returns whether it can be used.

        Args:
            name: of the setting.
            place: where the setting points to.
        """
        bucket, region = place.bucket, self.cloud.region
        try:
            told = self.cloud.ask(
                S3, f"look at the bucket `{bucket}`", lambda c: c.head_bucket(Bucket=bucket)
            )
        except NotFoundError:
            make = f"make it: `aws s3 mb s3://{bucket} --region {region}`"
            yield name, f"the bucket `{bucket}` of `{name}` does not exist", make
            return False
        except CredentialsError:  # valid ones: they have just told whose they are
            hint = "it may be somebody else's; else give the identity `s3:ListBucket` on it"
            yield name, f"the credentials may not see the bucket `{bucket}` of `{name}`", hint
            return False
        there = _region(told)
        if there and there != region:
            yield (
                f"unsure-{name}",
                f"the bucket `{bucket}` of `{name}` is in `{there}`, and jobs run in `{region}`",
                "the service reads and writes in its own region; use a bucket there",
            )
        return True

    def _writable(self) -> Iterator[Problem]:
        place = self.place.below(_PROBE)
        try:
            self.cloud.ask(
                S3,
                f"ask whether `{place.bucket}` may be written to",
                lambda c: c.put_object(
                    Bucket=place.bucket, Key=place.key, Body=b"", IfMatch=_NO_CONTENT
                ),
            )
        except (NotFoundError, ConflictError):
            return  # what was to be replaced is not there: whoever hears that may write
        except CredentialsError:
            yield (
                "unsure-staging",
                f"these credentials may not write to the bucket `{place.bucket}` of `staging`",
                "enough for `plan`; `apply` needs `s3:PutObject` and `s3:DeleteObject` on it",
            )
            return
        # A service that passes over conditions has made an empty object.
        self.cloud.tell(
            S3,
            f"delete `{place}`",
            lambda c: c.delete_object(Bucket=place.bucket, Key=place.key),
        )


def _region(told: Any) -> str:  # noqa: ANN401  # boto3 is untyped
    headers = (told.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
    return str(told.get("BucketRegion") or headers.get("x-amz-bucket-region") or "")

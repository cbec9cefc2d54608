"""Amazon S3, and services that speak it, as a store: `s3://BUCKET/PREFIX`.

Credentials, region, profile and endpoint are the AWS SDK's own: the environment
(`AWS_PROFILE`, `AWS_REGION`, `AWS_ENDPOINT_URL_S3`, …) and its files. Every write is conditional
(`If-None-Match: *` and `If-Match`: S3 User Guide, "Conditional requests", 2026-11); a service that
does not enforce them is refused when a lock is first taken. The SDK's retries are off: after a
lost reply a blind retry of a conditional write answers 412 for what in fact landed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tunectl.core.errors import StateError
from tunectl.core.ports import Blob
from tunectl.stores.bucket import (
    Head,
    Moved,
    ServiceClock,
    missing_bucket,
    refused,
    settled,
    unreachable,
    unusable,
)
from tunectl.stores.objects import ObjectStore

T = TypeVar("T")

_TOKEN = "tunectl-write"  # noqa: S105  # the name of a metadata key
_LOGIN = (
    "set `AWS_PROFILE` or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`; the account needs "
    "`s3:ListBucket` on the bucket and `s3:GetObject`, `s3:PutObject`, `s3:DeleteObject` in it"
)
_REGION = "set `AWS_REGION` to the bucket's region"
_CLOCK = "set this machine's clock: AWS takes requests that are at most 15 minutes off"
# What is worth another try although it is no 5xx.
_AGAIN = frozenset(
    {
        "ConditionalRequestConflict",
        "OperationAborted",
        "RequestTimeout",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
    }
)
_EXPIRED = frozenset({"ExpiredToken", "InvalidToken", "TokenRefreshRequired"})
_ELSEWHERE = frozenset({"PermanentRedirect", "AuthorizationHeaderMalformed", "301"})
_GONE = frozenset({"NoSuchKey", "404", "NotFound"})
_CONDITION = frozenset({"PreconditionFailed", "412"})


def open_s3(bucket: str, prefix: str) -> ObjectStore:
    """Return the store of a bucket.

    Raises:
        StateError: the package is missing, or no credentials are found.
    """
    return ObjectStore(S3Bucket(bucket), prefix)


class S3Bucket:
    """One bucket through boto3."""

    def __init__(self, name: str, session: Any = None) -> None:  # noqa: ANN401  # the SDK is untyped
        """Connect.

        Args:
            name: the bucket's.
            session: a boto3 session; one of the environment's settings when not given.

        Raises:
            ImportError: boto3 is not installed.
            StateError: the SDK's settings cannot be used.
        """
        import boto3
        from botocore.config import Config

        self.where = f"s3://{name}"
        self._name = name
        self._clock = ServiceClock()
        self._seen = False  # whether the bucket is known to exist
        config = Config(connect_timeout=10, read_timeout=30, retries={"total_max_attempts": 1})
        with settled(), _told(self.where):
            session = session or boto3.session.Session()
            self._s3: Any = session.client("s3", config=config)
        host = urlsplit(self._s3.meta.endpoint_url).hostname or ""
        self.proven = host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
        self._s3.meta.events.register("after-call.s3", self._note)

    def get(self, key: str) -> Blob | None:
        """Return an object, None when there is none."""
        return self._found(lambda: self._get(key))

    def _get(self, key: str) -> Blob:
        answer = self._s3.get_object(Bucket=self._name, Key=key)
        return Blob(answer["Body"].read(), answer["ETag"])

    def head(self, key: str) -> Head | None:
        """Return what is told of an object, None when there is none."""
        return self._found(lambda: self._head(key))

    def _head(self, key: str) -> Head:
        answer = self._s3.head_object(Bucket=self._name, Key=key)
        token = answer.get("Metadata", {}).get(_TOKEN, "")
        return Head(answer["ETag"], token, self._clock.age(answer.get("LastModified")))

    def put(self, key: str, content: bytes, token: str, expected: str | None) -> str:
        """Write when the generation is still `expected` (None: must not exist).

        Raises:
            Moved: it is not.
        """
        condition = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}
        answer = self._found(
            lambda: self._s3.put_object(
                Bucket=self._name,
                Key=key,
                Body=content,
                Metadata={_TOKEN: token},
                ContentType="application/octet-stream",
                **condition,
            )
        )
        if answer is None:  # what was to be replaced is gone
            raise Moved
        return str(answer["ETag"])

    def copy(self, key: str, generation: str, target: str) -> None:
        """Copy that generation inside the bucket.

        Raises:
            Moved: it is not there any more.
        """
        answer = self._found(
            lambda: self._s3.copy_object(
                Bucket=self._name,
                Key=target,
                CopySource={"Bucket": self._name, "Key": key},
                CopySourceIfMatch=generation,
            )
        )
        if answer is None:
            raise Moved

    def remove(self, key: str, expected: str | None = None) -> None:
        """Remove, when the generation is still `expected` where one is given; missing is fine.

        Raises:
            Moved: it is not.
        """
        condition = {} if expected is None else {"IfMatch": expected}
        self._found(lambda: self._s3.delete_object(Bucket=self._name, Key=key, **condition))

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin so, in the order of their UTF-8 bytes."""
        with _told(self.where):
            pages = self._s3.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._name, Prefix=prefix):
                self._seen = True
                yield from (item["Key"] for item in page.get("Contents", ()))

    def time(self) -> float:
        """Return the service's time as its last reply told it, Unix seconds."""
        return self._clock.now()

    def _found(self, call: Callable[[], T]) -> T | None:
        """Call; None when the object is not there and the bucket is."""
        from botocore.exceptions import ClientError

        with _told(self.where):
            try:
                return call()
            except ClientError as error:
                if _code(error) not in _GONE:
                    raise
                if not self._seen:  # HEAD answers 404 without saying what is missing
                    self._s3.list_objects_v2(Bucket=self._name, MaxKeys=1)
                    self._seen = True
                return None

    def _note(self, http_response: Any = None, **_: object) -> None:  # noqa: ANN401  # the SDK's own
        date = http_response.headers.get("date") if http_response is not None else None
        if date:
            self._clock.tell(parsedate_to_datetime(date))


@contextlib.contextmanager
def _told(where: str) -> Iterator[None]:
    """Tell the SDK's errors in our words, most specific first.

    Raises:
        Moved: a condition did not hold.
        Unsure: no definite answer.
        StateError: a definite refusal.
    """
    from botocore import exceptions as boto

    try:
        yield
    except boto.ClientError as error:
        raise _answered(where, error) from error
    except (
        boto.NoCredentialsError,
        boto.PartialCredentialsError,
        boto.CredentialRetrievalError,
        boto.ProfileNotFound,
        boto.SSOError,
        boto.TokenRetrievalError,
    ) as error:
        raise refused(where, "no usable AWS credentials were found", _LOGIN) from error
    except (
        boto.HTTPClientError,
        boto.ConnectionError,
        boto.IncompleteReadError,
        boto.ResponseStreamingError,
        boto.FlexibleChecksumError,
        OSError,
    ) as error:
        raise unreachable(where, f"{type(error).__name__}: {error}") from error
    except boto.BotoCoreError as error:
        raise unusable(where, str(error)) from error


def _answered(where: str, error: Any) -> Exception:  # noqa: ANN401  # the SDK is untyped
    code, status = _code(error), _status(error)
    said = f"{code}: {error.response.get('Error', {}).get('Message', '')}".rstrip(": ")
    if code in _CONDITION or status == 412:
        return Moved()
    if code in _AGAIN or status in (408, 429) or (status >= 500 and code != "NotImplemented"):
        return unreachable(where, said)
    if code == "NoSuchBucket":
        return missing_bucket(where, f"make it: `aws s3 mb {where}`")
    return _refusal(where, code, status, said)


def _refusal(where: str, code: str, status: int, said: str) -> StateError:
    if code == "RequestTimeTooSkewed":
        return refused(where, said, _CLOCK)
    if code in _ELSEWHERE or status == 301:
        return unusable(where, f"{said}\n{_REGION}")
    if code in _EXPIRED or status in (401, 403):
        return refused(where, said, _LOGIN)
    return unusable(where, said)


def _code(error: Any) -> str:  # noqa: ANN401  # the SDK is untyped
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: Any) -> int:  # noqa: ANN401  # the SDK is untyped
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))

"""Amazon S3, and services that speak it: `s3://BUCKET/KEY`, through boto3.

Credentials, region, profile and endpoint are the AWS SDK's own: the environment (`AWS_PROFILE`,
`AWS_REGION`, `AWS_ENDPOINT_URL_S3`, …) and its files. An object is read by its ETag.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from tunectl.core.errors import Exit
from tunectl.data.remote.objects import Found, UnreachableError
from tunectl.data.remote.reading import Chunked

_LOGIN = (
    "set `AWS_PROFILE` or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`; the account needs "
    "`s3:ListBucket` on the bucket and `s3:GetObject` in it"
)
_REFUSED = frozenset(
    {
        "AccessDenied",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "401",
        "403",
    }
)
_GONE = frozenset({"NoSuchBucket", "NoSuchKey", "NotFound", "404"})
_CONDITION = frozenset({"PreconditionFailed", "412"})
_ELSEWHERE = frozenset({"PermanentRedirect", "AuthorizationHeaderMalformed", "301"})
_TRIES = 3


class SimpleStorage:
    """One bucket."""

    def __init__(self, bucket: str) -> None:
        """Connect; nothing is asked of the service yet.

        Raises:
            ImportError: boto3 is not installed.
            UnreachableError: the SDK's settings cannot be used.
        """
        import boto3
        from botocore.config import Config

        self._where = f"s3://{bucket}"
        self._name = bucket
        config = Config(
            connect_timeout=10,
            read_timeout=60,
            retries={"total_max_attempts": _TRIES, "mode": "standard"},
        )
        with _told(self._where):
            self._s3: Any = boto3.session.Session().client("s3", config=config)

    def listed(self, prefix: str) -> Iterator[Found]:
        """Yield the objects whose key begins so."""
        with _told(self._where):
            pages = self._s3.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._name, Prefix=prefix):
                for one in page.get("Contents", ()):
                    yield Found(one["Key"], one["ETag"], int(one["Size"]))

    def opener(self, found: Found) -> Callable[[], BinaryIO]:
        """Return what opens an object at its ETag."""
        return lambda: Chunked(lambda start, end: self._part(found, start, end), found.size).open()

    def _part(self, found: Found, start: int, end: int) -> bytes:
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        with _told(f"{self._where}/{found.key}"):
            left = _TRIES
            while True:
                left -= 1
                answer = self._s3.get_object(
                    Bucket=self._name,
                    Key=found.key,
                    Range=f"bytes={start}-{end}",
                    IfMatch=found.version,
                )
                try:
                    content: bytes = answer["Body"].read()
                except (HTTPClientError, IncompleteReadError):
                    # The SDK repeats requests, but not the reading of an answer that broke off.
                    if not left:
                        raise
                else:
                    return content


@contextlib.contextmanager
def _told(where: str) -> Iterator[None]:
    """Tell the SDK's errors in our words, most specific first.

    Raises:
        UnreachableError: always where the SDK raised.
    """
    from botocore import exceptions as aws

    try:
        yield
    except aws.ClientError as error:
        raise _answered(where, error) from error
    except (aws.NoCredentialsError, aws.PartialCredentialsError, aws.ProfileNotFound) as error:
        raise UnreachableError(
            f"`{where}` was refused: {error}", hint=_LOGIN, exit=Exit.CREDENTIALS
        ) from error
    except aws.NoRegionError as error:
        raise UnreachableError(
            f"`{where}` cannot be read: no region is set",
            hint="set `AWS_REGION` to the bucket's region",
        ) from error
    except aws.HTTPClientError as error:
        raise UnreachableError(
            f"`{where}` cannot be reached: {type(error).__name__}", hint="look at the network"
        ) from error
    except aws.BotoCoreError as error:
        raise UnreachableError(f"`{where}` cannot be read: {error}") from error


def _answered(where: str, error: Any) -> UnreachableError:  # noqa: ANN401  # the SDK is untyped
    said = error.response.get("Error", {})
    code, text = str(said.get("Code", "")), str(said.get("Message", ""))
    if code in _CONDITION:
        return UnreachableError(f"`{where}` was replaced while it was read")
    if code in _GONE:
        return UnreachableError(f"`{where}` does not exist")
    if code in _REFUSED:
        return UnreachableError(
            f"`{where}` was refused: {text or code}", hint=_LOGIN, exit=Exit.CREDENTIALS
        )
    hint = "set `AWS_REGION` to the bucket's region" if code in _ELSEWHERE else ""
    return UnreachableError(f"`{where}` cannot be read: {text or code}", hint=hint)

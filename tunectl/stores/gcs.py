"""Google Cloud Storage as a store: `gs://BUCKET/PREFIX`.

Credentials are Google's own: application default credentials, or none where
`STORAGE_EMULATOR_HOST` names another server. The SDK's retries are off: after a lost reply a blind
retry of a conditional write answers 412 for what in fact landed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from tunectl.core.errors import StateError
from tunectl.core.ports import Blob
from tunectl.stores.bucket import (
    Head,
    Moved,
    ServiceClock,
    Unsure,
    missing_bucket,
    refused,
    settled,
    unreachable,
    unusable,
)
from tunectl.stores.objects import ObjectStore

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_TIMEOUT = (10.0, 30.0)  # seconds to connect, and to wait for the next byte
T = TypeVar("T")

_TOKEN = "tunectl-write"  # noqa: S105  # the name of a metadata key
_LOGIN = (
    "run `gcloud auth application-default login`, or set `GOOGLE_APPLICATION_CREDENTIALS`; "
    "the account needs the role `roles/storage.objectUser` on the bucket"
)


def open_gcs(bucket: str, prefix: str) -> ObjectStore:
    """Return the store of a bucket.

    Raises:
        StateError: the package is missing, or no credentials are found.
    """
    return ObjectStore(GcsBucket(bucket), prefix)


class GcsBucket:
    """One bucket through google-cloud-storage."""

    def __init__(self, name: str) -> None:
        """Connect.

        Raises:
            ImportError: google-cloud-storage is not installed.
            StateError: no credentials are found.
        """
        from google.cloud import storage

        self.where = f"gs://{name}"
        self._clock = ServiceClock()
        self._seen = False  # whether the bucket is known to exist
        with settled(), _told(self.where):
            session, credentials = _session(self._clock)
            client = storage.Client(project=None, credentials=credentials, _http=session)
        self.proven = not os.environ.get("STORAGE_EMULATOR_HOST")
        self._client: Any = client
        self._bucket: Any = client.bucket(name)

    def get(self, key: str) -> Blob | None:
        """Return an object, None when there is none."""
        return self._found(lambda: self._get(key))

    def _get(self, key: str) -> Blob:
        blob = self._bucket.blob(key)
        content = blob.download_as_bytes(timeout=_TIMEOUT, retry=None)
        return Blob(content, str(blob.generation))

    def head(self, key: str) -> Head | None:
        """Return what is told of an object, None when there is none."""
        return self._found(lambda: self._head(key))

    def _head(self, key: str) -> Head:
        blob = self._bucket.blob(key)
        blob.reload(timeout=_TIMEOUT, retry=None)
        token = (blob.metadata or {}).get(_TOKEN, "")
        return Head(str(blob.generation), token, self._clock.age(blob.updated))

    def put(self, key: str, content: bytes, token: str, expected: str | None) -> str:
        """Write when the generation is still `expected` (None: must not exist).

        Raises:
            Moved: it is not.
        """
        with _told(self.where):
            blob = self._bucket.blob(key)
            blob.metadata = {_TOKEN: token}
            blob.upload_from_string(
                content,
                content_type="application/octet-stream",
                if_generation_match=int(expected or 0),
                timeout=_TIMEOUT,
                retry=None,
            )
            self._seen = True
            return str(blob.generation)

    def copy(self, key: str, generation: str, target: str) -> None:
        """Copy that generation inside the bucket.

        Raises:
            Moved: it is not there any more.
        """
        source = self._bucket.blob(key)
        copied = self._found(
            lambda: self._bucket.copy_blob(
                source,
                self._bucket,
                target,
                if_source_generation_match=int(generation),
                timeout=_TIMEOUT,
                retry=None,
            )
        )
        if copied is None:
            raise Moved

    def remove(self, key: str, expected: str | None = None) -> None:
        """Remove, when the generation is still `expected` where one is given; missing is fine.

        Raises:
            Moved: it is not.
        """
        condition = {} if expected is None else {"if_generation_match": int(expected)}
        blob = self._bucket.blob(key)
        self._found(lambda: blob.delete(timeout=_TIMEOUT, retry=None, **condition))

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin so, in the order of their UTF-8 bytes."""
        with _told(self.where):
            found = self._client.list_blobs(
                self._bucket,
                prefix=prefix,
                fields="items(name),nextPageToken",
                timeout=_TIMEOUT,
                retry=None,
            )
            yield from (blob.name for blob in found)
            self._seen = True

    def time(self) -> float:
        """Return the service's time as its last reply told it, Unix seconds."""
        return self._clock.now()

    def _found(self, call: Callable[[], T]) -> T | None:
        """Call; None when the object is not there and the bucket is."""
        from google.api_core.exceptions import NotFound

        with _told(self.where):
            try:
                return call()
            except NotFound:
                if not self._seen:  # a missing bucket answers 404 too: only a list tells them apart
                    next(
                        iter(
                            self._client.list_blobs(
                                self._bucket, max_results=1, timeout=_TIMEOUT, retry=None
                            )
                        ),
                        None,
                    )
                    self._seen = True
                return None


def _session(clock: ServiceClock) -> tuple[Any, Any]:
    """Return an HTTP session that tells the clock the date of every reply, and its credentials."""
    import google.auth
    from google.auth.credentials import AnonymousCredentials
    from google.auth.transport.requests import AuthorizedSession

    if os.environ.get("STORAGE_EMULATOR_HOST"):
        credentials: Any = AnonymousCredentials()
    else:
        credentials, _ = google.auth.default(scopes=[_SCOPE])
    session = AuthorizedSession(credentials)

    def note(response: Any, *_: object, **__: object) -> None:  # noqa: ANN401  # the SDK's own
        if date := response.headers.get("Date"):
            clock.tell(parsedate_to_datetime(date))

    session.hooks["response"].append(note)
    return session, credentials


@contextlib.contextmanager
def _told(where: str) -> Iterator[None]:
    """Tell the SDK's errors in our words, most specific first.

    Raises:
        Moved: a condition did not hold.
        Unsure: no definite answer.
        StateError: a definite refusal.
    """
    import requests
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth
    from google.cloud.storage.exceptions import DataCorruption

    try:
        yield
    except api.PreconditionFailed as error:
        raise Moved from error
    except api.NotFound as error:
        raise missing_bucket(
            where, f"make it: `gcloud storage buckets create {where} --location REGION`"
        ) from error
    except (api.Unauthorized, api.Forbidden) as error:
        raise _closed(where, error) from error
    except api.GoogleAPICallError as error:
        raise _other(where, error) from error
    except auth.RefreshError as error:
        if error.retryable:
            raise unreachable(where, str(error.args[0])) from error
        raise refused(where, "the credentials have expired or were revoked", _LOGIN) from error
    except auth.TransportError as error:
        raise unreachable(where, _brief(error)) from error
    except auth.GoogleAuthError as error:
        raise refused(where, "no usable Google credentials were found", _LOGIN) from error
    except (requests.RequestException, DataCorruption, OSError) as error:
        raise unreachable(where, _brief(error)) from error


def _closed(where: str, error: Any) -> StateError | Unsure:  # noqa: ANN401  # the SDK is untyped
    reasons, said = _answer(error)
    if reasons & {"rateLimitExceeded", "userRateLimitExceeded"}:
        return unreachable(where, said)
    return refused(where, said, _LOGIN)


def _other(where: str, error: Any) -> StateError | Unsure:  # noqa: ANN401  # the SDK is untyped
    _, said = _answer(error)
    code = int(error.code or 0)
    if code in (408, 429) or code >= 500 or code == 0:
        return unreachable(where, said)
    return unusable(where, said)


def _answer(error: Any) -> tuple[set[str], str]:  # noqa: ANN401  # the SDK is untyped
    """Return the reasons and the message of the service's own answer.

    The SDK's text is not shown: it holds the address, which for a large upload is a secret.
    """
    status = f"HTTP {int(error.code or 0)}"
    try:
        answer = error.response.json()["error"]
        reasons = {str(each.get("reason", "")) for each in answer.get("errors", ())}
        return reasons, f"{status}: {answer['message']}"
    except (AttributeError, KeyError, TypeError, ValueError):
        return set(), status


def _brief(error: BaseException) -> str:
    """Return the root of a chain of connection errors, in few words."""
    text = str(error).rpartition(": ")[2].strip("'\")( ")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

"""Cloud Storage: `gs://BUCKET/KEY`, through google-cloud-storage.

Credentials are Google's own: application default credentials, or none where
`STORAGE_EMULATOR_HOST` names another server. Reads are repeated by the SDK; an object is read by
its generation, as stored (`Content-Encoding: gzip` is not undone on the way).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from tunectl.core.errors import Exit
from tunectl.data.remote.objects import CHUNK, Found, UnreachableError
from tunectl.data.remote.reading import Chunked

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
_TIMEOUT = (10.0, 60.0)  # seconds to connect, and to wait for the next byte
_LOGIN = (
    "run `gcloud auth application-default login`, or set `GOOGLE_APPLICATION_CREDENTIALS`; "
    "the account needs the role `roles/storage.objectViewer` on the bucket"
)


class CloudStorage:
    """One bucket."""

    def __init__(self, bucket: str) -> None:
        """Find credentials; nothing is asked of the service yet.

        Raises:
            ImportError: google-cloud-storage is not installed.
            UnreachableError: no credentials are found.
        """
        from google.cloud import storage

        self._where = f"gs://{bucket}"
        with _told(self._where):
            client = storage.Client(project="-", credentials=_credentials())
        self._client: Any = client
        self._bucket: Any = client.bucket(bucket)

    def listed(self, prefix: str) -> Iterator[Found]:
        """Yield the objects whose key begins so."""
        with _told(self._where):
            for blob in self._client.list_blobs(
                self._bucket,
                prefix=prefix,
                fields="items(name,generation,size),nextPageToken",
                timeout=_TIMEOUT,
            ):
                yield Found(blob.name, str(blob.generation), int(blob.size or 0))

    def opener(self, found: Found) -> Callable[[], BinaryIO]:
        """Return what opens an object at its generation."""
        return lambda: Chunked(lambda start, end: self._part(found, start, end), found.size).open()

    def _part(self, found: Found, start: int, end: int) -> bytes:
        with _told(f"{self._where}/{found.key}"):
            blob = self._bucket.blob(found.key, chunk_size=CHUNK)
            content: bytes = blob.download_as_bytes(
                start=start,
                end=end,
                raw_download=True,
                if_generation_match=int(found.version),
                checksum=None,  # the checksum is that of the whole object
                timeout=_TIMEOUT,
            )
            return content


def _credentials() -> Any:  # noqa: ANN401  # the SDK is untyped
    import google.auth
    from google.auth.credentials import AnonymousCredentials

    if os.environ.get("STORAGE_EMULATOR_HOST"):
        return AnonymousCredentials()
    credentials, _ = google.auth.default(scopes=[_SCOPE])
    return credentials


@contextlib.contextmanager
def _told(where: str) -> Iterator[None]:
    """Tell the SDK's errors in our words, most specific first.

    Raises:
        UnreachableError: always where the SDK raised.
    """
    import requests
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth
    from google.cloud.storage.exceptions import DataCorruption

    try:
        yield
    except api.PreconditionFailed as error:
        raise UnreachableError(f"`{where}` was replaced while it was read") from error
    except api.NotFound as error:
        raise UnreachableError(f"`{where}` does not exist") from error
    except (api.Unauthorized, api.Forbidden) as error:
        raise _refused(where, error.message, error) from error
    except auth.RefreshError as error:
        raise _refused(where, "the credentials have expired or were revoked", error) from error
    except auth.TransportError as error:
        raise _gone(where, error) from error
    except auth.GoogleAuthError as error:
        raise _refused(where, "no usable Google credentials were found", error) from error
    except (api.GoogleAPICallError, api.RetryError) as error:
        said = getattr(error, "message", "") or type(error).__name__
        raise UnreachableError(f"`{where}` cannot be read: {said}") from error
    except (requests.RequestException, DataCorruption) as error:
        raise _gone(where, error) from error


def _refused(where: str, said: str, error: BaseException) -> UnreachableError:
    del error
    return UnreachableError(f"`{where}` was refused: {said}", hint=_LOGIN, exit=Exit.CREDENTIALS)


def _gone(where: str, error: BaseException) -> UnreachableError:
    return UnreachableError(
        f"`{where}` cannot be reached: {type(error).__name__}", hint="look at the network"
    )

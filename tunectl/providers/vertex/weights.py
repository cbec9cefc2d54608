"""What a tuning job of an open model leaves in the bucket: looked for, and taken away with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunectl.core.errors import NotFoundError
from tunectl.providers.vertex.client import Cloud

_PAGE = 1000


def are_there(cloud: Cloud, folder: str) -> bool:
    """Tell whether anything lies in a folder, `gs://BUCKET/FOLDER`.

    Raises:
        NotFoundError: the bucket itself is gone; that says nothing of what was in it.
    """
    return bool(_listed(cloud, folder, 1))


def remove_all(cloud: Cloud, folder: str) -> None:
    """Delete everything in a folder; what is gone already is fine."""
    while found := _listed(cloud, folder, _PAGE):
        for blob in found:
            _remove(cloud, blob)


def _remove(cloud: Cloud, blob: Any) -> None:  # noqa: ANN401  # the library is untyped
    def send() -> None:
        bucket = cloud.storage(once=True).bucket(blob.bucket.name)
        bucket.blob(blob.name).delete(timeout=cloud.ask_seconds, retry=None)

    try:
        cloud.tell(f"delete the object `gs://{blob.bucket.name}/{blob.name}`", send)
    except NotFoundError:
        return


def _listed(cloud: Cloud, folder: str, most: int) -> Sequence[Any]:
    bucket, _, name = folder.removeprefix("gs://").partition("/")
    prefix = f"{name.rstrip('/')}/"

    def page() -> Sequence[Any]:
        listed = cloud.storage().list_blobs(
            bucket, prefix=prefix, max_results=most, timeout=cloud.ask_seconds, retry=None
        )
        return list(listed)

    return cloud.ask(f"list the objects of `gs://{bucket}/{prefix}`", page)

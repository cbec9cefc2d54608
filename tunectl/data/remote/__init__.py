"""Data files in a bucket: `gs://BUCKET/KEY` and `s3://BUCKET/KEY`, patterns included.

May: list a bucket and stream what the dataset names, by the SDK of its service, with the
credentials that the SDK finds by itself (those of the stores).
Never: writes, changes or deletes an object, keeps a copy on disk, reads what the dataset does not
name, or imports an SDK before it is needed.

Law: an object is read as it was when it was listed, by its generation or ETag: one that is replaced
while it is read is an error, not a mixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from tunectl.data.datafile import DataFile
from tunectl.data.problems import Problems
from tunectl.data.remote.objects import Found, Service, UnreachableError
from tunectl.data.remote.patterns import fixed_part, matcher

_SCHEMES = {"gs": "gcs", "s3": "s3"}
_PACKAGES = {"gs": ("google-cloud-storage", "gcs"), "s3": ("boto3", "s3")}


def is_remote(source: str) -> bool:
    """Whether a source has the form of a URL."""
    return "://" in source


def find_objects(source: str, split: str | None, problems: Problems) -> list[DataFile]:
    """The objects a source names, in the order of their names; what is wrong goes to `problems`."""
    scheme, _, rest = source.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme not in _SCHEMES:
        problems.cannot(
            "remote-source",
            f"`{source}` cannot be read: `{scheme}` is not known",
            hint="`gs://` and `s3://` are read; download anything else and name the local file",
        )
        return []
    if not bucket or not key or key.endswith("/"):
        example = f"{scheme}://{bucket or 'BUCKET'}/{key or 'data/'}*.jsonl"
        problems.cannot("remote-source", f"`{source}` names no object", hint=f"such as `{example}`")
        return []
    try:
        service = _service(scheme, bucket)
        found = sorted(_named(service, key), key=lambda one: one.key)
    except UnreachableError as error:
        problems.cannot("unreadable", str(error), hint=error.hint, exit=error.exit)
        return []
    if not found:
        _nothing(source, service, key, problems)
    return [
        DataFile(f"{scheme}://{bucket}/{one.key}", split, service.opener(one), one.size)
        for one in found
    ]


def _service(scheme: str, bucket: str) -> Service:
    """Raises: UnreachableError: the SDK is missing, or finds no credentials."""
    package, extra = _PACKAGES[scheme]
    try:
        if scheme == "gs":
            from tunectl.data.remote.gcs import CloudStorage

            return CloudStorage(bucket)
        from tunectl.data.remote.s3 import SimpleStorage

        return SimpleStorage(bucket)
    except ImportError as error:
        raise UnreachableError(
            f"`{scheme}://` needs the package `{package}`",
            hint=f"install it: `pip install 'tunectl[{extra}]'`",
        ) from error


def _named(service: Service, key: str) -> Iterator[Found]:
    """The object of that very name, else all that the pattern matches."""
    prefix = fixed_part(key)
    if prefix == key:
        yield from (one for one in service.listed(key) if one.key == key)
        return
    matches = matcher(key)
    yield from (
        one for one in service.listed(prefix) if not one.key.endswith("/") and matches(one.key)
    )


def _nothing(source: str, service: Service, key: str, problems: Problems) -> None:
    folder = fixed_part(key).rpartition("/")[0]
    near: list[str] = []
    with suppress(UnreachableError):
        for one in service.listed(f"{folder}/" if folder else ""):
            near.append(one.key)
            if len(near) == 5:
                break
    hint = f"there is {', '.join(f'`{name}`' for name in near)}" if near else ""
    what = f"there is no object `{source}`"
    if fixed_part(key) != key:
        what = f"no object matches `{source}`"
    problems.cannot("no-such-file", what, hint=hint or f"`{folder}/` holds nothing")

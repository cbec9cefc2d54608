"""`state:` as an address: a folder, or the URL of a store."""

from __future__ import annotations

import re

from tunectl.core.dataclass import dataclass

SCHEMES = ("gs", "s3", "postgresql", "postgres", "https", "http")

_CANONICAL = tuple(scheme for scheme in SCHEMES if scheme not in {"postgres", "http"})
_BUCKETS = {"gs": "gs://BUCKET/PREFIX", "s3": "s3://BUCKET/PREFIX"}
_ALIASES = {
    "gcs": "gs", "gcp": "gs", "google": "gs", "aws": "s3", "s3a": "s3", "s3n": "s3",
    "pg": "postgresql", "psql": "postgresql", "pgsql": "postgresql",
}  # fmt: skip
_HEAD = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<slashes>/{0,2})")
_KNOWN = "a folder, or an address that begins with gs://, s3://, postgresql:// or https://"

# cloud.google.com/storage/docs/buckets#naming and
# docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, 2026-11. Dots make names of
# Cloud Storage longer.
_NAMES = {
    "gs": (r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]", "`_`, `-` and dots"),
    "s3": (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "`-` and dots"),
}
_IP = r"\d+\.\d+\.\d+\.\d+"
_LONGEST_PREFIX = 900  # bytes: a key has 1024, and ours follow
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


class BadAddressError(ValueError):
    """No state can live there.

    Attributes:
        message: what is wrong, as the rest of a sentence that begins with `state`.
        hint: what to write instead; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class StateAddress:
    """Where the state lives.

    Attributes:
        text: as it was written, a password included.
        scheme: one of `SCHEMES`; empty for a folder.
        bucket: of `gs` and `s3`.
        prefix: in the bucket, without slashes at its ends; may be empty.
    """

    text: str
    scheme: str = ""
    bucket: str = ""
    prefix: str = ""

    @property
    def shown(self) -> str:
        """The address without what may be secret: the user's password, and the query."""
        if self.scheme in ("", *_BUCKETS):
            return self.text
        rest = self.text.partition("://")[2].partition("?")[0]
        user, at, place = rest.rpartition("@")
        return f"{self.scheme}://{user.partition(':')[0]}{at}{place}"


def parse(text: str) -> StateAddress:
    """Read a `state:` address.

    Raises:
        BadAddressError: it is of no known kind, or no bucket can have that name.
    """
    if _UNPRINTABLE.search(text):
        raise BadAddressError("holds a line break or another character that cannot be seen")
    head = _HEAD.match(text)
    if head is None:
        return StateAddress(text)
    said, scheme = head["scheme"], head["scheme"].lower()
    right = _ALIASES.get(scheme, scheme)
    if len(head["slashes"]) < 2 and right not in (*SCHEMES, "file"):
        return StateAddress(text)  # a folder may have a colon in its name
    if scheme == "file":
        raise BadAddressError(
            "names a folder by a `file:` address",
            f"write the folder alone: `state: {text[head.end() :] or 'state/'}`",
        )
    if said not in SCHEMES:
        raise _unknown(said, right)
    if len(head["slashes"]) < 2:
        raise BadAddressError(f"lacks the slashes after `{said}:`", f"write `{said}://…`")
    if scheme in _BUCKETS:
        return _in_bucket(text, scheme)
    if not _host(text):
        raise BadAddressError(f"names no host: `{said}://`", "write the address in full")
    return StateAddress(text, scheme)


def _host(text: str) -> bool:
    """Whether there is anything to connect to; PostgreSQL may be reached by a socket alone."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.hostname) or (parts.scheme.startswith("postgres") and len(parts.path) > 1)


def _unknown(said: str, right: str) -> BadAddressError:
    import difflib

    near = difflib.get_close_matches(right, _CANONICAL, n=1, cutoff=0.5)
    hint = f"did you mean `{near[0]}://`?" if near else f"it must be {_KNOWN}"
    return BadAddressError(f"begins with `{said}://`, which is no kind of store", hint)


def _in_bucket(text: str, scheme: str) -> StateAddress:
    bucket, _, prefix = text.partition("://")[2].partition("/")
    form = f"write `{_BUCKETS[scheme]}`"
    if "@" in bucket:
        raise BadAddressError(
            "holds a user name or a key",
            "credentials are found in the environment; they never stand in an address",
        )
    if "?" in text or "#" in text:
        raise BadAddressError(
            "has settings behind `?` or `#`",
            f"{form}; region, profile and endpoint are set in the environment",
        )
    if not bucket:
        raise BadAddressError("names no bucket", form)
    pattern, marks = _NAMES[scheme]
    if not re.fullmatch(pattern, bucket) or ".." in bucket or re.fullmatch(_IP, bucket):
        raise BadAddressError(
            f"names a bucket that cannot be: `{bucket}`",
            "a bucket's name is at least 3 of a–z, 0–9, "
            f"{marks}, and begins and ends with a letter or digit",
        )
    prefix = prefix.strip("/")
    if any(part in {"", ".", ".."} for part in prefix.split("/")) and prefix:
        raise BadAddressError(f"has a prefix with an empty or dotted part: `{prefix}`", form)
    if len(prefix.encode()) > _LONGEST_PREFIX:
        raise BadAddressError(f"has a prefix of more than {_LONGEST_PREFIX} bytes")
    return StateAddress(text, scheme, bucket, prefix)

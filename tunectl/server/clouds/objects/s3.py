"""S3's REST API, path style: objects with ETags, and conditional requests.

docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html and …/API/, 2026-11: PUT
and CompleteMultipartUpload take `If-None-Match: *` and `If-Match`, DELETE takes `If-Match`, a copy
takes the source's conditions.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl, quote, unquote
from xml.sax.saxutils import escape

from tunectl.server.clouds.objects.buckets import Buckets, Refused, Stored
from tunectl.server.clouds.objects.content import ranged, unwrapped
from tunectl.server.clouds.objects.multipart import Multipart
from tunectl.server.clouds.objects.xml import answer as xml
from tunectl.server.clouds.objects.xml import pairs, tagging
from tunectl.server.clouds.wire import Answered, Asked, Left
from tunectl.server.clouds.world import World

_META = "x-amz-meta-"
_PLACE = re.compile(r"/([^/]+)(?:/(.*))?", re.DOTALL)
_CONDITION = "At least one of the pre-conditions you specified did not hold"
_CODES = {400: "InvalidRequest", 403: "AccessDenied", 404: "NoSuchKey", 409: "OperationAborted",
          412: "PreconditionFailed", 500: "InternalError", 503: "SlowDown"}  # fmt: skip


class S3:
    """Amazon S3 over `Buckets`.

    Attributes:
        access_keys: the ids of the keys that requests may carry; None allows any.
        page: the most names that one page of a list holds.
    """

    name = "s3"

    def __init__(
        self,
        world: World,
        buckets: Buckets,
        *,
        page: int = 1000,
        access_keys: tuple[str, ...] | None = None,
    ) -> None:
        """Serve what `buckets` holds."""
        self.world = world
        self.buckets = buckets
        self.page = page
        self.access_keys = access_keys
        self._multipart = Multipart(buckets)

    def answer(self, asked: Asked) -> Answered:
        """Answer one request."""
        try:
            return self._answer(asked)
        except Refused as refused:
            return self.refused(refused)

    def refused(self, refused: Refused) -> Answered:
        """Return an error with its own code."""
        code, message = refused.code, escape(refused.message)
        return xml(
            f"<Error><Code>{code}</Code><Message>{message}</Message></Error>", refused.status
        )

    def refusal(self, status: int, message: str) -> Answered:
        """Return an error in this service's shape."""
        return self.refused(Refused(status, _CODES.get(status, "InternalError"), message))

    def left(self) -> Iterable[Left]:
        """Yield every object, and every upload in parts that nobody finished (it bills too)."""
        yield from self.buckets.left("s3")
        yield from self._multipart.left()

    def _answer(self, asked: Asked) -> Answered:
        self._authorised(asked)
        match = _PLACE.fullmatch(asked.path)
        if match is None:
            raise Refused(405, "MethodNotAllowed")
        bucket, key = unquote(match[1]), unquote(match[2] or "")
        if not key:
            return self._of_bucket(asked, bucket)
        self.buckets.bucket(bucket)
        about = {name for name, _ in asked.query}
        if about & {"uploads", "uploadId"}:
            return self._parts(asked, bucket, key)
        if "tagging" in about:
            return self._tagging(asked, bucket, key)
        if asked.method == "PUT":
            copied = "x-amz-copy-source" in asked.headers
            return (self._copy if copied else self._put)(asked, bucket, key)
        if asked.method == "DELETE":
            return self._delete(asked, bucket, key)
        return self._get(asked, bucket, key)

    def _authorised(self, asked: Asked) -> None:
        said = asked.headers.get("authorization", "")
        if not said:
            raise Refused(403, "AccessDenied", "Access Denied")
        key = said.partition("Credential=")[2].partition("/")[0]
        if self.access_keys is not None and key not in self.access_keys:
            message = "The AWS Access Key Id you provided does not exist in our records."
            raise Refused(403, "InvalidAccessKeyId", message)

    def _may(self, permission: str) -> None:
        if permission in self.buckets.denied:
            raise Refused(403, "AccessDenied", "Access Denied")

    def _of_bucket(self, asked: Asked, bucket: str) -> Answered:
        place = self.buckets.place(bucket)
        if asked.method == "HEAD":
            self._may("s3:ListBucket")
            return Answered(200, b"", {"x-amz-bucket-region": place})
        if any(name == "location" for name, _ in asked.query):
            named = "" if place == "us-east-1" else place
            return xml(f"<LocationConstraint>{named}</LocationConstraint>")
        if asked.method == "GET":
            self._may("s3:ListBucket")
            return self._list(asked, bucket)
        raise Refused(405, "MethodNotAllowed")

    def _conditions(self, found: Stored | None, asked: Asked) -> None:
        if not self.buckets.enforces:
            return
        wanted, unwanted = asked.headers.get("if-match"), asked.headers.get("if-none-match")
        if wanted is not None:
            if found is None:
                raise Refused(404, "NoSuchKey", "The specified key does not exist.")
            if wanted not in ("*", found.etag, found.etag.strip('"')):
                raise Refused(412, "PreconditionFailed", _CONDITION)
        if unwanted is not None and found is not None and unwanted in ("*", found.etag):
            raise Refused(412, "PreconditionFailed", _CONDITION)

    def _put(self, asked: Asked, bucket: str, key: str) -> Answered:
        self._may("s3:PutObject")
        self._conditions(self.buckets.find(bucket, key), asked)
        content = unwrapped(asked)
        said = asked.headers.get("x-amz-checksum-crc32")
        if said and said != base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode():
            raise Refused(400, "BadDigest", "The checksum you specified did not match.")
        made = self.buckets.put(bucket, key, content, *_about(asked), tags=_tags(asked))
        return Answered(200, b"", {"ETag": made.etag})

    def _parts(self, asked: Asked, bucket: str, key: str) -> Answered:
        self._may("s3:PutObject")
        upload = asked.param("uploadId")
        match asked.method:
            case "POST" if not upload:
                metadata, type_ = _about(asked)
                return self._multipart.begin(bucket, key, metadata, type_, _tags(asked))
            case "PUT":
                content = unwrapped(asked)
                return self._multipart.part(upload, int(asked.param("partNumber")), content)
            case "POST":
                self._conditions(self.buckets.find(bucket, key), asked)
                return self._multipart.finish(upload, asked.body)
            case "DELETE":
                return self._multipart.abort(upload)
        raise Refused(405, "MethodNotAllowed")

    def _tagging(self, asked: Asked, bucket: str, key: str) -> Answered:
        found = self.buckets.get(bucket, key)
        if asked.method == "GET":
            return xml(tagging(found.tags))
        tags = pairs(asked.body) if asked.method == "PUT" else {}
        self.buckets.change(bucket, key, tags=tags)
        return Answered(200 if asked.method == "PUT" else 204)

    def _copy(self, asked: Asked, bucket: str, key: str) -> Answered:
        self._may("s3:PutObject")
        source = unquote(asked.headers["x-amz-copy-source"]).lstrip("/")
        from_bucket, _, from_key = source.partition("/")
        found = self.buckets.get(from_bucket, from_key)
        wanted = asked.headers.get("x-amz-copy-source-if-match")
        if wanted is not None and wanted != found.etag:
            raise Refused(412, "PreconditionFailed", _CONDITION)
        self._conditions(self.buckets.find(bucket, key), asked)
        metadata, type_ = found.metadata, found.content_type
        if asked.headers.get("x-amz-metadata-directive") == "REPLACE":
            metadata, type_ = _about(asked)
        made = self.buckets.put(bucket, key, found.content, metadata, type_, tags=found.tags)
        return xml(
            f"<CopyObjectResult><ETag>{escape(made.etag)}</ETag>"
            f"<LastModified>{_iso(made.updated)}</LastModified></CopyObjectResult>"
        )

    def _delete(self, asked: Asked, bucket: str, key: str) -> Answered:
        self._may("s3:DeleteObject")
        found = self.buckets.find(bucket, key)
        if found is not None:
            self._conditions(found, asked)
        self.buckets.remove(bucket, key)
        return Answered(204)

    def _get(self, asked: Asked, bucket: str, key: str) -> Answered:
        self._may("s3:GetObject")
        found = self.buckets.get(bucket, key)
        self._conditions(found, asked)
        headers = {
            "ETag": found.etag,
            "Last-Modified": format_datetime(found.updated, usegmt=True),
            "Content-Type": found.content_type,
            "Accept-Ranges": "bytes",
            **{f"{_META}{name}": value for name, value in found.metadata.items()},
        }
        if found.tags:
            headers["x-amz-tagging-count"] = str(len(found.tags))
        if asked.method == "HEAD":
            headers["Content-Length"] = str(len(found.content))
        return ranged(asked, found.content, headers)

    def _list(self, asked: Asked, bucket: str) -> Answered:
        prefix = asked.param("prefix")
        keys = self.buckets.keys(bucket, prefix)
        start = int(asked.param("continuation-token") or 0)
        size = min(int(asked.param("max-keys") or self.page), self.page)
        shown = keys[start : start + size]
        more = start + size < len(keys)
        coding = asked.param("encoding-type")
        coded = quote if coding == "url" else escape
        items = "".join(
            f"<Contents><Key>{coded(key)}</Key><ETag>{escape(found.etag)}</ETag>"
            f"<LastModified>{_iso(found.updated)}</LastModified>"
            f"<Size>{len(found.content)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for key in shown
            for found in [self.buckets.get(bucket, key)]
        )
        token = f"<NextContinuationToken>{start + size}</NextContinuationToken>" if more else ""
        said = f"<EncodingType>{coding}</EncodingType>" if coding else ""
        return xml(
            f"<ListBucketResult><Name>{bucket}</Name><Prefix>{coded(prefix)}</Prefix>{said}"
            f"<KeyCount>{len(shown)}</KeyCount><MaxKeys>{size}</MaxKeys>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{items}</ListBucketResult>"
        )


def _about(asked: Asked) -> tuple[dict[str, str], str]:
    metadata = {k.removeprefix(_META): v for k, v in asked.headers.items() if k.startswith(_META)}
    return metadata, asked.headers.get("content-type", "binary/octet-stream")


def _tags(asked: Asked) -> dict[str, str]:
    return dict(parse_qsl(asked.headers.get("x-amz-tagging", ""), keep_blank_values=True))


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")

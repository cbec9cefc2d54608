"""S3's REST API, path style: objects with ETags, and conditional requests.

docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html, 2026-11: PUT takes
`If-None-Match: *` and `If-Match`, DELETE takes `If-Match`, a copy takes the source's conditions.
"""

from __future__ import annotations

import base64
import re
import zlib
from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from tests.stores.objectserver.objects import Refused, Stored
from tests.stores.objectserver.wire import Answer, Request, ranged

if TYPE_CHECKING:
    from tests.stores.objectserver.serving import ObjectServer

_META = "x-amz-meta-"
_PLACE = re.compile(r"/([^/]+)(?:/(.*))?", re.DOTALL)
_CONDITION = "At least one of the pre-conditions you specified did not hold"


def refusal(refused: Refused) -> Answer:
    body = f"<Error><Code>{refused.code}</Code><Message>{escape(refused.message)}</Message></Error>"
    return _xml(body, refused.status)


def _xml(body: str, status: int = 200, **headers: str) -> Answer:
    content = f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode()
    return Answer(status, content, {"Content-Type": "application/xml", **headers})


def answer(server: ObjectServer, request: Request) -> Answer:
    _authorised(server, request)
    match = _PLACE.fullmatch(request.path)
    if match is None:
        raise Refused(405, "MethodNotAllowed")
    bucket, key = unquote(match[1]), unquote(match[2] or "")
    if not key:
        return _list(server, request, bucket)
    if request.method == "PUT":
        copied = "x-amz-copy-source" in request.headers
        return (_copy if copied else _put)(server, request, bucket, key)
    if request.method == "DELETE":
        return _delete(server, request, bucket, key)
    return _get(server, request, bucket, key)


def _authorised(server: ObjectServer, request: Request) -> None:
    said = request.headers.get("authorization", "")
    if not said:
        raise Refused(403, "AccessDenied", "Access Denied")
    key = said.partition("Credential=")[2].partition("/")[0]
    if key not in server.access_keys:
        message = "The AWS Access Key Id you provided does not exist in our records."
        raise Refused(403, "InvalidAccessKeyId", message)


def _conditions(
    server: ObjectServer, found: Stored | None, request: Request, missing: str = "NoSuchKey"
) -> None:
    if not server.buckets.enforces:
        return
    wanted, unwanted = request.headers.get("if-match"), request.headers.get("if-none-match")
    if wanted is not None:
        if found is None:
            raise Refused(404, missing, "The specified key does not exist.")
        if wanted not in ("*", found.etag, found.etag.strip('"')):
            raise Refused(412, "PreconditionFailed", _CONDITION)
    if unwanted is not None and found is not None and unwanted in ("*", found.etag):
        raise Refused(412, "PreconditionFailed", _CONDITION)


def _put(server: ObjectServer, request: Request, bucket: str, key: str) -> Answer:
    _conditions(server, server.buckets.find(bucket, key), request)
    said = request.headers.get("x-amz-checksum-crc32")
    if said and said != base64.b64encode(zlib.crc32(request.body).to_bytes(4, "big")).decode():
        raise Refused(400, "BadDigest", "The checksum you specified did not match.")
    metadata = {k.removeprefix(_META): v for k, v in request.headers.items() if k.startswith(_META)}
    type_ = request.headers.get("content-type", "binary/octet-stream")
    made = server.buckets.put(bucket, key, request.body, metadata, type_)
    return Answer(200, b"", {"ETag": made.etag})


def _copy(server: ObjectServer, request: Request, bucket: str, key: str) -> Answer:
    source = unquote(request.headers["x-amz-copy-source"]).lstrip("/")
    from_bucket, _, from_key = source.partition("/")
    found = server.buckets.get(from_bucket, from_key)
    wanted = request.headers.get("x-amz-copy-source-if-match")
    if wanted is not None and wanted != found.etag:
        raise Refused(412, "PreconditionFailed", _CONDITION)
    _conditions(server, server.buckets.find(bucket, key), request)
    made = server.buckets.put(bucket, key, found.content, found.metadata, found.content_type)
    stamp = _iso(made.updated)
    return _xml(
        f"<CopyObjectResult><ETag>{escape(made.etag)}</ETag>"
        f"<LastModified>{stamp}</LastModified></CopyObjectResult>"
    )


def _delete(server: ObjectServer, request: Request, bucket: str, key: str) -> Answer:
    found = server.buckets.find(bucket, key)
    if found is not None:
        _conditions(server, found, request)
    server.buckets.remove(bucket, key)
    return Answer(204)


def _get(server: ObjectServer, request: Request, bucket: str, key: str) -> Answer:
    found = server.buckets.get(bucket, key)
    _conditions(server, found, request)
    headers = {
        "ETag": found.etag,
        "Last-Modified": format_datetime(found.updated, usegmt=True),
        "Content-Type": found.content_type,
        **{f"{_META}{name}": value for name, value in found.metadata.items()},
    }
    if request.method == "HEAD":
        headers["Content-Length"] = str(len(found.content))
    return ranged(request, found.content, headers)


def _list(server: ObjectServer, request: Request, bucket: str) -> Answer:
    query = request.query
    prefix = query.get("prefix", "")
    keys = server.buckets.keys(bucket, prefix)
    start = int(query.get("continuation-token") or 0)
    size = min(int(query.get("max-keys") or server.page), server.page)
    shown = keys[start : start + size]
    more = start + size < len(keys)
    coded = quote if query.get("encoding-type") == "url" else escape
    items = "".join(
        f"<Contents><Key>{coded(key)}</Key><ETag>{escape(found.etag)}</ETag>"
        f"<LastModified>{_iso(found.updated)}</LastModified>"
        f"<Size>{len(found.content)}</Size></Contents>"
        for key in shown
        for found in [server.buckets.get(bucket, key)]
    )
    token = f"<NextContinuationToken>{start + size}</NextContinuationToken>" if more else ""
    return _xml(
        f"<ListBucketResult><Name>{bucket}</Name><Prefix>{coded(prefix)}</Prefix>"
        f"<EncodingType>{query.get('encoding-type', '')}</EncodingType>"
        f"<KeyCount>{len(shown)}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>"
        f"{token}{items}</ListBucketResult>"
    )


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")

"""The Cloud Storage JSON API v1: objects with generations, and preconditions on every verb.

cloud.google.com/storage/docs/json_api/v1/objects and …/docs/request-preconditions, 2026-11.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import google_crc32c

from tests.stores.objectserver.objects import Refused, Stored
from tests.stores.objectserver.wire import Answer, Request, ranged

if TYPE_CHECKING:
    from tests.stores.objectserver.serving import ObjectServer

_UPLOAD = re.compile(r"/upload/storage/v1/b/([^/]+)/o")
_BUCKET = re.compile(r"/storage/v1/b/([^/]+)")
_LIST = re.compile(r"(?:/download)?/storage/v1/b/([^/]+)/o")
_COPY = re.compile(r"/storage/v1/b/([^/]+)/o/([^/]+)/(?:copyTo|rewriteTo)/b/([^/]+)/o/([^/]+)")
_OBJECT = re.compile(r"(?:/download)?/storage/v1/b/([^/]+)/o/([^/]+)")
_SESSIONS: dict[str, dict[str, Any]] = {}


def is_mine(request: Request) -> bool:
    return "/storage/v1/b/" in request.path


def refusal(refused: Refused) -> Answer:
    body = {
        "error": {
            "code": refused.status,
            "message": refused.message,
            "errors": [{"reason": refused.code, "message": refused.message, "domain": "global"}],
        }
    }
    return Answer(refused.status, json.dumps(body).encode(), {"Content-Type": "application/json"})


def answer(server: ObjectServer, request: Request) -> Answer:
    for pattern, serve in (
        (_UPLOAD, _upload), (_COPY, _copy), (_OBJECT, _object), (_BUCKET, _bucket), (_LIST, _list)
    ):  # fmt: skip
        if match := pattern.fullmatch(request.path):
            return serve(server, request, *map(unquote, match.groups()))
    raise Refused(404, "notFound", f"no such method: {request.path}")


def _check(found: Stored | None, query: dict[str, str], prefix: str = "if") -> None:
    """Judge the four preconditions against what is there; generation 0 is "nothing"."""
    there = {"Generation": 0, "Metageneration": 0}
    if found is not None:
        there = {"Generation": found.generation, "Metageneration": found.metageneration}
    for what, value in there.items():
        wanted = query.get(f"{prefix}{what}Match")
        unwanted = query.get(f"{prefix}{what}NotMatch")
        if (wanted is not None and int(wanted) != value) or (
            unwanted is not None and int(unwanted) == value
        ):
            message = "At least one of the pre-conditions you specified did not hold."
            raise Refused(412, "conditionNotMet", message)


def _said(bucket: str, key: str, found: Stored) -> dict[str, Any]:
    return {
        "kind": "storage#object",
        "name": key,
        "bucket": bucket,
        "generation": str(found.generation),
        "metageneration": str(found.metageneration),
        "contentType": found.content_type,
        "size": str(len(found.content)),
        "crc32c": _crc32c(found.content),
        "updated": found.updated.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "timeCreated": found.updated.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "metadata": dict(found.metadata),
    }


def _crc32c(content: bytes) -> str:
    return base64.b64encode(google_crc32c.Checksum(content).digest()).decode()


def _json(body: dict[str, Any], status: int = 200, **headers: str) -> Answer:
    content = json.dumps(body).encode()
    return Answer(status, content, {"Content-Type": "application/json", **headers})


def _upload(server: ObjectServer, request: Request, bucket: str) -> Answer:
    query = request.query
    if request.method == "PUT":
        session = _SESSIONS.get(query.get("upload_id", ""))
        if session is None:
            raise Refused(404, "notFound", "no such upload")
        return _store(server, session["query"], bucket, session["meta"], request.body)
    if query.get("uploadType") == "resumable":
        meta = json.loads(request.body or b"{}")
        _check(server.buckets.find(bucket, meta.get("name") or query["name"]), query)
        upload = uuid.uuid4().hex
        _SESSIONS[upload] = {"query": query, "meta": meta}
        place = f"{server.url}{request.path}?uploadType=resumable&upload_id={upload}"
        return _json({}, Location=place)
    meta, content = _parts(request)
    return _store(server, query, bucket, meta, content)


def _parts(request: Request) -> tuple[dict[str, Any], bytes]:
    """Split multipart/related without touching the bytes of the second part."""
    header = request.headers["content-type"]
    boundary = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {header}\r\n\r\n".encode())
    mark = b"--" + str(boundary.get_param("boundary")).encode()
    _, first, second = request.body.split(mark, 2)
    content = second.partition(b"\r\n\r\n")[2]
    content = content[: content.rindex(b"\r\n" + mark + b"--")]
    return json.loads(first.partition(b"\r\n\r\n")[2]), content


def _store(
    server: ObjectServer, query: dict[str, str], bucket: str, meta: dict[str, Any], content: bytes
) -> Answer:
    key = meta.get("name") or query["name"]
    _check(server.buckets.find(bucket, key), query)
    if meta.get("crc32c") and meta["crc32c"] != _crc32c(content):
        raise Refused(400, "invalid", "Provided CRC32C does not match the content.")
    type_ = meta.get("contentType", "application/octet-stream")
    made = server.buckets.put(bucket, key, content, meta.get("metadata") or {}, type_)
    return _json(_said(bucket, key, made))


def _copy(
    server: ObjectServer, request: Request, bucket: str, key: str, to_bucket: str, to_key: str
) -> Answer:
    found = server.buckets.get(bucket, key)
    _check(found, request.query, "ifSource")
    _check(server.buckets.find(to_bucket, to_key), request.query)
    made = server.buckets.put(to_bucket, to_key, found.content, found.metadata, found.content_type)
    said = _said(to_bucket, to_key, made)
    if "/rewriteTo/" in request.path:
        size = str(len(made.content))
        said = {"done": True, "resource": said, "objectSize": size, "totalBytesRewritten": size}
    return _json(said)


def _object(server: ObjectServer, request: Request, bucket: str, key: str) -> Answer:
    found = server.buckets.get(bucket, key)
    _check(found, request.query)
    if request.method == "DELETE":
        server.buckets.remove(bucket, key)
        return Answer(204)
    if request.method == "PATCH":
        meta = json.loads(request.body)
        return _json(
            _said(bucket, key, server.buckets.patch(bucket, key, meta.get("metadata", {})))
        )
    if request.query.get("alt") == "media":
        headers = {
            "Content-Type": found.content_type,
            "X-Goog-Generation": str(found.generation),
            "X-Goog-Metageneration": str(found.metageneration),
            "X-Goog-Hash": f"crc32c={_crc32c(found.content)}",
        }
        return ranged(request, found.content, headers)
    return _json(_said(bucket, key, found))


def _bucket(server: ObjectServer, _: Request, bucket: str) -> Answer:
    server.buckets.bucket(bucket)
    return _json({"kind": "storage#bucket", "name": bucket, "location": "EU"})


def _list(server: ObjectServer, request: Request, bucket: str) -> Answer:
    query = request.query
    keys = server.buckets.keys(bucket, query.get("prefix", ""))
    start = int(query.get("pageToken") or 0)
    size = min(int(query.get("maxResults") or server.page), server.page)
    items = [_said(bucket, k, server.buckets.get(bucket, k)) for k in keys[start : start + size]]
    page: dict[str, Any] = {"kind": "storage#objects", "items": items}
    if start + size < len(keys):
        page["nextPageToken"] = str(start + size)
    return _json(page)

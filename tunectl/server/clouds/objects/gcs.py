"""The Cloud Storage JSON API v1: objects with generations, and preconditions on every verb.

cloud.google.com/storage/docs/json_api/v1/{objects,buckets}, …/docs/request-preconditions and
…/docs/performing-resumable-uploads, read in 2026-11.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson

from tunectl.server.clouds.objects.buckets import Buckets, Refused, Stored
from tunectl.server.clouds.objects.content import crc32c, ranged, related
from tunectl.server.clouds.wire import Answered, Asked, Left
from tunectl.server.clouds.world import World

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
_PERMISSION = {"GET": "get", "POST": "create", "PUT": "create", "PATCH": "update"}
_REASONS = {400: "invalid", 401: "authError", 403: "forbidden", 404: "notFound", 412: "conditionNotMet"}  # fmt: skip  # noqa: E501
_RESUME = 308  # "Resume Incomplete" here, whatever RFC 9110 says of the number


@dataclass
class _Session:
    """A resumable upload that is under way."""

    query: Mapping[str, str]
    meta: dict[str, Any]
    content: bytearray = field(default_factory=bytearray)


def _json(value: object, status: int = 200, **headers: str) -> Answered:
    return Answered.of(value, status, **headers)


def _stamp(stored: Stored) -> str:
    return stored.updated.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class CloudStorage:
    """Google Cloud Storage over `Buckets`; the caller is never asked who it is.

    Attributes:
        page: the most names that one page of a list holds.
        project_number: of the project that owns the buckets.
    """

    name = "cloud-storage"

    def __init__(
        self,
        world: World,
        buckets: Buckets,
        *,
        page: int = 1000,
        project_number: int = 123456789012,
    ) -> None:
        """Serve what `buckets` holds."""
        self.world = world
        self.buckets = buckets
        self.page = page
        self.project_number = project_number
        self._sessions: dict[str, _Session] = {}

    def answer(self, asked: Asked) -> Answered:
        """Answer one request."""
        routes: tuple[tuple[str, Callable[..., Answered]], ...] = (
            (r"(?:/resumable)?/upload/storage/v1/b/([^/]+)/o", self._upload),
            (
                r"/storage/v1/b/([^/]+)/o/([^/]+)/(?:copyTo|rewriteTo)/b/([^/]+)/o/([^/]+)",
                self._copy,
            ),
            (r"(?:/download)?/storage/v1/b/([^/]+)/o/([^/]+)", self._object),
            (r"/storage/v1/b/([^/]+)/iam/testPermissions", self._permissions),
            (r"/storage/v1/b/([^/]+)", self._bucket),
            (r"/storage/v1/b/([^/]+)/o", self._list),
        )
        try:
            for pattern, serve in routes:
                if match := re.fullmatch(pattern, asked.path):
                    return serve(asked, *map(unquote, match.groups()))
            raise Refused(404, "notFound", f"no such method: {asked.path}")
        except Refused as refused:
            return self.refused(refused)

    def refused(self, refused: Refused) -> Answered:
        """Return an error with its own reason."""
        code = _REASONS.get(refused.status, "") if refused.code.startswith("NoSuch") else ""
        error = {"reason": code or refused.code, "message": refused.message, "domain": "global"}
        return _json(
            {"error": {"code": refused.status, "message": refused.message, "errors": [error]}},
            refused.status,
        )

    def refusal(self, status: int, message: str) -> Answered:
        """Return an error in this service's shape."""
        return self.refused(Refused(status, _REASONS.get(status, "backendError"), message))

    def left(self) -> Iterable[Left]:
        """Yield every object."""
        return self.buckets.left("gs")

    def _may(self, permission: str, bucket: str) -> None:
        if permission in self.buckets.denied:
            message = f"The caller does not have {permission} access to the bucket {bucket}."
            raise Refused(403, "forbidden", message)

    def _check(self, found: Stored | None, query: Mapping[str, str], prefix: str = "if") -> None:
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

    def _said(self, bucket: str, key: str, found: Stored) -> dict[str, Any]:
        said: dict[str, Any] = {
            "kind": "storage#object",
            "id": f"{bucket}/{key}/{found.generation}",
            "name": key,
            "bucket": bucket,
            "generation": str(found.generation),
            "metageneration": str(found.metageneration),
            "contentType": found.content_type,
            "storageClass": "STANDARD",
            "size": str(len(found.content)),
            "crc32c": crc32c(found.content),
            "etag": f"{found.generation:x}/{found.metageneration}",
            "updated": _stamp(found),
            "timeCreated": _stamp(found),
        }
        return said | ({"metadata": dict(found.metadata)} if found.metadata else {})

    def _upload(self, asked: Asked, bucket: str) -> Answered:
        self._may("storage.objects.create", bucket)
        query = dict(asked.query)
        if asked.method in {"PUT", "DELETE"}:
            return self._part(asked, bucket, query.get("upload_id", ""))
        match query.get("uploadType"):
            case "resumable":
                meta = orjson.loads(asked.body or b"{}")
                self._check(self.buckets.find(bucket, meta.get("name") or query["name"]), query)
                upload = uuid.uuid4().hex
                self._sessions[upload] = _Session(query, meta)
                place = f"http://{asked.headers['host']}{asked.path}"
                location = f"{place}?uploadType=resumable&upload_id={upload}"
                return Answered(200, b"", {"Location": location, "X-GUploader-UploadID": upload})
            case "media":
                meta = {"contentType": asked.headers.get("content-type")}
                return self._store(query, bucket, meta, asked.body)
            case "multipart":
                said, content = related(asked)
                return self._store(query, bucket, orjson.loads(said), content)
        raise Refused(400, "invalid", "Required parameter: uploadType")

    def _part(self, asked: Asked, bucket: str, upload: str) -> Answered:
        """Take a part; 308 with what is held until the last one has come."""
        session = self._sessions.get(upload)
        if session is None:
            raise Refused(404, "notFound", "no such upload")
        if asked.method == "DELETE":
            del self._sessions[upload]
            return Answered(499)
        said = _CONTENT_RANGE.fullmatch(asked.headers.get("content-range", ""))
        if said is None:
            session.content[:] = asked.body
            return self._whole(session, bucket)
        first, _, total = said.groups()
        if first is not None:
            if int(first) > len(session.content):
                raise Refused(503, "backendError", "a part before this one is missing")
            session.content[int(first) :] = asked.body
        if total != "*" and len(session.content) == int(total):
            return self._whole(session, bucket)
        held = {"Range": f"bytes=0-{len(session.content) - 1}"} if session.content else {}
        return Answered(_RESUME, b"", held)

    def _whole(self, session: _Session, bucket: str) -> Answered:
        return self._store(session.query, bucket, session.meta, bytes(session.content))

    def _store(
        self, query: Mapping[str, str], bucket: str, meta: Mapping[str, Any], content: bytes
    ) -> Answered:
        key = meta.get("name") or query["name"]
        self._check(self.buckets.find(bucket, key), query)
        if meta.get("crc32c") and meta["crc32c"] != crc32c(content):
            raise Refused(400, "invalid", "Provided CRC32C does not match the content.")
        type_ = meta.get("contentType") or "application/octet-stream"
        made = self.buckets.put(bucket, key, content, meta.get("metadata"), type_)
        return _json(self._said(bucket, key, made))

    def _copy(self, asked: Asked, bucket: str, key: str, to_bucket: str, to_key: str) -> Answered:
        self._may("storage.objects.create", to_bucket)
        query = dict(asked.query)
        found = self.buckets.get(bucket, key)
        self._check(found, query, "ifSource")
        self._check(self.buckets.find(to_bucket, to_key), query)
        made = self.buckets.put(
            to_bucket, to_key, found.content, found.metadata, found.content_type
        )
        said = self._said(to_bucket, to_key, made)
        if "/rewriteTo/" not in asked.path:
            return _json(said)
        size = str(len(made.content))
        return _json(
            {
                "kind": "storage#rewriteResponse",
                "done": True,
                "resource": said,
                "objectSize": size,
                "totalBytesRewritten": size,
            }
        )

    def _object(self, asked: Asked, bucket: str, key: str) -> Answered:
        query = dict(asked.query)
        self._may(f"storage.objects.{_PERMISSION.get(asked.method, 'delete')}", bucket)
        found = self.buckets.get(bucket, key)
        self._check(found, query)
        if asked.method == "DELETE":
            self.buckets.remove(bucket, key)
            return Answered(204)
        if asked.method == "PATCH":
            said = asked.json() or {}
            metadata = {**found.metadata, **(said.get("metadata") or {})}
            kept = {name: value for name, value in metadata.items() if value is not None}
            return _json(self._said(bucket, key, self.buckets.change(bucket, key, metadata=kept)))
        if query.get("alt") == "media":
            headers = {
                "Content-Type": found.content_type,
                "X-Goog-Generation": str(found.generation),
                "X-Goog-Metageneration": str(found.metageneration),
                "X-Goog-Hash": f"crc32c={crc32c(found.content)}",
            }
            return ranged(asked, found.content, headers)
        return _json(self._said(bucket, key, found))

    def _bucket(self, asked: Asked, bucket: str) -> Answered:  # noqa: ARG002
        self._may("storage.buckets.get", bucket)
        place = self.buckets.place(bucket)
        multi = place in {"EU", "US", "ASIA"}
        return _json(
            {
                "kind": "storage#bucket",
                "id": bucket,
                "name": bucket,
                "projectNumber": str(self.project_number),
                "location": place,
                "locationType": "multi-region" if multi else "region",
                "storageClass": "STANDARD",
                "metageneration": "1",
            }
        )

    def _permissions(self, asked: Asked, bucket: str) -> Answered:
        """Tell which of the permissions asked for the caller has: those not `denied`."""
        self.buckets.bucket(bucket)
        wanted = [value for key, value in asked.query if key == "permissions"]
        had = [permission for permission in wanted if permission not in self.buckets.denied]
        said: dict[str, Any] = {"kind": "storage#testIamPermissionsResponse"}
        return _json(said | ({"permissions": had} if had else {}))

    def _list(self, asked: Asked, bucket: str) -> Answered:
        self._may("storage.objects.list", bucket)
        keys = self.buckets.keys(bucket, asked.param("prefix"))
        start = int(asked.param("pageToken") or 0)
        size = min(int(asked.param("maxResults") or self.page), self.page)
        shown = keys[start : start + size]
        items = [self._said(bucket, key, self.buckets.get(bucket, key)) for key in shown]
        page: dict[str, Any] = {"kind": "storage#objects"} | ({"items": items} if items else {})
        if start + size < len(keys):
            page["nextPageToken"] = str(start + size)
        return _json(page)

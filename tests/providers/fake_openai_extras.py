"""Parts of the fake OpenAI that few services have: uploads in parts, and registered checkpoints."""

import hashlib
import secrets
import time
from typing import Any

MOST_OF_A_PART = 64 * 1024 * 1024


class Refusal(Exception):  # noqa: N818
    def __init__(
        self, status: int, message: str, code: str | None = None, param: str | None = None
    ):
        super().__init__(message)
        self.status = status
        self.body = {
            "error": {
                "message": message, "type": "invalid_request_error", "param": param, "code": code
            }
        }  # fmt: skip


class FakeUploads:
    """`/uploads`: nothing is a file before `complete`, and what arrives must be what was said."""

    def __init__(self, fake: Any) -> None:
        self.fake = fake
        self.all: dict[str, dict[str, Any]] = {}
        self.parts: dict[str, dict[str, bytes]] = {}

    def begin(self, body: dict[str, Any]) -> Any:
        upload_id = f"upload_{secrets.token_hex(8)}"
        self.parts[upload_id] = {}
        self.all[upload_id] = {
            "id": upload_id, "object": "upload", "bytes": body["bytes"],
            "created_at": int(time.time()), "expires_at": int(time.time()) + 3600,
            "filename": body["filename"], "purpose": body["purpose"], "status": "pending",
            "mime_type": body["mime_type"], "file": None,
        }  # fmt: skip
        return self._shown(upload_id)

    def add(self, upload_id: str, form: dict[str, Any]) -> Any:
        self._pending(upload_id)
        _, data = form["data"]
        if len(data) > MOST_OF_A_PART:
            raise Refusal(400, "The part is larger than 64 MB", param="data")
        part_id = f"part_{secrets.token_hex(8)}"
        self.parts[upload_id][part_id] = data
        return {
            "id": part_id, "object": "upload.part", "created_at": int(time.time()),
            "upload_id": upload_id,
        }  # fmt: skip

    def complete(self, upload_id: str, body: dict[str, Any]) -> Any:
        upload = self._pending(upload_id)
        data = b"".join(self.parts[upload_id][part] for part in body["part_ids"])
        if len(data) != upload["bytes"]:
            raise Refusal(400, f"Expected {upload['bytes']} bytes, got {len(data)}", param="bytes")
        if body.get("md5") and hashlib.md5(data).hexdigest() != body["md5"]:
            raise Refusal(400, "The checksum does not match", param="md5")
        file = self.fake.keep_file(upload["filename"], data, upload["purpose"])
        upload["status"], upload["file"] = "completed", file
        return self._shown(upload_id)

    def cancel(self, upload_id: str) -> Any:
        self._pending(upload_id)["status"] = "cancelled"
        return self._shown(upload_id)

    def _pending(self, upload_id: str) -> dict[str, Any]:
        upload = self.all.get(upload_id)
        if upload is None:
            raise Refusal(404, f"No such upload: {upload_id}")
        if upload["status"] != "pending":
            raise Refusal(400, f"The upload is {upload['status']}")
        return upload

    def _shown(self, upload_id: str) -> Any:
        hidden = {"mime_type"}
        return {key: item for key, item in self.all[upload_id].items() if key not in hidden}


class FakeRegistry:
    """Nebius: `/v0/models`, where a checkpoint is registered and looked at until it is active."""

    def __init__(self, fake: Any) -> None:
        self.fake = fake
        self.models: dict[str, dict[str, Any]] = {}
        self.path = ("validating", "validating", "active")
        self.reason = ""

    def route(self, method: str, name: str, body: Any) -> Any:
        match method, name:
            case "POST", "":
                return self._add(body)
            case "GET", "":
                return {"data": [self._shown(one) for one in self.models.values()]}
            case "GET", _:
                return self._look(name)
            case "DELETE", _:
                if self.models.pop(name, None) is None:
                    raise Refusal(404, f"Model {name} not found")
                return {}
        raise Refusal(404, f"Invalid URL ({method} /v0/models/{name})")

    def _add(self, body: dict[str, Any]) -> Any:
        job_id, _, point = body["source"].partition(":")
        if job_id not in self.fake.jobs or not point:
            raise Refusal(400, f"invalid source: {body['source']}", param="source")
        name = f"{body['base_model']}-LoRa:{body['name']}-{secrets.token_hex(2)}"
        self.models[name] = {
            "name": name, "base_model": body["base_model"], "source": body["source"],
            "description": body.get("description", ""), "created_at": int(time.time()),
            "status": self.path[0], "looks": 0,
        }  # fmt: skip
        return self._shown(self.models[name])

    def _look(self, name: str) -> Any:
        model = self.models.get(name)
        if model is None:
            raise Refusal(404, f"Model {name} not found")
        model["looks"] = min(model["looks"] + 1, len(self.path) - 1)
        model["status"] = self.path[model["looks"]]
        if model["status"] == "error":
            model["status_reason"] = self.reason
        return self._shown(model)

    def _shown(self, model: dict[str, Any]) -> Any:
        return {key: item for key, item in model.items() if key != "looks"}

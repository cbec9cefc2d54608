"""`endpoint`: a stable name for one model."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tunectl.kinds.declared import Remote
from tunectl.kinds.values import Reference


class Endpoint(Remote):
    """A stable name that applications call; it moves when a new model is ready."""

    outputs: ClassVar[tuple[str, ...]] = ("model_id", "base_url", "invoke")
    main_output: ClassVar[str | None] = "model_id"
    compared: ClassVar[tuple[str, ...]] = ("model",)

    model: Reference = Field(description="`tuning_job.NAME`, or the id of a model.")

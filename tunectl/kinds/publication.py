"""`publish:` of a prompt template: where its text is kept beside the artefact."""

from __future__ import annotations

from pydantic import Field

from tunectl.kinds.values import Fields, Texts


class Publish(Fields):
    """One place where the prompt is published."""

    to: str = Field(
        min_length=1,
        description="A name under `providers:`, of type `langfuse` or `bedrock`.",
    )
    name: str | None = Field(
        default=None,
        min_length=1,
        description="What the prompt is called there; without it, as the template.",
    )
    labels: Texts = Field(
        default_factory=list,
        description=(
            "Langfuse: labels that move to each version that is published, such as `staging`. "
            "Applications read a prompt by its label; without one they find it as `latest` only."
        ),
    )

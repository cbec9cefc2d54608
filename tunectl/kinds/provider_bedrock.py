"""`providers`, type `bedrock`: an account of AWS in one region."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tunectl.kinds.provider import AnyProvider, Url
from tunectl.kinds.values import form

_ROLE = form(
    r"^arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+$",
    "the ARN of a role",
    "such as `arn:aws:iam::123456789012:role/tuning`; `aws iam list-roles` shows them",
)
_PLACE = form(
    r"^s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](/[-!_*'().a-z0-9A-Z]+)*/?$",
    "a bucket of S3, with or without a folder",
    "such as `s3://acme-tuning/rows`",
)
_REGION = form(r"^[a-z]{2}(-[a-z]+)+-[0-9]$", "the code of a region of AWS", "such as `us-east-1`")


_NETWORK_ID = form(
    r"^[-0-9a-zA-Z]{1,32}$", "the id of a subnet or a security group", "such as `subnet-0a1b2c3d`"
)
NetworkId = Annotated[str, Field(pattern=_NETWORK_ID)]


class BedrockProvider(AnyProvider):
    """Amazon Bedrock in one region. Credentials are those of the AWS SDK's own default chain."""

    type: Literal["bedrock"] = Field(default="bedrock", description="The provider's type.")
    region: str = Field(pattern=_REGION, description="The region, such as `us-east-1`.")
    staging: str = Field(
        pattern=_PLACE,
        description="Where training rows are kept: `s3://BUCKET/PREFIX`, in the same region.",
    )
    role_arn: str = Field(
        pattern=_ROLE,
        description="The role that a job takes on to read rows and to write metrics.",
    )
    output: str | None = Field(
        default=None, pattern=_PLACE, description="Where metrics go; else below `staging`."
    )
    kms_key: str | None = Field(
        default=None, min_length=1, description="The key that encrypts custom models."
    )
    subnet_ids: list[NetworkId] | None = Field(
        default=None,
        min_length=1,
        max_length=16,
        description="The subnets in which jobs read rows and write metrics, in your own network.",
    )
    security_group_ids: list[NetworkId] | None = Field(
        default=None,
        min_length=1,
        max_length=5,
        description="The security groups of those jobs; goes together with `subnet_ids`.",
    )
    aws_profile: str | None = Field(
        default=None, min_length=1, description="A profile of the shared AWS configuration."
    )
    timeout: int | None = Field(default=None, ge=1, description="Seconds to wait for one answer.")
    endpoint_url: Url | None = Field(
        default=None, description="Where the control plane is, instead of AWS's own address."
    )
    runtime_endpoint_url: Url | None = Field(
        default=None, description="The same for the runtime, which answers."
    )
    s3_endpoint_url: Url | None = Field(default=None, description="The same for S3.")
    sts_endpoint_url: Url | None = Field(
        default=None, description="The same for STS, which tells the account."
    )
    agent_endpoint_url: Url | None = Field(
        default=None, description="The same for knowledge bases."
    )
    agent_runtime_endpoint_url: Url | None = Field(
        default=None, description="The same for searching a knowledge base."
    )

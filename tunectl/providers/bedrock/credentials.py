"""Where boto3's default chain found credentials, for people; never what they are."""

from __future__ import annotations

from typing import Any

from tunectl.core.errors import CredentialsError
from tunectl.providers.bedrock.client import STS, Cloud

# botocore 1.44, `credentials.py`: `Credentials.method` of each link of the chain.
_LINKS = {
    "env": "the variables `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`",
    "shared-credentials-file": "the shared credentials file",
    "config-file": "the shared configuration file",
    "assume-role": "a role of the shared configuration file",
    "assume-role-with-web-identity": "a role, by the token of `AWS_WEB_IDENTITY_TOKEN_FILE`",
    "sso": "IAM Identity Center (`aws sso login`)",
    "container-role": "the role of this container",
    "iam-role": "the role of this machine",
}


def source(cloud: Cloud) -> str:
    """Return the link of the chain that gave credentials; they are sent nowhere.

    Raises:
        CredentialsError: there are none.
    """
    if cloud.rehearsed:
        return "none needed: it runs on this machine"
    found = cloud.ask(STS, "sign requests", lambda _: _found(cloud.aws_profile))
    if found is None:
        raise CredentialsError.of(
            f"provider `{cloud.provider}` has no credentials: boto3's chain finds none",
            hint="run `aws sso login`, or set `AWS_PROFILE` or `AWS_ACCESS_KEY_ID`",
            code="no-key",
        )
    return _LINKS.get(str(found.method), f"boto3's chain ({found.method})")


def _found(profile: str | None) -> Any:  # noqa: ANN401  # boto3 is untyped
    import boto3

    return boto3.session.Session(profile_name=profile).get_credentials()

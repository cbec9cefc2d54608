"""Whose account it is: twelve digits and a region, as STS says. No key is ever part of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from tunectl.core.errors import ConflictError, InvalidRequestError
from tunectl.core.resource import Instance
from tunectl.providers.bedrock.client import STS, Cloud, fields

_PARTS = 6  # arn:aws:bedrock:REGION:ACCOUNT:…


@dataclass(frozen=True, slots=True)
class Identity:
    """The account behind the credentials. Asked once: GetCallerIdentity needs no permission."""

    cloud: Cloud
    _known: list[str] = field(default_factory=list, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def id(self) -> str:
        """Return `123456789012/us-east-1`.

        Raises:
            CredentialsError: there are none, or they are refused.
        """
        with self._mutex:
            if not self._known:
                said = self.cloud.ask(
                    STS, "name the account", lambda c: fields(c.get_caller_identity(), "Account")
                )
                self._known.append(f"{said['Account']}/{self.cloud.region}")
            return self._known[0]

    def check(self, instance: Instance) -> None:
        """Do nothing when an object may be looked up here.

        A service answers 404 for an ARN of another account or region, which must never read as
        "deleted".

        Raises:
            ConflictError: its ARN is of another account or region.
            InvalidRequestError: it is no ARN, such as that of something to import.
        """
        parts = instance.id.split(":", _PARTS - 1)
        if len(parts) < _PARTS or parts[0] != "arn":
            raise InvalidRequestError.of(
                f"`{instance.id}` is no ARN",
                hint="a name may be another one's in another region: give the ARN, such as "
                f"`arn:aws:bedrock:{self.cloud.region}:123456789012:…`",
                address=str(instance.address),
            )
        there, here = f"{parts[4]}/{parts[3]}", self.id()
        if there != here:
            raise ConflictError.of(
                f"`{instance.id}` lives in `{there}`, and provider `{self.cloud.provider}` is "
                f"connected to `{here}`",
                hint="use the credentials and the `region` it was made with",
                address=str(instance.address),
            )

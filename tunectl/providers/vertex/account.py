"""Whose account it is: the project and the place where jobs are made.

The principal is no part of it: a colleague and the CI share what they manage, each with credentials
of their own. That the credentials may work there is asked once, by the one question that every
account fit for tuning may ask.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tunectl.core.errors import CredentialsError, NotFoundError
from tunectl.providers.keys import is_loopback
from tunectl.providers.vertex.client import Cloud


@dataclass(frozen=True, slots=True)
class ProjectAccount:
    """The account behind the settings; asked once."""

    cloud: Cloud
    _known: list[str] = field(default_factory=list, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def id(self) -> str:
        """Return `projects/P/locations/L`, after the host where that is a loopback server.

        Raises:
            CredentialsError: there are no credentials, or they may not be used there.
            ProviderError: the service could not be asked.
        """
        with self._mutex:
            if not self._known:
                self._known.append(self._ask())
            return self._known[0]

    def _ask(self) -> str:
        cloud = self.cloud
        try:
            cloud.ask(
                f"name the account: list one job of `{cloud.parent}`",
                lambda: cloud.get_json(
                    cloud.location, f"v1/{cloud.parent}/tuningJobs", pageSize="1"
                ),
            )
        except NotFoundError as error:
            raise CredentialsError.of(
                f"there is no `{cloud.parent}` for provider `{cloud.provider}`: {error}",
                hint="check `project:` and `location:`; what was made elsewhere is not deleted",
            ) from None
        here = urlsplit(cloud.endpoint or "").netloc if is_loopback(cloud.endpoint) else ""
        return f"{here}/{cloud.parent}" if here else cloud.parent

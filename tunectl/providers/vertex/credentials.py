"""Where Google's default credentials were found, for people; never what they are."""

from __future__ import annotations

import os

from tunectl.providers.keys import is_loopback
from tunectl.providers.vertex.client import Cloud

_FILE = "GOOGLE_APPLICATION_CREDENTIALS"


def source(cloud: Cloud) -> str:
    """Return the link of the chain that gave credentials; none are sent anywhere.

    Raises:
        CredentialsError: there are none.
    """
    if is_loopback(cloud.endpoint):
        return "none needed: it runs on this machine"
    found = cloud.ask("sign requests", lambda: cloud.credentials(cloud.endpoint))
    if os.environ.get(_FILE):
        return f"the file that the variable `{_FILE}` names"
    if type(found).__module__.startswith("google.auth.compute_engine"):
        return "the metadata server of this machine"
    return "`gcloud auth application-default login`"

"""A small object server on loopback: enough of the Cloud Storage JSON API and of S3's REST API.

May: keep objects in memory, enforce the preconditions of both services on every verb, and fail on
request before or after a change took effect. Never: reach beyond loopback, or check signatures.
"""

from tests.stores.objectserver.serving import Fault, ObjectServer, running

__all__ = ["Fault", "ObjectServer", "running"]

"""Object storage: buckets that several clouds share, and the two wires they are reached by.

May: keep objects in memory, enforce the preconditions of both services on every verb.
Never: touch a disk, check a signature.

`Buckets` is the one place where objects are; `CloudStorage` (Google's JSON API) and `S3` are two
views of it, and the tuning services read their training files out of it.
"""

from tunectl.server.clouds.objects.buckets import Buckets, Refused, Stored
from tunectl.server.clouds.objects.gcs import CloudStorage
from tunectl.server.clouds.objects.s3 import S3

__all__ = ["S3", "Buckets", "CloudStorage", "Refused", "Stored"]

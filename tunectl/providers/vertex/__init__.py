"""Provider type `vertex`: tuning on Google Cloud, its endpoints, and Cloud Storage for the rows.

May: speak to Vertex AI by its service clients (`google.cloud.aiplatform_v1`, over REST) and, where
those know no word for it (preference tuning, answers as a stream), by the same REST routes; keep
converted rows in the staging bucket by google-cloud-storage; use Google's default credentials.
Never: import Google's packages before a resource of this provider is asked about, read a key from
a file of ours, send a create twice, take a 404 of another host, project or bucket for "deleted".

The laws of the room
--------------------
- A place is part of every name. Host and location come from the name of the thing asked about,
  never from the settings: a job made in one region may leave its model and endpoints in another.
- Nothing that Vertex AI creates for a job is unmanaged: the endpoints that appear when a job ends,
  one for the model and one for each checkpoint, are told, and deleted with the job.
- What is deleted goes in one order: all models off their endpoints, then the endpoints, then the
  model. A deletion that is refused because an earlier one has not arrived yet is asked for again.
- A deployment is a chain of long operations. Whoever looks when one has ended begins the next: each
  can be begun twice without harm, for the ids of what is made are chosen here.
- An open model is deployed by Model Garden, which registers a copy of it: endpoint and copy have
  ids that are chosen here, are marked when they are there, and go together, the copy last.
- A licence is accepted only where the declaration says so.
- The database that RAG Engine keeps for a whole project is set up only where a declaration agrees
  to it, and is never changed or taken away here.

Settings: `project`, `location`, `staging` (`gs://BUCKET/PREFIX`), `endpoint` and `storage_endpoint`
(private or loopback addresses), `concurrent_jobs`, `requests_per_minute`, `timeout` (seconds),
`hugging_face_token_env` (a variable's name).
"""

from __future__ import annotations

from typing import Any

from tunectl.providers.vertex.connecting import connect_account
from tunectl.providers.vertex.provider import VertexAccount


def connect(**settings: Any) -> VertexAccount:  # noqa: ANN401  # settings are checked there
    """Connect an account; nothing is sent, no credentials are looked for yet.

    Raises:
        ConfigError: a setting is unknown, missing or senseless.
    """
    return connect_account(settings)

"""Models of the registry, and requests for endpoints with machines."""

from typing import Any

from tests.contracts.handler_contract import endpoint_resource, request_for
from tests.providers.vertex.conftest import NAME, Clouds

PARENT = "projects/acme-ml/locations/europe-west4"


def registered(clouds: Clouds, title: str) -> str:
    """Put a model into the registry by Google's own client; return its name."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.aiplatform_v1 import ModelServiceClient

    client = ModelServiceClient(
        credentials=AnonymousCredentials(),
        transport="rest",
        client_options={"api_endpoint": clouds.url},
    )
    model = {
        "display_name": title,
        "artifact_uri": "gs://acme-tuning/weights",
        "container_spec": {"image_uri": "eu-docker.pkg.dev/acme/serve:1"},
    }
    done = client.upload_model({"parent": PARENT, "model": model})
    while not done.done():
        pass
    return f"{done.result().model}@1"


def dedicated_spec(model: str, **more: Any) -> dict[str, Any]:
    """Return a settled spec, as the loader makes one."""
    return {
        "model": model,
        "hosting": "dedicated",
        "machine_type": "g2-standard-12",
        "accelerator": {"type": "NVIDIA_L4", "count": 1},
        "replicas": {"min": 1, "max": 1},
        **more,
    }


def dedicated_request(model: str, **more: Any):
    resource, _ = endpoint_resource(NAME, model)
    return request_for(resource, dedicated_spec(model, **more))


GEMMA = "google/gemma3@gemma-3-1b-it"
QWEN = "qwen/qwen3@qwen3-8b"


def open_request(model: str = GEMMA, **more: Any):
    """Return a request for an open model, its licence accepted."""
    resource, _ = endpoint_resource(NAME, model)
    accepted = {"hosting": "garden", "accept_eula": True, **more}
    return request_for(resource, dedicated_spec(model, **accepted))

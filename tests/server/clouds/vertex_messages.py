"""Writes what the Vertex wire knows of Google's messages, out of Google's own descriptors.

`python -m tests.server.clouds.vertex_messages` writes the file; a test fails when it is stale.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[3] / "tunectl" / "server" / "clouds" / "vertex" / "messages.json"
# Messages whose fields are known one by one; any other is passed on as JSON, unread.
KNOWN = (
    "TuningJob", "PreTunedModel", "SupervisedTuningSpec", "SupervisedHyperParameters", "TunedModel",
    "TunedModelCheckpoint", "TuningDataStats", "SupervisedTuningDataStats",
    "SupervisedTuningDatasetDistribution", "SupervisedTuningDatasetDistribution.DatasetBucket",
    "EncryptionSpec", "Status",
    "ListTuningJobsResponse", "CancelTuningJobRequest",
    "Model", "ModelContainerSpec", "EnvVar", "Port", "ModelSourceInfo", "DeployedModelRef",
    "Checkpoint", "UploadModelRequest", "UploadModelResponse", "ListModelsResponse",
    "ListModelVersionsResponse", "ModelVersionCheckpoint", "ListModelVersionCheckpointsResponse",
    "MergeVersionAliasesRequest",
    "Endpoint", "DeployedModel", "DedicatedResources", "MachineSpec", "ReservationAffinity",
    "AutoscalingMetricSpec", "AutomaticResources", "DedicatedResources.ScaleToZeroSpec",
    "ListEndpointsResponse",
    "DeployModelRequest", "DeployModelResponse", "UndeployModelRequest", "UndeployModelResponse",
    "MutateDeployedModelRequest", "MutateDeployedModelResponse",
    "UpdateEndpointLongRunningRequest", "GenericOperationMetadata",
    "CreateEndpointOperationMetadata", "DeployModelOperationMetadata",
    "UndeployModelOperationMetadata", "MutateDeployedModelOperationMetadata",
    "DeleteOperationMetadata", "UpdateEndpointOperationMetadata", "UploadModelOperationMetadata",
    "DeployRequest", "ModelConfig", "EndpointConfig", "DeployConfig", "DeployResponse",
    "DeployOperationMetadata",
    "PredictRequest", "PredictResponse", "CountTokensRequest", "CountTokensResponse",
    "GenerateContentRequest", "GenerateContentResponse", "Content", "Part", "FileData",
    "GenerateContentResponse.UsageMetadata", "GenerationConfig", "Candidate", "ModalityTokenCount",
    "SafetyRating",
    "PublisherModel", "ListPublisherModelsResponse",
    "RagCorpus", "RagVectorDbConfig", "RagVectorDbConfig.RagManagedDb", "RagEmbeddingModelConfig",
    "RagEmbeddingModelConfig.VertexPredictionEndpoint", "CorpusStatus", "ListRagCorporaResponse",
    "RagFile", "FileStatus", "GcsSource", "ListRagFilesResponse",
    "ImportRagFilesRequest", "ImportRagFilesConfig", "RagFileTransformationConfig",
    "RagFileChunkingConfig", "RagFileChunkingConfig.FixedLengthChunking", "ImportRagFilesResponse",
    "ImportRagFilesOperationMetadata", "CreateRagCorpusOperationMetadata",
    "UpdateRagCorpusOperationMetadata",
    "RetrieveContextsRequest", "RetrieveContextsRequest.VertexRagStore",
    "RetrieveContextsRequest.VertexRagStore.RagResource", "VertexRagStore.RagResource",
    "RagQuery", "RagRetrievalConfig", "RetrieveContextsResponse", "RagContexts",
    "RagContexts.Context",
)  # fmt: skip
PLAIN = {
    1: "double", 2: "double", 3: "int64", 4: "int64", 5: "int32", 8: "bool", 9: "string",
    12: "bytes", 13: "int32",
}  # fmt: skip
GIVEN = {
    "google.protobuf.Timestamp": "timestamp",
    "google.protobuf.Duration": "duration",
    "google.protobuf.FieldMask": "mask",
}


def descriptors(version: str) -> dict[str, Any]:
    """The descriptors of the messages that are known in one version of the API."""
    from google import genai  # noqa: F401  # its import comes before proto-plus' own, either way
    from google.cloud import aiplatform_v1, aiplatform_v1beta1

    package = {"v1": aiplatform_v1, "v1beta1": aiplatform_v1beta1}[version]
    found: dict[str, Any] = {}
    for name in dir(package):
        message = getattr(package, name)
        if isinstance(message, type) and hasattr(message, "pb") and hasattr(message, "meta"):
            gather(message.pb().DESCRIPTOR, found)
    return found


def gather(descriptor: Any, found: dict[str, Any]) -> None:
    """Take a message, those in it and those it needs."""
    name = descriptor.full_name.removeprefix("google.rpc.").rpartition(".")[2]
    name = nested(descriptor, name)
    if name in found or (name not in KNOWN and descriptor.containing_type is None):
        return
    found[name] = descriptor
    for field in descriptor.fields:
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            gather(field.message_type, found)


def nested(descriptor: Any, name: str) -> str:
    """`DeployRequest.ModelConfig` is known as `ModelConfig`; it must stay unambiguous."""
    within = descriptor.containing_type
    return name if within is None or within.name == "DeployRequest" else f"{within.name}.{name}"


def kind(field: Any, found: dict[str, Any], enums: dict[str, dict[str, int]]) -> str:
    """What one field holds, in a word."""
    if field.message_type is not None:
        if field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"]
            return "{" + kind(value, found, enums)
        full = field.message_type.full_name
        name = nested(field.message_type, full.rpartition(".")[2])
        word = GIVEN.get(full) or (name if found.get(name) is field.message_type else "json")
    elif field.enum_type is not None:
        word = "#" + field.enum_type.full_name.removeprefix("google.cloud.aiplatform.")
        word = re.sub(r"^#v1(beta1)?\.", "#", word)
        enums.setdefault(word[1:], {}).update({v.name: v.number for v in field.enum_type.values})
    else:
        word = PLAIN[field.type]
    return f"[{word}" if field.is_repeated else word


def content() -> dict[str, Any]:
    """The whole file."""
    written: dict[str, Any] = {"enums": {}}
    for version in ("v1", "v1beta1"):
        found = descriptors(version)
        chosen = {name: d for name, d in sorted(found.items()) if name in KNOWN}
        written[version] = {
            name: {f.json_name: kind(f, chosen, written["enums"]) for f in d.fields}
            for name, d in chosen.items()
        }
    return written


def text() -> str:
    """The file's text, one message a line."""
    parts = []
    for part, of in content().items():
        lines = ",\n".join(f'  "{name}": {json.dumps(of[name])}' for name in of)
        parts.append(f' "{part}": {{\n{lines}\n }}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")

"""What the stand-in for Bedrock's knowledge bases refuses, as the service does, to the real SDK."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.providers.bedrock.cloud import BUCKET, ROLE, running

MANAGED = {
    "type": "MANAGED",
    "managedKnowledgeBaseConfiguration": {"embeddingModelType": "MANAGED"},
}
TITAN = "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0"
VECTOR = {"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": TITAN}}
INDEX = "arn:aws:s3vectors:us-east-1:123456789012:bucket/acme/index/manual"
STORE = {"type": "S3_VECTORS", "s3VectorsConfiguration": {"indexArn": INDEX}}
CONNECTOR = {
    "type": "MANAGED_KNOWLEDGE_BASE_CONNECTOR",
    "managedKnowledgeBaseConnectorConfiguration": {
        "connectorParameters": {"type": "CUSTOM", "version": "1"}
    },
}
FIXED = {
    "chunkingConfiguration": {
        "chunkingStrategy": "FIXED_SIZE",
        "fixedSizeChunkingConfiguration": {"maxTokens": 300, "overlapPercentage": 20},
    }
}


@pytest.fixture
def amazon():
    with running() as found:
        yield found


@pytest.fixture
def client(amazon):
    return amazon.client("bedrock-agent")


def refused(call, **asked):
    with pytest.raises(ClientError) as caught:
        call(**asked)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def made(client, amazon, configuration=MANAGED, **more):
    name = f"base-{len(amazon.bedrock.shelf.knowledge)}"
    asked = {"name": name, "roleArn": ROLE, "knowledgeBaseConfiguration": configuration, **more}
    id_ = client.create_knowledge_base(**asked)["knowledgeBase"]["knowledgeBaseId"]
    amazon.world.pass_time(5)
    return id_


def connected(client, amazon, base, configuration=CONNECTOR, **more):
    asked = {"knowledgeBaseId": base, "name": "docs", "dataSourceConfiguration": configuration}
    id_ = client.create_data_source(**asked, **more)["dataSource"]["dataSourceId"]
    amazon.world.pass_time(5)
    return id_


@pytest.mark.parametrize(
    "asked",
    [
        {"knowledgeBaseConfiguration": MANAGED, "storageConfiguration": STORE},
        {"knowledgeBaseConfiguration": VECTOR},
        {"knowledgeBaseConfiguration": {"type": "SQL"}},
        {
            "knowledgeBaseConfiguration": VECTOR,
            "storageConfiguration": {"type": "S3_VECTORS", "s3VectorsConfiguration": {}},
        },
        {
            "knowledgeBaseConfiguration": VECTOR,
            "storageConfiguration": {
                "type": "S3_VECTORS",
                "s3VectorsConfiguration": {"indexArn": INDEX.replace("us-east-1", "eu-west-1")},
            },
        },
    ],
)
def test_a_configuration_that_cannot_be_is_refused(client, asked):
    found = refused(client.create_knowledge_base, name="a", roleArn=ROLE, **asked)
    assert found == ("ValidationException", 400)


def test_a_name_is_given_once_and_a_token_makes_one(client, amazon):
    asked = {"name": "a", "roleArn": ROLE, "knowledgeBaseConfiguration": MANAGED}
    token = "t" * 33
    one = client.create_knowledge_base(**asked, clientToken=token)["knowledgeBase"]
    two = client.create_knowledge_base(**asked, clientToken=token)["knowledgeBase"]
    assert one["knowledgeBaseId"] == two["knowledgeBaseId"]
    assert refused(client.create_knowledge_base, **asked) == ("ConflictException", 409)


@pytest.mark.parametrize(
    ("configuration", "store", "source", "ingestion"),
    [
        (MANAGED, {}, {"type": "CUSTOM"}, {}),
        (MANAGED, {}, CONNECTOR, FIXED),
        (VECTOR, {"storageConfiguration": STORE}, CONNECTOR, {}),
    ],
)
def test_a_data_source_must_fit_its_knowledge_base(
    client, amazon, configuration, store, source, ingestion
):
    base = made(client, amazon, configuration, **store)
    more = {"vectorIngestionConfiguration": ingestion} if ingestion else {}
    found = refused(
        client.create_data_source,
        knowledgeBaseId=base,
        name="docs",
        dataSourceConfiguration=source,
        **more,
    )
    assert found == ("ValidationException", 400)


def test_nothing_is_connected_to_what_is_still_made_or_deleted_while_it_is(client, amazon):
    amazon.world.operation_seconds = 600
    asked = {"name": "a", "roleArn": ROLE, "knowledgeBaseConfiguration": MANAGED}
    base = client.create_knowledge_base(**asked)["knowledgeBase"]["knowledgeBaseId"]
    source = {"name": "docs", "dataSourceConfiguration": CONNECTOR}
    found = refused(client.create_data_source, knowledgeBaseId=base, **source)
    assert found == ("ConflictException", 409)
    assert refused(client.delete_knowledge_base, knowledgeBaseId=base)[1] == 409


def test_what_is_fixed_must_be_sent_again_as_it_was(client, amazon):
    base = made(client, amazon, VECTOR, storageConfiguration=STORE)
    asked = {"knowledgeBaseId": base, "name": "b", "roleArn": ROLE}
    found = refused(client.update_knowledge_base, **asked, knowledgeBaseConfiguration=VECTOR)
    assert found == ("ValidationException", 400)
    same = {"knowledgeBaseConfiguration": VECTOR, "storageConfiguration": STORE}
    assert client.update_knowledge_base(**asked, **same)["knowledgeBase"]["status"] == "UPDATING"


def test_too_many_changes_of_documents_at_once_are_a_wrong_request(client, amazon):
    amazon.buckets.put(BUCKET, "a.md", b"Ala")
    base = made(client, amazon)
    source = connected(client, amazon, base)
    amazon.world.operation_seconds = 600

    def ingest(number):
        content = {
            "dataSourceType": "CUSTOM",
            "custom": {
                "customDocumentIdentifier": {"id": str(number)},
                "sourceType": "S3_LOCATION",
                "s3Location": {"uri": f"s3://{BUCKET}/a.md"},
            },
        }
        return client.ingest_knowledge_base_documents(
            knowledgeBaseId=base, dataSourceId=source, documents=[{"content": content}]
        )

    for number in range(10):
        assert ingest(number)["documentDetails"][0]["status"] == "STARTING"
    with pytest.raises(ClientError, match="concurrent") as caught:
        ingest(10)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_each_way_to_search_belongs_to_one_sort_of_knowledge_base(client, amazon):
    base = made(client, amazon)
    search = amazon.client("bedrock-agent-runtime")
    asked = {"knowledgeBaseId": base, "retrievalQuery": {"text": "gdzie"}}
    wrong = {"vectorSearchConfiguration": {"numberOfResults": 3}}
    found = refused(search.retrieve, **asked, retrievalConfiguration=wrong)
    assert found == ("ValidationException", 400)
    assert search.retrieve(**asked)["retrievalResults"] == []
    gone = {**asked, "knowledgeBaseId": "ABCDEFGHIJ"}
    assert refused(search.retrieve, **gone) == ("ResourceNotFoundException", 404)


def test_tags_are_told_and_added(client, amazon):
    asked = {"name": "a", "roleArn": ROLE, "knowledgeBaseConfiguration": MANAGED}
    made_ = client.create_knowledge_base(**asked, tags={"whose": "ours"})["knowledgeBase"]
    arn = made_["knowledgeBaseArn"]
    client.tag_resource(resourceArn=arn, tags={"more": "x"})
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"whose": "ours", "more": "x"}

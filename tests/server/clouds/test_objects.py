"""Cloud Storage and S3 on loopback, driven by their real SDKs, beyond what the stores need."""

from __future__ import annotations

import io
import json
from urllib.parse import urlencode
from urllib.request import urlopen

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from google.api_core.exceptions import Forbidden, NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY

from tunectl.server.clouds.objects import S3, Buckets, CloudStorage
from tunectl.server.clouds.objects.content import _crc32c
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.world import Fault, World

PART = 5 * 2**20
# Fields of the resources in the discovery document of storage v1 (googleapis/
# google-api-python-client, discovery_cache, read in 2026-11); numbers of 64 bits are text there.
OBJECT = {
    "acl", "bucket", "cacheControl", "componentCount", "contentDisposition", "contentEncoding",
    "contentLanguage", "contentType", "crc32c", "customTime", "customerEncryption", "etag",
    "eventBasedHold", "generation", "id", "kind", "kmsKeyName", "md5Hash", "mediaLink", "metadata",
    "metageneration", "name", "owner", "retentionExpirationTime", "selfLink", "size",
    "storageClass", "temporaryHold", "timeCreated", "timeDeleted", "timeStorageClassUpdated",
    "updated",
}  # fmt: skip
OBJECTS = {"items", "kind", "nextPageToken", "prefixes"}
BUCKET = {
    "acl", "autoclass", "billing", "cors", "customPlacementConfig", "defaultEventBasedHold",
    "defaultObjectAcl", "encryption", "etag", "iamConfiguration", "id", "kind", "labels",
    "lifecycle", "location", "locationType", "logging", "metageneration", "name", "owner",
    "projectNumber", "retentionPolicy", "rpo", "satisfiesPZS", "selfLink", "storageClass",
    "timeCreated", "updated", "versioning", "website",
}  # fmt: skip
PERMISSIONS = {"kind", "permissions"}


@pytest.fixture
def world():
    return World()


@pytest.fixture
def buckets(world):
    return Buckets(world, names=("dane",), places={"dane": "EUROPE-WEST4"}, location="EU")


@pytest.fixture
def url(world, buckets, monkeypatch):
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    with serving(CloudStorage(world, buckets), world) as url:
        yield url


@pytest.fixture
def bucket(url):
    client = storage.Client(
        project="p",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": url},
    )
    return client.bucket("dane")


@pytest.fixture
def s3(world, buckets):
    buckets.places["dane"] = "eu-west-1"
    with serving(S3(world, buckets), world) as url:
        yield boto3.client(
            "s3",
            endpoint_url=url,
            region_name="eu-west-1",
            aws_access_key_id="x",
            aws_secret_access_key="y",
            config=Config(retries={"total_max_attempts": 1}),
        )


def test_a_large_object_goes_up_in_parts_and_comes_back_whole(bucket, buckets, world):
    content = bytes(range(256)) * 4000
    blob = bucket.blob("dane żółw.jsonl", chunk_size=256 * 1024)
    blob.metadata = {"op": "zażółć"}
    blob.upload_from_file(io.BytesIO(content), if_generation_match=0, checksum="crc32c")
    assert [call.status for call in world.calls if call.method == "PUT"] == [308, 308, 308, 200]
    found = buckets.get("dane", "dane żółw.jsonl")
    assert (found.content, dict(found.metadata)) == (content, {"op": "zażółć"})
    assert bucket.blob("dane żółw.jsonl").download_as_bytes() == content
    with pytest.raises(PreconditionFailed):
        bucket.blob("dane żółw.jsonl").upload_from_file(io.BytesIO(b"2"), if_generation_match=0)


def test_a_part_whose_answer_was_lost_is_resumed_where_the_service_stands(bucket, buckets, world):
    """The SDK asks with `bytes */*` how much is held, and goes on from there."""
    content = b"0123456789abcdef" * 64 * 1024
    world.faults.append(Fault("status", method="PUT", skip=1, status=503, after=True))
    blob = bucket.blob("a.jsonl", chunk_size=256 * 1024)
    retry = DEFAULT_RETRY.with_delay(initial=0.01, maximum=0.02)
    blob.upload_from_file(io.BytesIO(content), if_generation_match=0, retry=retry)
    assert buckets.get("dane", "a.jsonl").content == content


def test_what_is_asked_for_may_be_told_apart_from_what_is_allowed(bucket, buckets):
    wanted = ["storage.objects.create", "storage.objects.delete", "storage.objects.get"]
    assert bucket.test_iam_permissions(wanted) == wanted
    buckets.denied.add("storage.objects.create")
    assert bucket.test_iam_permissions(wanted) == wanted[1:]
    with pytest.raises(Forbidden, match=r"storage\.objects\.create"):
        bucket.blob("a").upload_from_string(b"1", if_generation_match=0)
    with pytest.raises(NotFound):
        bucket.client.bucket("inne").test_iam_permissions(wanted)


def test_a_bucket_says_where_it_is(bucket, buckets):
    bucket.reload()
    assert (bucket.location, bucket.location_type) == ("EUROPE-WEST4", "region")
    assert bucket.project_number == 123456789012
    buckets.denied.add("storage.buckets.get")
    with pytest.raises(Forbidden):
        bucket.reload()


def test_metadata_is_patched_and_taken_away(bucket):
    blob = bucket.blob("a")
    blob.metadata = {"a": "1", "b": "2"}
    blob.upload_from_string(b"1")
    blob.metadata = {"a": None, "b": "3"}
    blob.patch()
    assert bucket.get_blob("a").metadata == {"b": "3"}


def told(url: str, path: str) -> dict:
    with urlopen(url + path) as answer:  # loopback
        return json.load(answer)


def test_every_field_that_is_answered_is_one_of_the_service(bucket, url):
    for name in "abc":
        blob = bucket.blob(name)
        blob.metadata = {"k": "v"}
        blob.upload_from_string(b"1")
    one, place = told(url, "/storage/v1/b/dane/o/a"), told(url, "/storage/v1/b/dane")
    page = told(url, "/storage/v1/b/dane/o?maxResults=2")
    may = told(url, "/storage/v1/b/dane/iam/testPermissions?permissions=storage.objects.get")
    for answer, fields in ((one, OBJECT), (place, BUCKET), (page, OBJECTS), (may, PERMISSIONS)):
        assert answer.keys() <= fields
    assert all(item.keys() <= OBJECT for item in page["items"])
    sixty_four = ("generation", "metageneration", "size")
    assert all(isinstance(one[name], str) for name in sixty_four)
    assert isinstance(place["projectNumber"], str)


def test_a_bucket_of_s3_is_found_and_says_its_region(s3, buckets):
    head = s3.head_bucket(Bucket="dane")
    assert head["BucketRegion"] == "eu-west-1"
    assert s3.get_bucket_location(Bucket="dane")["LocationConstraint"] == "eu-west-1"
    with pytest.raises(ClientError) as caught:
        s3.head_bucket(Bucket="inne")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_tags_are_kept_read_replaced_and_deleted(s3):
    place = {"Bucket": "dane", "Key": "a"}
    s3.put_object(**place, Body=b"1", Tagging=urlencode({"op": "zażółć", "b": "2"}))
    tags = {t["Key"]: t["Value"] for t in s3.get_object_tagging(**place)["TagSet"]}
    assert tags == {"op": "zażółć", "b": "2"}
    assert s3.get_object(**place)["TagCount"] == 2
    s3.put_object_tagging(**place, Tagging={"TagSet": [{"Key": "c", "Value": "<&>"}]})
    assert s3.get_object_tagging(**place)["TagSet"] == [{"Key": "c", "Value": "<&>"}]
    s3.delete_object_tagging(**place)
    assert s3.get_object_tagging(**place)["TagSet"] == []


def test_an_upload_in_parts_is_one_object_with_its_own_etag(s3, buckets):
    place = {"Bucket": "dane", "Key": "duży żółw"}
    upload = s3.create_multipart_upload(**place, Metadata={"op": "1"}, Tagging="k=v")["UploadId"]
    contents = [b"x" * PART, b"y" * 10]
    parts = [
        {"PartNumber": n, "ETag": s3.upload_part(
            **place, UploadId=upload, PartNumber=n, Body=content)["ETag"]}
        for n, content in enumerate(contents, 1)
    ]  # fmt: skip
    assert [left.kind for left in S3(buckets.world, buckets).left()] == []
    done = s3.complete_multipart_upload(
        **place, UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
    )
    assert done["ETag"].endswith('-2"')
    assert buckets.get("dane", "duży żółw").content == b"".join(contents)
    assert s3.head_object(**place)["Metadata"] == {"op": "1"}
    for arguments, code in (
        ({"UploadId": upload, "MultipartUpload": {"Parts": parts}}, "NoSuchUpload"),
        ({"UploadId": "none", "MultipartUpload": {"Parts": parts}}, "NoSuchUpload"),
    ):
        with pytest.raises(ClientError, match=code):
            s3.complete_multipart_upload(**place, **arguments)


@pytest.mark.parametrize(
    ("sizes", "told", "code"),
    [
        ([10, 10], [1, 2], "EntityTooSmall"),
        ([PART, 10], [2, 1], "InvalidPartOrder"),
        ([PART, 10], [1, 3], "InvalidPart"),
    ],
)
def test_parts_that_make_no_whole_are_refused(s3, sizes, told, code):
    place = {"Bucket": "dane", "Key": "a"}
    upload = s3.create_multipart_upload(**place)["UploadId"]
    tags = {
        n: s3.upload_part(**place, UploadId=upload, PartNumber=n, Body=b"z" * size)["ETag"]
        for n, size in enumerate(sizes, 1)
    }
    parts = [{"PartNumber": n, "ETag": tags.get(n, '"00"')} for n in told]
    with pytest.raises(ClientError, match=code):
        s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": parts})
    s3.abort_multipart_upload(**place, UploadId=upload)


def test_what_nobody_finished_is_left_and_bills(world, buckets):
    cloud = S3(world, buckets)
    with serving(cloud, world) as url:
        s3 = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="eu-west-1",
            aws_access_key_id="x",
            aws_secret_access_key="y",
        )
        place = {"Bucket": "dane", "Key": "a"}
        upload = s3.create_multipart_upload(**place)["UploadId"]
        s3.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"12345")
        s3.put_object(Bucket="dane", Key="b", Body=b"1")
    assert [(left.kind, left.name) for left in cloud.left()] == [
        ("object", "s3://dane/b"),
        ("unfinished upload", "s3://dane/a"),
    ]
    assert all(left.bills for left in cloud.left())


def test_the_managed_upload_of_boto3_works_with_its_own_framing(s3, buckets):
    """`upload_fileobj` sends `aws-chunked` bodies with trailing checksums."""
    content = bytes(range(256)) * 50_000
    s3.upload_fileobj(io.BytesIO(content), "dane", "plik")
    assert buckets.get("dane", "plik").content == content


def test_a_range_from_the_end_and_one_behind_it(s3):
    s3.put_object(Bucket="dane", Key="a", Body=b"0123456789")
    assert s3.get_object(Bucket="dane", Key="a", Range="bytes=-3")["Body"].read() == b"789"
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(Bucket="dane", Key="a", Range="bytes=10-")


def test_without_googles_package_the_checksum_is_the_same():
    """RFC 3720 appendix B.4: 32 bytes of zeroes."""
    assert _crc32c(bytes(32)) == 0x8A9136AA
    assert _crc32c(b"123456789") == 0xE3069283

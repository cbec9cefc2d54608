"""Provider type `bedrock`: Amazon Bedrock, with training rows and metrics in S3, through boto3.

May: turn a settled spec into a request, an answer into an `Instance`, and the SDK's exceptions
into the core's.
Never: import the SDK before a resource of this provider is used, send a create twice, call
something "gone" that may live in another account or region.

The laws of the room
--------------------
- Credentials are boto3's own default chain (environment, profile, SSO, instance role). The account
  is what STS says, and the region: both are in every ARN, and an ARN of another account or region
  is an error before anything is asked.
- A create is sent once, carries the operation as `clientRequestToken` and in the name of what is
  made, and its mark as tags: so it can be found whatever became of the answer.
- A job and its name cannot be deleted (botocore 1.44.5 has no such operation): names hold a hash of
  the content and the operation, so that a new training never meets an old name.
- Order of a destroy: deployment or throughput, then the custom model, then what the job wrote to
  S3, then the training rows; the job's record stays and bills nothing.
- A knowledge base is made by one request and filled by whoever waits for it; the service's own list
  of documents is the truth. A vector store that somebody brought is never deleted.
- Buckets and role are looked at when planning. Whether a bucket may be written to is asked by a
  write whose condition cannot hold; nothing is made.
- There are no waiters: whoever needs an end polls for it.

Settings: `region`, `staging` (`s3://BUCKET/PREFIX`), `role_arn` (what the job runs as), `output`
(where metrics go, else below `staging`), `kms_key`, `subnet_ids` and `security_group_ids` (the
network in which jobs run), `aws_profile`, `timeout`, and for private addresses `endpoint_url`,
`runtime_endpoint_url`, `agent_endpoint_url`, `agent_runtime_endpoint_url`, `s3_endpoint_url`,
`sts_endpoint_url`.
"""

from tunectl.providers.bedrock.connecting import connect

__all__ = ["connect"]

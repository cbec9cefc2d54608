"""Requests that Bedrock takes, and what comes of them."""

from __future__ import annotations

from tests.contracts.handler_contract import (
    Rows,
    endpoint_resource,
    job_resource,
    request_for,
    settled,
    upload_resource,
)
from tests.providers.bedrock.cloud import NOVA, conversation


def rows(count=12):
    return Rows([conversation(number) for number in range(count)])


def upload_request(**more):
    return request_for(*upload_resource("aws"), reader=rows(), **more)


def uploaded(provider, **more):
    handler = provider.handlers["upload"]
    return settled(handler, handler.create(upload_request(**more))).outputs["file_id"]


def job_request(provider, file=None, base=NOVA, op=None, name="support", **more):
    made = job_resource("aws", base, file or uploaded(provider), name, **more)
    return request_for(*made, op=op)


def trained(provider, **more):
    handler = provider.handlers["tuning_job"]
    return settled(handler, handler.create(job_request(provider, **more)))


def endpoint_request(model, name="support", op=None, **more):
    resource, spec = endpoint_resource("aws", model, name)
    spec = {**spec, "serving": "on_demand", **more}
    return request_for(resource, spec, op=op)


def served(provider, model, **more):
    handler = provider.handlers["endpoint"]
    return settled(handler, handler.create(endpoint_request(model, **more)))

"""What differs between services that speak OpenAI's wire, as data.

Facts as of 2026-11-22, from the OpenAI Python SDK 3.54 and API reference, Microsoft's Foundry
documentation (2025-09 to 2026-10), the Nebius Token Factory cookbook (2026-08, notebook
`fine_tune_llama`) and the Amazon Bedrock documentation (`fine-tuning-openai-apis`, 2026). What is
not known is `None` and never assumed: a handler then does what is safe whichever way it turns out,
or says that it cannot tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tunectl.core.value import Plain

# What every service of this wire speaks, whoever runs it; also how its stores are searched.
WIRE = "openai"
METHODS = frozenset({"supervised", "dpo", "reinforcement"})
# OpenAI's specification of 2026-08, `FineTuneReinforcementMethod`.
GRADERS = frozenset({"string_check", "text_similarity", "python", "score_model", "multi"})
# What trains an adapter, in the words of the Nebius cookbook.
ADAPTER = frozenset({"lora", "lora_r", "lora_alpha", "packing", "warmup_ratio", "weight_decay"})
_MEGABYTE = 1024**2


# `FineTuningJob.status`; the second spelling of one of them is Azure's in older versions.
ENDS: Mapping[str, str] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SuffixRule:
    """What a service allows as the `suffix` of a job.

    Attributes:
        supported: None when that is not known.
        longest: characters; None when not known.
        forbidden: characters that are refused.
        derived: characters at most of a suffix that is derived; 0 derives none.
    """

    supported: bool | None = True
    longest: int | None = 64
    forbidden: str = ""
    derived: int = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One service.

    Attributes:
        name: as written under `profile:`.
        title: as people call it.
        base_url: where it lives; None when each account has its own.
        key_env: the variable that holds the key unless the settings name another; None when they
            must.
        methods: the training methods; None when not known.
        graders: the types of grader of method `reinforcement` that it documents; None when not
            known.
        adapter: the hyper-parameters of an adapter that it reads; None when not known.
        top_level_hyperparameters: the older place of the hyper-parameters, beside `method`.
        absolute_learning_rate: `learning_rate_multiplier` holds the rate itself.
        extra_body: sent with every job.
        file_ready_wait: a file must be processed before a job may use it.
        byte_order_mark: training files begin with one.
        examples: fewest and most training examples; None when not known.
        whole_file: the most bytes of a file that is sent as one; None when not known.
        parts: whether a larger file goes through `/uploads`, in parts.
        largest_file: the most bytes of a file at all; None when not known.
        statuses: what the service says of a job that is over, and what that is in OpenAI's words;
            whatever it does not name is not over.
        metadata_kept: whether a job's metadata comes back; None when not known.
        told_by_files: whether a job without metadata is told by the files it names: ids of files
            stand in jobs as the service itself gave them out.
        model_from_job: whether the job names its model when it is done.
        lists_tuned_models: whether `GET /models/{id}` tells that a tuned model is gone; None when
            not known.
        checkpoint_models: whether checkpoints are models of their own.
        serves_tuned_models: whether a tuned model answers under its own id, with nothing to deploy.
        deploys_by: how people deploy there, when it does not.
        deployments: whether a model answers under the name of a deployment that is made elsewhere.
        registry: where a checkpoint is registered to be served, from the root of the host; None
            where nothing is registered.
        serving_names: base models that are served under another name than they are trained by.
        alias_path: where aliases live, relative to the base URL; None where there are none.
        list_lag: seconds by which a listing may lag behind a create. No service promises any
            bound, so this is a caution.
        copies: whether it is our own server, which gives out jobs and takes them in.
        structured: whether it holds an answer to a JSON Schema (`response_format`).
        account_header: the response header that names the organization.
        account_by_host: each account has an address of its own, which refuses every other key.
        vector_stores: whether it keeps documents and searches them, under `/vector_stores`.
        answer_limit: the field that limits an answer: OpenAI's reasoning models refuse the older
            `max_tokens`, other services know that one alone.
    """

    name: str
    title: str
    base_url: str | None = None
    key_env: str | None = None
    suffix: SuffixRule = field(default_factory=SuffixRule)
    methods: frozenset[str] | None = frozenset({"supervised", "dpo"})
    graders: frozenset[str] | None = GRADERS
    adapter: frozenset[str] | None = frozenset()
    top_level_hyperparameters: bool = False
    absolute_learning_rate: bool = False
    extra_body: Mapping[str, Plain] = field(default_factory=dict)
    file_ready_wait: bool = False
    byte_order_mark: bool = False
    examples: tuple[int, int] | None = None
    whole_file: int | None = 512 * _MEGABYTE
    parts: bool = False
    largest_file: int | None = 512 * _MEGABYTE
    statuses: Mapping[str, str] = field(default_factory=lambda: ENDS)
    metadata_kept: bool | None = None
    told_by_files: bool = False
    model_from_job: bool = True
    lists_tuned_models: bool | None = None
    checkpoint_models: bool = False
    serves_tuned_models: bool = True
    deploys_by: str = ""
    deployments: bool = False
    registry: str | None = None
    serving_names: Mapping[str, str] = field(default_factory=dict)
    alias_path: str | None = None
    list_lag: float = 15.0
    copies: bool = False
    structured: bool = True
    account_header: str | None = None
    account_by_host: bool = False
    vector_stores: bool = False
    answer_limit: str = "max_tokens"


_NO_LIMIT = 10**12

OPENAI = Profile(
    name="openai",
    title="OpenAI",
    base_url="https://api.openai.com/v1",
    key_env="OPENAI_API_KEY",
    examples=(10, _NO_LIMIT),
    parts=True,
    largest_file=8192 * _MEGABYTE,
    metadata_kept=True,
    lists_tuned_models=True,
    checkpoint_models=True,
    account_header="openai-organization",
    vector_stores=True,
    answer_limit="max_completion_tokens",
)

AZURE = Profile(
    name="azure",
    account_by_host=True,
    title="Azure Foundry",
    # "suffix without dots"; its length is not documented alike, 18 is the least ever named.
    suffix=SuffixRule(longest=None, forbidden=".", derived=18),
    methods=METHODS,
    # Asked for by the service; `Standard` keeps the data in the resource's region.
    extra_body={"trainingType": "Standard"},
    file_ready_wait=True,
    told_by_files=True,
    byte_order_mark=True,
    serves_tuned_models=False,
    deploys_by="a deployment made in the portal or with ARM; it bills by the hour",
    deployments=True,
    answer_limit="max_completion_tokens",
)

NEBIUS = Profile(
    name="nebius",
    title="Nebius Token Factory",
    base_url="https://api.tokenfactory.nebius.com/v1",
    suffix=SuffixRule(longest=None, derived=0),
    methods=frozenset({"supervised"}),
    adapter=ADAPTER,
    top_level_hyperparameters=True,
    absolute_learning_rate=True,
    whole_file=5120 * _MEGABYTE,
    largest_file=5120 * _MEGABYTE,
    told_by_files=True,
    model_from_job=False,
    serves_tuned_models=False,
    deploys_by="`POST /v0/models`, which registers a checkpoint",
    registry="/v0/models",
    serving_names={
        "meta-llama/Llama-3.1-8B-Instruct": "meta-llama/Meta-Llama-3.1-8B-Instruct",
        "unsloth/gpt-oss-20b-BF16": "openai/gpt-oss-20b",
    },
)

BEDROCK_MANTLE = Profile(
    name="bedrock-mantle",
    title="Amazon Bedrock",
    suffix=SuffixRule(supported=False, longest=0, derived=0),
    methods=frozenset({"reinforcement"}),
    graders=frozenset({"lambda"}),
    examples=(100, 20_000),
    told_by_files=True,
    whole_file=None,
    largest_file=None,
)

# Any other service with the same paths: nothing is known, so nothing is assumed.
GENERIC = Profile(
    name="generic",
    title="this service",
    suffix=SuffixRule(supported=None, longest=None, derived=0),
    methods=None,
    graders=None,
    adapter=None,
    whole_file=None,
    largest_file=None,
)

LOCAL = Profile(
    name="local",
    title="the local server",
    methods=frozenset({"supervised"}),
    examples=(10, _NO_LIMIT),
    metadata_kept=True,
    lists_tuned_models=True,
    checkpoint_models=True,
    alias_path="/tunectl/aliases",
    list_lag=0.0,  # it answers when what it made is on the disk that it lists
    copies=True,
    structured=False,
)

# The same server on another host.
OURS = replace(LOCAL, name="tunectl", title="our own server")

PROFILES: Mapping[str, Profile] = {
    profile.name: profile for profile in (OPENAI, AZURE, NEBIUS, BEDROCK_MANTLE)
}

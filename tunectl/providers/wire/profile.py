"""What differs between services that speak OpenAI's wire, as data.

Facts as of 2026-11-22, from the OpenAI Python SDK 3.54 and API reference, Microsoft's Foundry
documentation (2025-09 to 2026-10), the Nebius Token Factory cookbook (2026-08) and the Amazon
Bedrock documentation. What is not known is `None` and never assumed: a handler then does what is
safe whichever way it turns out, or says that it cannot tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tunectl.core.value import Plain

METHODS = frozenset({"supervised", "dpo", "reinforcement"})


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
        top_level_hyperparameters: the older place of the hyper-parameters, beside `method`.
        absolute_learning_rate: `learning_rate_multiplier` holds the rate itself.
        extra_body: sent with every job.
        file_ready_wait: a file must be processed before a job may use it.
        byte_order_mark: training files begin with one.
        examples: fewest and most training examples; None when not known.
        metadata_kept: whether a job's metadata comes back; None when not known.
        model_from_job: whether the job names its model when it is done.
        lists_tuned_models: whether `GET /models/{id}` tells that a tuned model is gone; None when
            not known.
        checkpoint_models: whether checkpoints are models of their own.
        serves_tuned_models: whether a tuned model answers under its own id, with nothing to deploy.
        deploys_by: how people deploy there, when it does not.
        alias_path: where aliases live, relative to the base URL; None where there are none.
        list_lag: seconds by which a listing may lag behind a create. No service promises any
            bound, so this is a caution.
        copies: whether it is our own server, which gives out jobs and takes them in.
        account_header: the response header that names the organization.
    """

    name: str
    title: str
    base_url: str | None = None
    key_env: str | None = None
    suffix: SuffixRule = field(default_factory=SuffixRule)
    methods: frozenset[str] | None = frozenset({"supervised", "dpo"})
    top_level_hyperparameters: bool = False
    absolute_learning_rate: bool = False
    extra_body: Mapping[str, Plain] = field(default_factory=dict)
    file_ready_wait: bool = False
    byte_order_mark: bool = False
    examples: tuple[int, int] | None = None
    metadata_kept: bool | None = None
    model_from_job: bool = True
    lists_tuned_models: bool | None = None
    checkpoint_models: bool = False
    serves_tuned_models: bool = True
    deploys_by: str = ""
    alias_path: str | None = None
    list_lag: float = 15.0
    copies: bool = False
    account_header: str | None = None


_NO_LIMIT = 10**12

OPENAI = Profile(
    name="openai",
    title="OpenAI",
    base_url="https://api.openai.com/v1",
    key_env="OPENAI_API_KEY",
    examples=(10, _NO_LIMIT),
    metadata_kept=True,
    lists_tuned_models=True,
    checkpoint_models=True,
    account_header="openai-organization",
)

AZURE = Profile(
    name="azure",
    title="Azure Foundry",
    # "suffix without dots"; its length is not documented alike, 18 is the least ever named.
    suffix=SuffixRule(longest=None, forbidden=".", derived=18),
    methods=METHODS,
    # Asked for by the service; `Standard` keeps the data in the resource's region.
    extra_body={"trainingType": "Standard"},
    file_ready_wait=True,
    byte_order_mark=True,
    serves_tuned_models=False,
    deploys_by="a deployment made in the portal or with ARM; it bills by the hour",
)

NEBIUS = Profile(
    name="nebius",
    title="Nebius Token Factory",
    base_url="https://api.tokenfactory.nebius.com/v1",
    suffix=SuffixRule(supported=None, longest=None, derived=0),
    methods=None,
    top_level_hyperparameters=True,
    absolute_learning_rate=True,
    model_from_job=False,
    serves_tuned_models=False,
    deploys_by="`POST /v0/models`, which registers a checkpoint",
)

BEDROCK_MANTLE = Profile(
    name="bedrock-mantle",
    title="Amazon Bedrock",
    suffix=SuffixRule(supported=False, longest=0, derived=0),
    methods=frozenset({"reinforcement"}),
    examples=(100, 20_000),
)

# Any other service with the same paths: nothing is known, so nothing is assumed.
GENERIC = Profile(
    name="generic",
    title="this service",
    suffix=SuffixRule(supported=None, longest=None, derived=0),
    methods=None,
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
)

PROFILES: Mapping[str, Profile] = {
    profile.name: profile for profile in (OPENAI, AZURE, NEBIUS, BEDROCK_MANTLE)
}

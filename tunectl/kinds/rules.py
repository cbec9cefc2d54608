"""What must hold of values and models beyond the type of each field. Needs no pydantic.

The models call these functions, and so does what reads plain values without them (`plain`): what
is wrong is raised as `problem`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from tunectl.core.value import Join, Ref
from tunectl.kinds.reading import problem

if TYPE_CHECKING:
    from tunectl.kinds.checks import AnswerFields
    from tunectl.kinds.dataset import Dataset, Split
    from tunectl.kinds.declared import Remote
    from tunectl.kinds.endpoint import Endpoint
    from tunectl.kinds.machines import Replicas
    from tunectl.kinds.method import Method
    from tunectl.kinds.price import PriceFields
    from tunectl.kinds.tuning_job import TuningJob

_Remote = TypeVar("_Remote", bound="Remote")
_ENDS = frozenset({"expires_after", "expires_at"})


def expires_once(said: _Remote) -> _Remote:
    """Refuse two ends, and the end of what is protected."""
    if said.model_fields_set.isdisjoint(_ENDS):
        return said
    if said.expires_after is not None and said.expires_at is not None:
        raise problem(
            "has both `expires_after:` and `expires_at:`",
            "keep one; an overlay removes the other with `null`",
        )
    if said.lifecycle.protect and (said.expires_after or said.expires_at):
        raise problem(
            "is protected and shall expire",
            "remove `lifecycle.protect`, or the expiry",
        )
    return said


def from_environment(value: object) -> object:
    """Take the short form: the environment alone."""
    return {"env": value} if isinstance(value, str) else value


def names_its_data_once(said: TuningJob) -> TuningJob:
    """Refuse no data, and data that is named in two ways."""
    if said.data is None and said.training is None:
        raise problem("needs `data:`", "name the dataset: `data: dataset.NAME`")
    if said.data is not None and (said.training is not None or said.validation is not None):
        raise problem(
            "has both `data:` and `training:` or `validation:`",
            "`data:` takes a whole dataset, the others take splits; keep one way",
        )
    return said


# The type that a field belongs to; what is not here belongs to every type.
ONLY_OF: Mapping[str, str] = MappingProxyType(
    {
        "beta": "dpo",
        "compute_multiplier": "reinforcement",
        "eval_interval": "reinforcement",
        "eval_samples": "reinforcement",
        "reasoning_effort": "reinforcement",
        "samples_per_prompt": "reinforcement",
        "max_prompt_tokens": "reinforcement",
        "max_answer_tokens": "reinforcement",
        "grader": "reinforcement",
    }
)


def grader(value: object) -> object:
    """Take a map as it is: what graders there are, and what they take, is the provider's to say."""
    if not isinstance(value, Mapping):
        raise problem("must be a map", "such as `{type: string_check, …}`")
    if not isinstance(value.get("type"), str):
        raise problem("needs `type:`", "such as `type: string_check`")
    return dict(value)


def method_of(value: object) -> object:
    """Take the short form: the type alone."""
    return {"type": value} if isinstance(value, str) else value


def has_what_its_type_has(said: Method) -> Method:
    """Refuse numbers of another type of method."""
    for name, owner in () if said.model_fields_set.isdisjoint(ONLY_OF) else ONLY_OF.items():
        if getattr(said, name) is not None and said.type != owner:
            raise problem(
                f"sets `{name}`, which only method `{owner}` has",
                f"remove it, or write `type: {owner}`",
            )
    if said.type == "reinforcement" and said.grader is None:
        raise problem(
            "needs `grader:`, which says how an answer is scored",
            "such as `grader: {type: string_check, …}`, in the provider's own words",
        )
    return said


_OF_MACHINES = (
    "accelerator", "replicas", "autoscaling", "spot", "canary", "hold", "accept_eula",
)  # fmt: skip


_SOLD = ("model_units", "commitment")


def has_machines_to_choose(said: Endpoint) -> Endpoint:
    """Refuse what belongs to machines where there are none."""
    for name in () if said.model_fields_set.isdisjoint(_OF_MACHINES) else _OF_MACHINES:
        if getattr(said, name) is not None and said.machine_type is None:
            raise problem(
                f"sets `{name}`, which only an endpoint with `machine_type:` has",
                "add `machine_type:`, or remove it",
            )
    return said


def buys_units_only_where_they_are_sold(said: Endpoint) -> Endpoint:
    """Refuse model units where nothing is bought."""
    for name in () if said.model_fields_set.isdisjoint(_SOLD) else _SOLD:
        if getattr(said, name) is not None and said.serving != "provisioned":
            raise problem(
                f"sets `{name}`, which only `serving: provisioned` has",
                "add `serving: provisioned`, or remove it",
            )
    return said


def accelerator(value: object) -> object:
    """Take the short form: the type alone."""
    return {"type": value} if isinstance(value, str) else value


def replicas(value: object) -> object:
    """Take the short form: one number is the fewest and the most."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return {"min": value, "max": value} if is_number else value


def goes_upwards(said: Replicas) -> Replicas:
    """Refuse fewer at most than at least."""
    if said.max is not None and said.max < said.min:
        raise problem(f"has `max: {said.max}` below `min: {said.min}`", "swap them")
    return said


def row(value: object) -> object:
    """A row as JSON could hold it: known when planning, and with text as keys."""
    if not isinstance(value, dict):
        raise problem("must be a row", 'such as `{messages: [{role: user, content: "…"}, …]}`')
    return _plain(value)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise problem(f"has the key `{key}`, which is no text", f'write it as `"{key}"`')
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise problem("holds a value that is known only after apply", "rows are read when planning")


def file(value: object) -> object:
    """Refuse standard input."""
    if value == "-":
        raise problem("cannot be standard input: a plan is made more than once", "name a file")
    return value


def leaves_rows(said: Split) -> Split:
    """Refuse shares that say nothing, and those that leave nothing."""
    if said.validation is None and said.test is None and said.group is None:
        raise problem("names no share", "add `validation: 10%`")
    if (said.validation or 0) + (said.test or 0) >= 1:
        raise problem("leaves no rows for `train`", "the shares must add up to less than 100%")
    return said


def has_one_origin(said: Dataset) -> Dataset:
    """Refuse no rows, and rows from two places."""
    given = [name for name in ("source", "splits", "rows") if getattr(said, name) is not None]
    if not given:
        raise problem("needs `source:`", "name the data file: `source: data/train.jsonl`")
    if len(given) > 1:
        raise problem(f"has both `{given[0]}:` and `{given[1]}:`", "keep one of them")
    _divides_once(said)
    return said


def _divides_once(said: Dataset) -> None:
    """Refuse shares beside files for each split, and a group alone without such files."""
    if said.split is None:
        return
    shares = said.split.validation is not None or said.split.test is not None
    if said.splits is None and not shares:
        raise problem("has a `split:` that names no share", "add `validation: 10%`")
    if said.splits is None:
        return
    more = sorted(said.split.model_fields_set - {"group"})
    if shares or more:
        raise problem(
            "has both `split:` and `splits:`",
            "`split:` divides one `source`, `splits:` names a file for each; keep one, or of "
            "`split:` the `group` alone",
        )


def answer(value: object) -> object:
    """Take `json` for a schema that everything fits."""
    if value == "json":
        return {"json_schema": {}}
    if isinstance(value, str):
        raise problem(f"cannot be `{value}`", "`json`, or a map such as `{one_of: [yes, no]}`")
    return value


def reasons(value: object) -> object:
    """A rule is allowed for a reason, which is shown wherever the rule is broken."""
    for name, reason in value.items() if isinstance(value, dict) else ():
        if isinstance(reason, str) and not reason.strip():
            raise problem(f"allows `{name}` without a reason", 'such as `"greetings repeat"`')
    return value


def policy(value: object) -> object:
    """Take the short form: the file alone."""
    return {"policy": value} if isinstance(value, str) else value


def says_one_thing(said: AnswerFields) -> AnswerFields:
    """Refuse an answer of no form, and one of two."""
    given = [n for n in ("json_schema", "regex", "one_of") if getattr(said, n) is not None]
    if len(given) != 1:
        raise problem(
            "says nothing" if not given else f"has both `{given[0]}:` and `{given[1]}:`",
            "name one of `json_schema`, `regex`, `one_of`, or write `output: json`",
        )
    return said


def include(value: object) -> object:
    """Take the short form: the file alone."""
    return {"file": value} if isinstance(value, str) else value


def variable(value: object) -> object:
    """Take the short form: the default alone."""
    return value if isinstance(value, dict) else {"default": value}


def output(value: object) -> object:
    """Take the short form: the value alone."""
    return {"value": value} if isinstance(value, str | Ref | Join) else value


_AMOUNT = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([A-Z]{3})")


def money(value: object) -> object:
    """Take an amount and its currency."""
    if value == 0 and not isinstance(value, bool):
        return "0"
    found = _AMOUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise problem("must be an amount of money", "write `5.50 USD`, or `0` for what is free")
    return f"{found[1]} {found[2]}"


def has_one_currency(said: PriceFields) -> PriceFields:
    """Refuse prices in several currencies."""
    prices = (said.training, said.input, said.cached_input, said.output, said.hour)
    found = {one.split(" ")[1] for one in prices if one is not None and " " in one}
    if len(found) > 1:
        raise problem("has prices in several currencies", "keep to one for each model")
    return said


def metadata_fits(metadata: dict[str, str]) -> dict[str, str]:
    """Refuse metadata that OpenAI refuses, or that is ours."""
    for key, value in metadata.items():
        if key.startswith("tunectl"):
            raise problem(
                f"has the metadata key `{key}`, which is ours",
                "keys that begin `tunectl` mark our jobs",
            )
        if len(key) > 64 or len(value) > 512:  # openai 3.54.0, job_create_params
            raise problem(
                f"has metadata `{key[:64]}` that is too long",
                "keys hold 64 characters, values 512",
            )
    return metadata

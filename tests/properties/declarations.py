"""Declarations as hypothesis draws them, and the resources they mean."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from tunectl.core.project import Output
from tunectl.core.resource import BUILTIN, Lifecycle, Recreate, Resource
from tunectl.core.value import Address, Ref, Value, canonical

PROVIDERS = ("cloud", "local")
JOB_FIELDS = frozenset({"base_model", "method", "seed", "data", "trainer"})


@dataclass(frozen=True)
class Job:
    data: str
    base: str | None = None  # another job's name
    provider: str = "local"
    method: int = 1
    suffix: int = 1
    keep: int = 0
    fixed_name: bool = False
    ignores_method: bool = False


@dataclass(frozen=True)
class Endpoint:
    model: str | None = None  # a job's name
    provider: str = "local"


@dataclass(frozen=True)
class Template:
    text: int = 1
    endpoint: str | None = None
    model: str | None = None
    waits_for: str | None = None  # a job's name


@dataclass(frozen=True)
class Declaration:
    datasets: dict[str, int] = field(default_factory=dict)  # name -> version of the content
    jobs: dict[str, Job] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    templates: dict[str, Template] = field(default_factory=dict)

    @property
    def resources(self) -> tuple[Resource, ...]:
        return (
            *(_dataset(n, v) for n, v in self.datasets.items()),
            *{r.address: r for j in self.jobs.values() for r in (_upload(self, j),)}.values(),
            *(_job(self, n, j) for n, j in self.jobs.items()),
            *(_endpoint(n, e) for n, e in self.endpoints.items()),
            *(_template(n, t) for n, t in self.templates.items()),
        )

    @property
    def outputs(self) -> tuple[Output, ...]:
        return tuple(
            Output(name=n, value=Ref(Address.of("endpoint", n), ("model_id",)))
            for n in self.endpoints
        )


def _sha(version: int) -> str:
    return f"sha-{version}"


def _dataset(name: str, version: int) -> Resource:
    return Resource(
        address=Address.of("dataset", name),
        provider=BUILTIN,
        spec={"source": f"{name}.jsonl", "splits": {"train": {"rows": 9, "sha256": _sha(version)}}},
        outputs=("train",),
    )


def upload_of(job: Job) -> Address:
    return Address.of("upload", job.data, key=f"train/{job.provider}/chat")


def _upload(declared: Declaration, job: Job) -> Resource:
    dataset = Address.of("dataset", job.data)
    spec: dict[str, Value] = {
        "dataset": str(dataset),
        "split": "train",
        "format": "chat",
        "sha256": _sha(declared.datasets[job.data]),
        "rows": 9,
    }
    return Resource(
        address=upload_of(job),
        provider=job.provider,
        spec=spec,
        immutable=frozenset(spec),
        outputs=("file_id",),
        depends_on=(dataset,),
        recreate=Recreate.ON_DEMAND,
        parent=dataset,
    )


def fingerprint(declared: Declaration, job: Job) -> str:
    base = fingerprint(declared, declared.jobs[job.base]) if job.base else "small"
    return "fp1:" + canonical((base, job.method, _sha(declared.datasets[job.data])))


def _job(declared: Declaration, name: str, job: Job) -> Resource:
    base: Value = Ref(Address.of("tuning_job", job.base), ("model_id",)) if job.base else "small"
    return Resource(
        address=Address.of("tuning_job", name),
        provider=job.provider,
        spec={
            "base_model": base,
            "method": {"type": "supervised", "epochs": job.method},
            "data": {"training": {"rows": 9, "sha256": _sha(declared.datasets[job.data])}},
            "suffix": f"s{job.suffix}",
            "training_file": Ref(upload_of(job), ("file_id",)),
        },
        immutable=JOB_FIELDS,
        deferred=frozenset({"suffix", "metadata", "integrations"}),
        inputs=frozenset({"training_file", "validation_file"}),
        fingerprint=fingerprint(declared, job),
        outputs=("model_id", "job_id"),
        recreate=Recreate.ON_REQUEST,
        destroy_first=job.fixed_name,
        lifecycle=Lifecycle(
            keep_previous=job.keep,
            ignore_changes=frozenset({"method"} if job.ignores_method else ()),
        ),
    )


def _model(job: str | None) -> Value:
    return Ref(Address.of("tuning_job", job), ("model_id",)) if job else "gpt-none"


def _endpoint(name: str, endpoint: Endpoint) -> Resource:
    return Resource(
        address=Address.of("endpoint", name),
        provider=endpoint.provider,
        spec={"model": _model(endpoint.model)},
        outputs=("model_id", "base_url"),
        stable=frozenset({"model_id", "base_url"} if endpoint.provider == "local" else ()),
    )


def _template(name: str, template: Template) -> Resource:
    spec: dict[str, Value] = {"sections": f"text {template.text}", "model": _model(template.model)}
    if template.endpoint:
        address = Address.of("endpoint", template.endpoint)
        spec |= {"model": Ref(address, ("model_id",)), "base_url": Ref(address, ("base_url",))}
    waits = (Address.of("tuning_job", template.waits_for),) if template.waits_for else ()
    return Resource(
        address=Address.of("prompt_template", name),
        provider=BUILTIN,
        spec=spec,
        outputs=("version", "path"),
        depends_on=waits,
    )


def _names(values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), unique=True, max_size=len(values)).map(sorted)


@st.composite
def declarations(draw: st.DrawFn, *, fixed_names: bool = False) -> Declaration:
    """A declaration whose every reference points at something declared, without circles."""
    datasets = {n: draw(st.integers(1, 3)) for n in draw(_names("ab"))}
    jobs: dict[str, Job] = {}
    for name in draw(_names("xyz")) if datasets else []:
        jobs[name] = Job(
            data=draw(st.sampled_from(sorted(datasets))),
            base=draw(st.sampled_from([None, *jobs])),
            provider=draw(st.sampled_from(PROVIDERS)),
            method=draw(st.integers(1, 2)),
            suffix=draw(st.integers(1, 2)),
            keep=0 if fixed_names else draw(st.integers(0, 2)),
            fixed_name=fixed_names and draw(st.booleans()),
            ignores_method=draw(st.sampled_from([False, False, False, True])),
        )
    any_job = st.sampled_from([None, *jobs])
    endpoints = {
        n: Endpoint(model=draw(any_job), provider=draw(st.sampled_from(PROVIDERS)))
        for n in draw(_names("ef"))
    }
    templates = {
        n: Template(
            text=draw(st.integers(1, 2)),
            endpoint=draw(st.sampled_from([None, *endpoints])),
            model=draw(any_job),
            waits_for=draw(any_job),
        )
        for n in draw(_names("tu"))
    }
    return Declaration(datasets, jobs, endpoints, templates)

"""Representative values: plans a helpdesk team would see, in every shape the views must show."""

from __future__ import annotations

from dataclasses import replace

from tunectl.core.diff import deltas
from tunectl.core.errors import Diagnostic, Exit, Severity, Source
from tunectl.core.plan import (
    Action,
    Blocked,
    Cause,
    Change,
    Drift,
    OutputChange,
    Plan,
    RowDelta,
)
from tunectl.core.resource import BUILTIN, Instance, Lifecycle, Recreate, Resource, Status
from tunectl.core.state import Account, Intent, State
from tunectl.core.value import Address, Plain, Ref, Value

LINEAGE = "6f1c0a1e-5b0f-4a77-9a43-3d1c2b7f9e10"
ACCOUNT = "local-5d2f9a7c31be"
H = {
    name: f"{number:x}" * 64
    for number, name in enumerate(("zero", "train", "valid", "test", "all"))
}
TRAIN, VALID, TEST = "3f9a1c0b2d4e" + "7" * 52, "b81d22e0f5aa" + "6" * 52, "0c44e19d7b03" + "5" * 52
TRAIN2 = "91e4d0aa6c7f" + "8" * 52

DATASET = Address.of("dataset", "support")
JOB = Address.of("tuning_job", "support")
ENDPOINT = Address.of("endpoint", "support")
PROMPT = Address.of("prompt_template", "support")
UPLOAD = Address.of("upload", "support", key="train/local/chat")
UPLOAD_VALID = Address.of("upload", "support", key="validation/local/chat")


def at(line: int, text: str = "", column: int = 3, length: int = 7) -> Source:
    return Source("tunectl.yaml", line, column, text, length)


def dataset_spec(train: str = TRAIN, rows: int = 480) -> dict[str, Value]:
    return {
        "source": "data/support.jsonl",
        "format": "openai-chat",
        "splits": {
            "train": {"rows": rows, "sha256": train},
            "validation": {"rows": 60, "sha256": VALID},
            "test": {"rows": 60, "sha256": TEST},
        },
        "rows": H["all"] if train == TRAIN else H["test"],
    }


def dataset(train: str = TRAIN, rows: int = 480) -> Resource:
    return Resource(
        address=DATASET,
        provider=BUILTIN,
        spec=dataset_spec(train, rows),
        outputs=("train", "validation", "test"),
        source=at(6),
    )


def upload(split: str = "train", sha256: str = TRAIN, rows: int = 480) -> Resource:
    spec: dict[str, Value] = {
        "dataset": "dataset.support",
        "split": split,
        "format": "chat",
        "sha256": sha256,
        "rows": rows,
    }
    return Resource(
        address=Address.of("upload", "support", key=f"{split}/local/chat"),
        provider="local",
        spec=spec,
        immutable=frozenset(spec),
        depends_on=(DATASET,),
        recreate=Recreate.ON_DEMAND,
        parent=DATASET,
        outputs=("file_id",),
    )


def job(epochs: int = 3, train: str = TRAIN, rows: int = 480) -> Resource:
    return Resource(
        address=JOB,
        provider="local",
        spec={
            "base_model": "smollm2-135m-instruct",
            "method": {"type": "supervised", "epochs": epochs, "learning_rate_multiplier": 2e-5},
            "data": {
                "training": {"rows": rows, "sha256": train},
                "validation": {"rows": 60, "sha256": VALID},
            },
            "trainer": "lora/1",
            "training_file": Ref(UPLOAD, ("file_id",)),
            "validation_file": Ref(UPLOAD_VALID, ("file_id",)),
        },
        immutable=frozenset({"base_model", "method", "seed", "data", "trainer"}),
        inputs=frozenset({"training_file", "validation_file"}),
        fingerprint=f"fp1:{epochs}{train[1:]}",
        outputs=("model_id", "job_id"),
        recreate=Recreate.ON_REQUEST,
        lifecycle=Lifecycle(keep_previous=1),
        source=at(11),
    )


def endpoint() -> Resource:
    return Resource(
        address=ENDPOINT,
        provider="local",
        spec={"model": Ref(JOB, ("model_id",))},
        outputs=("model_id", "base_url", "invoke"),
        source=at(17),
    )


SECTIONS: tuple[Value, ...] = (
    {
        "id": "system",
        "role": "system",
        "template": "Jesteś pomocnikiem działu wsparcia.\nOdpowiadaj krótko.\nPodpis: Pozdrawiamy",
    },
    {
        "id": "shots",
        "role": "examples",
        "examples": {"dataset": "dataset.support", "split": "train", "sha256": TRAIN, "rows": 480},
        "max": 4,
        "select": "fixed",
    },
    {"id": "ask", "role": "user", "template": "{{ question }}"},
)


def prompt(sections: tuple[Value, ...] = SECTIONS, version: str = H["valid"]) -> Resource:
    return Resource(
        address=PROMPT,
        provider=BUILTIN,
        spec={
            "model": Ref(ENDPOINT, ("model_id",)),
            "base_url": Ref(ENDPOINT, ("base_url",)),
            "inputs": {"question": {"type": "string", "max_chars": 8000}},
            "sections": sections,
            "version": version,
        },
        outputs=("version", "path"),
        depends_on=(DATASET,),
        source=at(20),
    )


def made(resource: Resource, id_: str, **more: object) -> Instance:
    """The object as recorded: references settled."""
    settled: dict[str, Plain] = {}
    for key, value in resource.spec.items():
        settled[key] = f"{value.path[0]} of {value.address}" if isinstance(value, Ref) else value  # type: ignore[assignment]
    settled.update(more.pop("spec", {}))  # type: ignore[arg-type]
    return replace(
        Instance(
            address=resource.address,
            provider=resource.provider,
            account=ACCOUNT,
            id=id_,
            spec=settled,
            fingerprint=resource.fingerprint,
            recreate=resource.recreate,
            parent=resource.parent,
            lifecycle=resource.lifecycle,
            created_at="2026-11-20T09:14:03Z",
        ),
        **more,  # type: ignore[arg-type]
    )


def create(resource: Resource) -> Change:
    return Change(
        address=resource.address,
        provider=resource.provider,
        action=Action.CREATE,
        cause=Cause.NEW,
        after=resource,
        deltas=deltas({}, resource.spec, resource.immutable),
        needs=tuple(sorted(resource.needs)),
        parent=resource.parent,
    )


def change(
    action: Action, cause: Cause, before: Instance, after: Resource, **more: object
) -> Change:
    wanted = {k: v for k, v in after.spec.items() if k not in after.inputs}
    recorded = {k: v for k, v in before.spec.items() if k not in after.inputs}
    ends = action in {Action.REPLACE, Action.RECREATE}
    return replace(
        Change(
            address=after.address,
            provider=after.provider,
            action=action,
            cause=cause,
            before=before,
            after=after,
            deltas=deltas(recorded, wanted, after.immutable),
            needs=tuple(sorted(after.needs)),
            doomed=before if ends else None,
            parent=after.parent,
        ),
        **more,  # type: ignore[arg-type]
    )


def gone(
    before: Instance, action: Action = Action.DELETE, cause: Cause = Cause.UNDECLARED
) -> Change:
    return Change(
        address=before.address,
        provider=before.provider,
        action=action,
        cause=cause,
        before=before,
        doomed=before,
        parent=before.parent,
    )


OLD_JOB = made(
    job(),
    "ftjob-5e0c9f1b7a2d",
    outputs={
        "model_id": "ft:smollm2-135m-instruct:helpdesk:support:5e0c9f1b",
        "job_id": "ftjob-5e0c9f1b7a2d",
    },
)
OLD_MODEL = str(OLD_JOB.outputs["model_id"])
OLD_DATASET = made(dataset(), "support")
OLD_UPLOAD = made(upload(), "file-2b7d90c4e8f1", outputs={"file_id": "file-2b7d90c4e8f1"})
OLD_VALID = made(
    upload("validation", VALID, 60), "file-77aa01c4e8f1", outputs={"file_id": "file-77aa01c4e8f1"}
)
OLD_ENDPOINT = made(
    endpoint(),
    "helpdesk-support",
    spec={"model": OLD_MODEL},
    outputs={"model_id": "helpdesk-support", "base_url": "http://127.0.0.1:8430/v1"},
    needs=(OLD_JOB.key,),
)
OLD_PROMPT = made(
    prompt(),
    "support",
    spec={"model": "helpdesk-support", "base_url": "http://127.0.0.1:8430/v1"},
    outputs={"version": H["valid"], "path": ".tunectl/prompts/default/support.json"},
)


def plan(**more: object) -> Plan:
    start = Plan(
        lineage=LINEAGE, serial=7, project="helpdesk", env="default", accounts={"local": ACCOUNT}
    )
    return replace(start, **more)  # type: ignore[arg-type]


def first_plan() -> Plan:
    """Nothing exists yet."""
    return plan(
        serial=0,
        changes=(
            create(dataset()),
            create(upload()),
            create(upload("validation", VALID, 60)),
            create(job()),
            create(endpoint()),
            create(prompt()),
        ),
        outputs=(OutputChange(name="model", after=Ref(ENDPOINT, ("model_id",))),),
    )


def retrain_plan() -> Plan:
    """One row was edited and an epoch added; the old model is kept for a rollback."""
    return plan(
        changes=(
            change(
                Action.UPDATE,
                Cause.CHANGED,
                OLD_DATASET,
                dataset(TRAIN2, 481),
                rows=(
                    RowDelta(
                        split="train",
                        added=1,
                        changed=1,
                        lines=("data/support.jsonl:17", "data/support.jsonl:601"),
                    ),
                ),
            ),
            change(
                Action.REPLACE,
                Cause.CANNOT_UPDATE,
                OLD_UPLOAD,
                upload(sha256=TRAIN2, rows=481),
                held=True,
            ),
            change(Action.REPLACE, Cause.CANNOT_UPDATE, OLD_JOB, job(4, TRAIN2, 481), held=True),
            change(Action.UPDATE, Cause.CHANGED, OLD_ENDPOINT, endpoint()),
        ),
        notes=((JOB, "`suffix` takes effect at the next training"),),
        unchanged=1,
    )


def replace_plan() -> Plan:
    """Nothing keeps the old objects, one thing is forgotten, one is deleted, one moved."""
    old = made(job(), "ftjob-000000000001")
    return plan(
        changes=(
            change(Action.REPLACE, Cause.CANNOT_UPDATE, OLD_JOB, job(4)),
            change(
                Action.RECREATE,
                Cause.OTHER_PROVIDER,
                replace(OLD_ENDPOINT, provider="openai_eu"),
                endpoint(),
            ),
            gone(replace(OLD_UPLOAD, address=Address.of("upload", "old", key="train/local/chat"))),
            gone(replace(old, address=Address.of("tuning_job", "old"))),
            gone(
                replace(OLD_PROMPT, address=Address.of("prompt_template", "старый")),
                Action.FORGET,
                Cause.REMOVED,
            ),
        ),
        outputs=(
            OutputChange(name="model", before="helpdesk-support", after=Ref(ENDPOINT, ("id",))),
            OutputChange(name="token", before="a", after="b", sensitive=True),
            OutputChange(name="old", before=("a", 1), gone=True),
        ),
        moved=((Address.of("dataset", "zgloszenia"), DATASET),),
        unchanged=2,
    )


def prompt_plan() -> Plan:
    """Only the wording of a prompt changed."""
    system = {
        "id": "system",
        "role": "system",
        "template": "Jesteś pomocnikiem działu wsparcia.\nOdpowiadaj bardzo krótko.\n"
        "Podpis: Pozdrawiamy",
    }
    after = replace(prompt((system, *SECTIONS[1:]), H["test"]), depends_on=())
    spec = {**after.spec, "model": "helpdesk-support", "base_url": "http://127.0.0.1:8430/v1"}
    return plan(
        changes=(change(Action.UPDATE, Cause.CHANGED, OLD_PROMPT, replace(after, spec=spec)),),
        unchanged=5,
    )


def blocked_plan() -> Plan:
    """A failed job, what waits for it, drift, and an interrupted apply."""
    return plan(
        drift=(
            Drift(address=JOB, gone=True),
            Drift(
                address=ENDPOINT,
                gone=False,
                deltas=deltas({"model": OLD_MODEL}, {"model": "smollm2-135m-instruct"}),
            ),
            Drift(address=UPLOAD, gone=True, released=True),
        ),
        blocked=(
            Blocked(
                address=JOB,
                reason=f"`{OLD_JOB.id}` was deleted remotely",
                hint="to make it again, at its cost, run with `--replace tuning_job.support`",
            ),
            Blocked(address=ENDPOINT, reason="waits for `tuning_job.support`", by=JOB),
        ),
        recover=(
            Intent(
                op="1a2b3c4d5e6f7a8b",
                action="create",
                address=UPLOAD,
                provider="local",
                time="2026-11-22T10:00:03Z",
            ),
        ),
        unchanged=1,
    )


def waiting_plan() -> Plan:
    """The job is still running."""
    running = replace(OLD_JOB, status=Status.PENDING, progress="62%, 1 min left")
    return plan(
        changes=(
            Change(
                address=JOB,
                provider="local",
                action=Action.WAIT,
                cause=Cause.RUNNING,
                before=running,
                after=job(),
            ),
            change(Action.UPDATE, Cause.CHANGED, OLD_ENDPOINT, endpoint()),
        ),
        unchanged=2,
    )


def destroy_plan() -> Plan:
    """Everything goes."""
    return plan(
        destroy=True,
        changes=tuple(
            gone(instance, cause=Cause.DESTROY)
            for instance in (OLD_PROMPT, OLD_ENDPOINT, OLD_JOB, OLD_UPLOAD, OLD_VALID, OLD_DATASET)
        ),
        outputs=(OutputChange(name="model", before="helpdesk-support", gone=True),),
    )


def empty_plan() -> Plan:
    return plan(unchanged=6)


PLANS = {
    "first": first_plan,
    "retrain": retrain_plan,
    "replace": replace_plan,
    "prompt": prompt_plan,
    "blocked": blocked_plan,
    "waiting": waiting_plan,
    "destroy": destroy_plan,
    "empty": empty_plan,
}


def state() -> State:
    """Everything applied, one superseded model kept."""
    instances = (OLD_DATASET, OLD_UPLOAD, OLD_VALID, OLD_JOB, OLD_ENDPOINT, OLD_PROMPT)
    return State(
        lineage=LINEAGE,
        project="helpdesk",
        env="default",
        serial=7,
        providers={"local": Account(type="local", account=ACCOUNT)},
        instances={i.address: i for i in instances},
        superseded=(made(job(2), "ftjob-000000000002"),),
        outputs={"model": "helpdesk-support", "limits": {"tokens": 8000, "języki": ("pl", "ru")}},
    )


UNKNOWN_KEY = Diagnostic(
    summary="unknown key `modle`",
    hint="did you mean `model`?",
    code="unknown-key",
    address="endpoint.support",
    source=Source("tunectl.yaml", 18, 5, "    modle: tuning_job.support", 5),
)
WIDE = Diagnostic(
    summary="unknown key `модель`",
    detail="`endpoint` knows: model, provider, depends_on\nand nothing else",
    hint="did you mean `model`?",
    code="unknown-key",
    source=Source(
        "tunectl.prod.yaml", 104, 11, '  "日本語": {модель: tuning_job.support}', 6, "prod"
    ),
)
LONG_ROW = Diagnostic(
    summary="row has no `assistant` message",
    code="no-assistant",
    source=Source("data/support.jsonl", 17, 400, '{"messages": [' + "x" * 900 + "]}", 30),
    exit=Exit.REFUSED,
)
NO_SOURCE = Diagnostic(
    summary="the key for provider `openai_eu` is not set",
    hint="export `OPENAI_API_KEY_EU`",
    code="no-key",
    exit=Exit.CREDENTIALS,
)
WARNING = Diagnostic(
    summary="`data/support.jsonl` has 2 rows with the same question",
    severity=Severity.WARNING,
    code="duplicate",
    source=Source("data/support.jsonl"),
)

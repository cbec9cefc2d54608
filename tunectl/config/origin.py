"""`from:`: which job of which environment a tuning job shall take its model from."""

from __future__ import annotations

from tunectl.config.drafts import Draft
from tunectl.config.world import World
from tunectl.core.resource import Origin
from tunectl.core.value import Address
from tunectl.kinds import TUNING_JOB

_KIND = "tuning_job"


def origin(world: World, draft: Draft) -> Origin | None:
    """Return where a job's model comes from; None in the environment that makes it.

    So `from:` may stand in the common layer: the environment it names trains, the others take.
    """
    model = draft.model
    assert TUNING_JOB.fits(model)
    if model.from_ is None:
        return None
    address = _address(world, draft, model.from_.address)
    if address is None:
        return None
    if model.from_.env != world.env:
        return Origin(model.from_.env, address, draft.at("from"))
    if address != draft.address:
        world.problems.error(
            f"`from` names `{address}` of this very environment",
            draft.at("from", "address"),
            code="wrong-reference",
            hint="equal jobs of one environment are reused without it; to train further what "
            f"that one made, write `base_model: {address}`",
            address=str(draft.address),
        )
    return None


def _address(world: World, draft: Draft, text: str | None) -> Address | None:
    if text is None:
        return draft.address
    try:
        address = Address.parse(text)
    except ValueError:
        address = None
    if address is not None and address.kind == _KIND:
        return address
    world.problems.error(
        f"`{text}` is not a `{_KIND}`",
        draft.at("from", "address"),
        code="wrong-reference",
        hint=f"such as `{draft.address}`",
        address=str(draft.address),
    )
    return None

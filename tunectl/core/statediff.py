"""What differs between two recorded worlds, by address and id."""

from __future__ import annotations

from tunectl.core.dataclass import dataclass
from tunectl.core.state import State
from tunectl.core.value import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDiff:
    """The addresses that differ.

    Attributes:
        added: only in the newer one.
        removed: only in the older one.
        replaced: another object stands there.
        changed: the same object with another record.
        outputs: whether the outputs differ.
        open: how many steps the newer one has open.
    """

    added: tuple[Address, ...] = ()
    removed: tuple[Address, ...] = ()
    replaced: tuple[Address, ...] = ()
    changed: tuple[Address, ...] = ()
    outputs: bool = False
    open: int = 0

    @property
    def empty(self) -> bool:
        """Whether both say the same of every object and output."""
        return not (self.added or self.removed or self.replaced or self.changed or self.outputs)


def state_diff(before: State, after: State) -> StateDiff:
    """Return what is different in `after`."""
    old, new = before.instances, after.instances
    both = sorted(old.keys() & new.keys())
    return StateDiff(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        replaced=tuple(a for a in both if old[a].key != new[a].key),
        changed=tuple(a for a in both if old[a].key == new[a].key and old[a] != new[a]),
        outputs=dict(before.outputs) != dict(after.outputs),
        open=len(after.intents),
    )

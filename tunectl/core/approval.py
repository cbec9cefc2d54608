"""Who allowed what: the record of one decision, kept as long as something of it is still to come.

Law: a change belongs to an approval only while its declaration is the very one that was approved,
and ends nothing but what was approved to end. Whatever is decided anew needs a new approval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from tunectl.core.dataclass import dataclass
from tunectl.core.resource import Need
from tunectl.core.value import Address, Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One plan that somebody approved.

    Attributes:
        id: 32 hexadecimal digits.
        digest: of the plan as it was shown.
        who: a person or an account of the CI.
        info: where it was approved: `pull_request`, `commit`, `run`; in that order for people.
        time: ISO 8601, UTC.
        aim: which kind of plan it was, as the command line has it.
        variables: those given on the command line, but for the sensitive ones.
        var_files: the files with variables, as given.
        wanted: what is to be made, changed or waited for: address to the hash of its declaration.
        doomed: the objects that are to end.
        outputs: the outputs that will differ, name to the hash of their declaration; empty text
            for one that goes.
        anew: the objects that are to be made once more although they are sound.
        left: the addresses that are not finished, with the running objects each waits for.
        begun: the addresses whose new object exists: never bought again under this approval.
        parked: the lock was released in order, and `left` is exact; otherwise whoever works on it
            holds the lock, or was killed.
    """

    id: str
    digest: str
    who: str
    info: Mapping[str, str] = field(default_factory=dict)
    time: str = ""
    aim: Mapping[str, Plain] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    var_files: tuple[str, ...] = ()
    wanted: Mapping[Address, str] = field(default_factory=dict)
    doomed: tuple[Need, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    anew: tuple[Need, ...] = ()
    left: Mapping[Address, tuple[Address, ...]] = field(default_factory=dict)
    begun: tuple[Address, ...] = ()
    parked: bool = False

    @property
    def by(self) -> str:
        """Who, and where: `anna, PR #41`."""
        place = self.info.get("pull_request") or self.info.get("commit", "")[:12]
        return f"{self.who}, {place}" if place else self.who

"""`tunectl state repair` and `seal`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.locking import lock_option
from tunectl.cli.session import Session, pass_session

if TYPE_CHECKING:
    from tunectl.app.repairing import Repaired

EXAMPLE = """
tunectl state repair
tunectl state repair --write
tunectl state repair --from 3f0c9a1b --write
"""
_DRY = "Nothing was written. To store it, run this again with --write."


@tunectl_command("repair", example=EXAMPLE)
@click.option(
    "--from", "from_", metavar="GENERATION", help="Bring back a state of `state history`."
)
@click.option("--lineage", default="", metavar="ID", help="The history to rebuild, of several.")
@click.option("--write", is_flag=True, help="Store it; without this, only show.")
@click.option("--force", is_flag=True, help="Also when the state is not damaged.")
@lock_option
@pass_session
def repair(session: Session, from_: str | None, lineage: str, write: bool, force: bool) -> None:
    """Rebuild a lost or unreadable state.

    Asks every provider for what carries this project's mark, and uses what the last readable
    generation and the journal still tell. The new state gets a serial above all earlier ones;
    what it replaces is kept. The next plan shows what is still different.
    """
    if from_ is not None:
        _restore(session, from_, write=write)
        return
    from tunectl.app import repairing

    done = repairing.repair(session.options(), lineage=lineage, write=write, force=force)
    _report(session, done)


def _restore(session: Session, generation: str, *, write: bool) -> None:
    from tunectl.app import documents
    from tunectl.views.records import diff_lines

    done = documents.restore(session.options(), generation, write=write)
    screen = session.screen
    if done.change is None:
        screen.say(
            f"The state of serial {done.state.serial}, with {len(done.state.instances)} recorded "
            "objects, takes the place of an unreadable one."
        )
        screen.say(
            "What was made after it is not in it, and would be made again but for trained models: "
            "`tunectl state repair` without `--from` finds all of it by its marks."
        )
    else:
        screen.say("Against the present state:")
        screen.say(diff_lines(done.change))
    screen.say(f"State restored. Its serial is {done.state.serial}." if done.written else _DRY)


def _report(session: Session, done: Repaired) -> None:
    from tunectl.views.records import found_text

    screen, made = session.screen, done.rebuilt
    if made is None:
        screen.say("The state can be read. There is nothing to repair.")
        return
    screen.say(f"The state cannot be used: {done.problem}.")
    if done.source:
        screen.say(f"Built on generation {done.source} and {done.entries} journal entries.")
    adopted = {a: made.state.instances[a].id for a in made.adopted}
    told = {
        "Recorded, and there": map(str, made.recorded),
        "Found by their mark": (f"{a} [id={i}]" for a, i in adopted.items()),
        "Newer than their record": map(str, made.replaced),
        "Taken as made from what is declared now": map(str, made.assumed),
        "Trained on other rows than those declared now; only `--replace` trains again": map(
            str, made.differing
        ),
        "Recorded, and not to be found: the next plan tells": (
            f"{n.address} [id={n.id}]" for n in made.gone
        ),
        "Kept as recorded: cannot be looked up by marks": map(str, made.unlisted),
        "Not declared: the next plan would delete them": map(str, made.undeclared),
        "Further objects with the mark of an address, left alone": (
            f"{n.address} [id={n.id}]" for n in made.others
        ),
        "Could not be looked up: made again by the next apply unless recorded": (
            f"{kind} of provider {provider}" for provider, kind in done.blind
        ),
        "Other histories with this project's marks": (
            f"{lineage}: {count}" for lineage, count in done.other_lineages.items()
        ),
    }
    if text := found_text(told):
        screen.say(text)
    screen.say(f"State rebuilt. Its serial is {done.serial}." if done.written else _DRY)


@tunectl_command("seal", example="tunectl state seal")
@click.option("--open", "open_", is_flag=True, help="Leave nothing sealed, to give up the key.")
@lock_option
@pass_session
def seal(session: Session, open_: bool) -> None:
    """Seal everything of this environment again with the present key.

    For the day TUNECTL_STATE_KEY is set or changed: then what is kept of earlier states is sealed
    with it too, and TUNECTL_STATE_KEY_PREVIOUS is not needed any more.
    """
    from tunectl.app import documents

    count = documents.reseal(session.options(), unseal=open_)
    noun = "object" if count == 1 else "objects"
    session.screen.say(f"{count} {noun} written again, {'open' if open_ else 'sealed'}.")


COMMANDS = (repair, seal)

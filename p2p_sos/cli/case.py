"""`sos case`: which sub-commands a victim has for its own call, and where each lives."""

import click

from p2p_sos.cli.grammar import LazyGroup, Place

LOOK, DECIDE, END, PROCESS, CARRY = (
    "See",
    "Decide and write",
    "Change or end the call",
    "The process that carries it",
    "Without a network, or from another machine",
)

PLACES = (
    Place("status", "p2p_sos.cli.case_look:status", "Where the call stands, and who comes, by number.", LOOK),
    Place("watch", "p2p_sos.cli.case_look:watch", "Follow it as it happens.", LOOK),
    Place("accept", "p2p_sos.cli.case_decide:accept", "Accept a helper: it gets what you sealed.", DECIDE),
    Place("refuse", "p2p_sos.cli.case_decide:refuse", "Refuse a helper.", DECIDE),
    Place("letter", "p2p_sos.cli.case_decide:letter", "Write, under seal, to helpers you accepted.", DECIDE),
    Place("requisition", "p2p_sos.cli.case_decide:requisition", "Name who leads and who helps.", DECIDE),
    Place("update", "p2p_sos.cli.case_end:update", "Make the call more exact.", END),
    Place("cancel", "p2p_sos.cli.case_end:cancel", "Withdraw the call; nobody is blamed for it.", END),
    Place("clear", "p2p_sos.cli.case_end:clear", "All clear: it is over.", END),
    Place("resume", "p2p_sos.cli.case_resume:resume", "Go on with it after a crash or a reboot.", PROCESS),
    Place("stop", "p2p_sos.cli.case_resume:stop", "Stop the process; the case is kept.", PROCESS),
    Place("offline", "p2p_sos.cli.offline:offline", "Write the call as a file and a QR code.", CARRY),
    Place("export", "p2p_sos.cli.case_carry:export_case", "Write the case as one encrypted file.", CARRY),
    Place("import", "p2p_sos.cli.case_carry:import_case", "Take such a file in and go on here.", CARRY),
)


@click.command(cls=LazyGroup, places=PLACES)
def case() -> None:
    """Your own call: who comes, accept, write, end it.

    With one case no name is needed; with several, --case names one by its first digits.
    """

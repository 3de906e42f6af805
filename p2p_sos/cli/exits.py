"""The exit codes of `sos`, and the one exception that carries them.

Comes in: a sentence that names the next step, and which of the codes fits. Goes out: `Stop`, which the outermost
frame (`main.run`) turns into one line or one JSON object. Knows nothing of commands.
The numbers are stable: scripts depend on them (docs/commands.md). 66 and up follow sysexits(3).
"""

from typing import Final

DONE: Final = 0
NOT_DONE: Final = 1  # the thing asked for did not happen
USAGE: Final = 2  # the command line itself is wrong
NO_SUCH: Final = 66  # no such call, case or file
NO_NODE: Final = 69  # no node, or no case process, is running here
OUR_FAULT: Final = 70  # a fault of ours
EXISTS: Final = 73  # it exists already, or another process holds it
DISK: Final = 74  # the disk refused
QUEUED: Final = 75  # the call is kept, no relay could be reached
REFUSED: Final = 77  # wrong passphrase, missing consent, public profile
SETTINGS: Final = 78  # the settings are wrong

SLUGS: Final = {
    NOT_DONE: "not-done",
    USAGE: "usage",
    NO_SUCH: "no-such",
    NO_NODE: "not-running",
    OUR_FAULT: "fault",
    EXISTS: "exists",
    DISK: "disk",
    QUEUED: "queued",
    REFUSED: "refused",
    SETTINGS: "settings",
}


class Stop(Exception):
    """End the command with one sentence, an exit code, and a short name for programs."""

    def __init__(self, sentence: str, exit_code: int, code: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.exit_code = exit_code
        self.code = code or SLUGS.get(exit_code, "not-done")

"""The command `sos`: which sub-commands exist, where each lives, and the outermost frame.

Comes in: the command line. Goes out: an exit code; every failure as one sentence (or one JSON object) that names
the next step. Must not import anything but Click: each sub-command is loaded when it is asked for, so that
`sos --help` stays quick and nothing but a running node ever loads libp2p.
"""

import errno
import io
import os
import sys

import click

from p2p_sos.cli import exits
from p2p_sos.cli.grammar import LazyGroup, Place, asked_for_json, usage_sentence
from p2p_sos.cli.screen import fail

PLACES = (
    Place(
        "call",
        "p2p_sos.cli.call:call",
        "Call for help. Run it bare and it asks its few questions.",
        "I need help",
    ),
    Place("case", "p2p_sos.cli.case:case", "Your own call: who comes, accept, write, end it.", "I need help"),
    Place(
        "relays",
        "p2p_sos.cli.relays_kept:relays",
        "The relays kept for a call of yours; fetch a published list.",
        "I need help",
    ),
    Place(
        "relay",
        "p2p_sos.cli.relay:relay",
        "Bring in a call that came as a file or a code.",
        "I help somebody call",
    ),
    Place("init", "p2p_sos.cli.init:init", "Prepare this machine: keys and settings.", "I answer calls"),
    Place("up", "p2p_sos.cli.up:up", "Start the node and go on duty.", "I answer calls"),
    Place("status", "p2p_sos.cli.status:status", "How the node is doing.", "I answer calls"),
    Place("watch", "p2p_sos.cli.watch:watch", "Follow what happens, as it happens.", "I answer calls"),
    Place("calls", "p2p_sos.cli.calls:calls", "The calls that this node heard.", "I answer calls"),
    Place("show", "p2p_sos.cli.calls:show", "One call in full.", "I answer calls"),
    Place("claim", "p2p_sos.cli.answer:claim", "Answer a call: I come.", "I answer calls"),
    Place("decline", "p2p_sos.cli.answer:decline", "Do not answer a call, and say why.", "I answer calls"),
    Place("release", "p2p_sos.cli.answer:release", "Give a claim back.", "I answer calls"),
    Place("sitrep", "p2p_sos.cli.answer:sitrep", "Tell how far it is, as the lead.", "I answer calls"),
    Place(
        "stand-down", "p2p_sos.cli.answer:stand_down", "Say that you believe it is over.", "I answer calls"
    ),
    Place(
        "letter", "p2p_sos.cli.answer:letter", "Write, under seal, to a victim you answer.", "I answer calls"
    ),
    Place("log", "p2p_sos.cli.log:log", "The watch log, verified link by link.", "I answer calls"),
    Place("export", "p2p_sos.cli.record:export", "Write the record of a closed call.", "I answer calls"),
    Place("verify", "p2p_sos.cli.record:verify", "Check such a record, on any machine.", "I answer calls"),
    Place("down", "p2p_sos.cli.down:down", "Give every claim back and stop the node.", "I answer calls"),
)

EPILOG = """\b
First steps
  under attack now      sos call
  no network here       sos call --offline
  ready to help others  sos init, then sos up

p2p-sos replaces no emergency service: where life, limb or the law is concerned, call those first."""


@click.command(cls=LazyGroup, places=PLACES, epilog=EPILOG)
def sos() -> None:
    """Call for help when your systems are under attack, or answer those who call.

    Nobody needs an account, and nobody owns the network.
    """


def run() -> int:
    """Run one command line and return its exit code; the entry point of the package."""
    as_json = asked_for_json(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no such letter shows a mark instead
    try:
        result = sos.main(prog_name="sos", standalone_mode=False)
        sys.stdout.flush()
        return result if type(result) is int else exits.DONE
    except exits.Stop as stop:
        return fail(stop, as_json=as_json)
    except click.exceptions.Exit as asked:
        return asked.exit_code
    except click.exceptions.NoArgsIsHelpError as bare:
        print(bare.message)
        return exits.DONE
    except click.UsageError as wrong:
        return fail(exits.Stop(usage_sentence(wrong), exits.USAGE), as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        return fail(exits.Stop("Stopped; nothing more was done.", exits.NOT_DONE, "stopped"), as_json=as_json)
    except BrokenPipeError:  # the reader (head, say) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.DONE
    except Exception as fault:  # noqa: BLE001 - the command's outermost frame, the one place for it
        return fail(_our_fault(fault), as_json=as_json)


def _our_fault(fault: Exception) -> exits.Stop:
    if os.environ.get("SOS_TRACEBACK"):
        import traceback

        traceback.print_exception(fault)
    if isinstance(fault, OSError) and fault.filename:
        what = f"{fault.strerror}: {fault.filename}. Set it right and try again."
        return exits.Stop(what, exits.DISK)
    if isinstance(fault, OSError) and fault.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}:
        return exits.Stop(f"The disk refused: {fault.strerror}. Make room and try again.", exits.DISK)
    what = f"A fault of ours: {type(fault).__name__}: {fault}. Run again with SOS_TRACEBACK=1 and report what it prints."
    return exits.Stop(what, exits.OUR_FAULT)


if __name__ == "__main__":
    sys.exit(run())

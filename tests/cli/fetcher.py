"""A process that runs `sos` as a user types it, and tells all that it touched of the network while it did.

Comes in: on standard input one object per line: the words, and which SOCKS port there is. Goes out: for each, one object: the
exit code, what was said, what was touched. Started as `PROGRAM`, it runs the real code; only a `leaky` job has its fetching replaced.
"""

import json
import os
import sys
from contextlib import redirect_stdout
from io import StringIO

from p2p_sos.cli import main
from p2p_sos.drivers import fetching
from tests.drivers.p2p.touched import Touch

_honest = fetching.fetch


async def _leaky(where: fetching.WebAddress, way: fetching.Way, *, bytes_max: int) -> bytes:
    """The fault that must never be made: where the proxy fails, go without it."""
    try:
        return await _honest(where, way, bytes_max=bytes_max)
    except fetching.FetchFault:
        return await _honest(where, fetching.in_the_open, bytes_max=bytes_max)


def serve(touched: list[Touch]) -> None:
    """Each job in its turn."""
    while line := sys.stdin.readline():
        job = json.loads(line)
        os.environ |= job.get("environment", {})
        fetching.fetch = _leaky if job.get("leaky") else _honest
        sys.argv = ["sos", "--json", *job["words"]]
        before, said = len(touched), StringIO()
        with redirect_stdout(said):
            code = main.run()
        answer = {"exit": code, "said": json.loads(said.getvalue()), "touched": touched[before:]}
        print(json.dumps(answer), flush=True)


# The audit begins before anything of ours is loaded.
PROGRAM = """
from tests.drivers.p2p.touched import audit
touched = audit()
from tests.cli.fetcher import serve
serve(touched)
"""

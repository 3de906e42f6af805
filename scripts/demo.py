"""The main job, end to end: a victim calls, a mesh of real nodes hears, helpers come, both sides write under seal.

Comes in: nothing but flags. Goes out: a timeline, and (with `--json`) one object on the last line; the exit code
is 1, with the reason, if anything was not so. Eight nodes run as processes of their own, on loopback, over TCP,
Noise and Yamux; everything goes through the command `sos`. With `--crash-victim` the victim's process is killed
by SIGKILL while letters are under way, and resumed. Sets itself up first, and leaves nothing behind.
"""

import argparse
import json
import random
import signal
import sys
import time
from pathlib import Path

import setup


def main() -> int:
    """Play it, and say whether everything came to pass."""
    parser = argparse.ArgumentParser(description="Show the main job on eight real nodes and a victim.")
    parser.add_argument("--json", action="store_true", help="print one object at the end")
    parser.add_argument("--crash-victim", action="store_true", help="kill the victim's process in the middle")
    parser.add_argument("--seed", type=int, default=1, help="draws who is linked with whom")
    asked = parser.parse_args()
    setup.ready()

    from fleet import Failed, Fleet
    from story import Story

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # on that way out, too, everything is put away
    begun = time.monotonic()
    with Fleet() as fleet:
        story = Story(fleet, random.Random(asked.seed), to_stderr=asked.json)
        try:
            story.play(crash=asked.crash_victim)
        except Failed as failed:
            story.fail(str(failed))
    story.left_behind(Path(fleet.folder), fleet.left())
    told = {**story.outcome(), "seed": asked.seed, "took_s": round(time.monotonic() - begun, 1)}
    if asked.json:
        print(json.dumps(told), flush=True)
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())

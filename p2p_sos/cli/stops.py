"""What a case's directory, its file or the disk refuses, as the `Stop` that says so.

Comes in: exceptions of the drivers. Goes out: the same sentence with its exit code. Knows nothing of commands.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop


@contextmanager
def kept_or_told() -> Iterator[None]:
    """`Stop` 73 for what is there already, held, or no home; 74 for a store that fails or is damaged."""
    from p2p_sos.drivers.home import Exists, Held, HomeError
    from p2p_sos.drivers.store import StoreError, StoreUnusable

    try:
        yield
    except Held as busy:
        raise Stop(str(busy), exits.EXISTS, "held") from busy
    except Exists as there:
        raise Stop(str(there), exits.EXISTS) from there
    except HomeError as wrong:
        raise Stop(str(wrong), exits.EXISTS, "home") from wrong
    except (StoreError, StoreUnusable) as wrong:
        raise Stop(str(wrong), exits.DISK) from wrong

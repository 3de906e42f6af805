"""The mesh over py-libp2p: the one folder that imports it. Import from it lazily, inside functions."""

import os

# A yamux window update for each read costs a fifth of the traffic's CPU; half a window at a time is enough.
os.environ.setdefault("PY_YAMUX_RELEASE_ON_READ", "0")

"""By which way what a victim says enters the mesh.

Decides nothing. The person who calls chooses; document 11 says what each way hides, and from whom.
"""

from enum import Enum


class Way(Enum):
    """One way for every message of a case, for as long as the process runs."""

    DIRECT = "direct"  # into the mesh, as any node's own messages: the neighbours see who calls
    STEM = "stem"  # from relay to relay, out of sight, until one of them lets it out (document 11)
    PUSH = "push"  # by the driver, over fresh circuits, to relays that this node has no connection with

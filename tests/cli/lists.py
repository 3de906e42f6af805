"""Lists of relays and settings for the tests of `sos relays`."""

import json
from pathlib import Path

from p2p_sos.drivers.addresses import peer_id_of

MANY = [f"/dns4/relay{number}.example/tcp/1/p2p/{peer_id_of(bytes([number]) * 32)}" for number in range(8)]


def settle(home: Path, *, bootstrap: tuple[str, ...] = (), relays: tuple[str, ...] = ()) -> None:
    """Settings of this home."""
    (home / "settings.toml").write_text(
        f"[node]\nbootstrap = {json.dumps(list(bootstrap))}\n[call]\nrelays = {json.dumps(list(relays))}\n"
    )

"""The JSON vectors under protocol/vectors: what every implementation must agree on, byte for byte.

Comes in: nothing but fixed seeds. Goes out: the text of each file. `generate.py vectors` writes them and
`tests/spec/test_vectors.py` reads them; protocol/vectors/README.md tells others how to read them.
"""

import json
from collections.abc import Callable
from typing import Any

from vectors.boards import admission
from vectors.carrying import carrying
from vectors.clocks import leases
from vectors.dialogue import letter_cases
from vectors.encoding import encoding
from vectors.reconciling import reconciling
from vectors.recording import recording
from vectors.signing import ids, signatures
from vectors.stamping import stamp_cases
from vectors.tiers import tiers
from vectors.verdicts import verdicts
from vectors.views import boards

FILES: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "encoding.json": ("02-encoding", encoding),
    "ids.json": ("03-keys", ids),
    "signatures.json": ("03-keys", signatures),
    "verdicts.json": ("02-encoding and 03-keys", verdicts),
    "stamps.json": ("03-keys", stamp_cases),
    "letters.json": ("03-keys", letter_cases),
    "admission.json": ("05-calls", admission),
    "boards.json": ("06-board", boards),
    "fitness.json": ("06-board", tiers),
    "leases.json": ("06-board", leases),
    "sync.json": ("09-sync", reconciling),
    "record.json": ("05-calls and 10-record", recording),
    "by-hand.json": ("12-by-hand", carrying),
}


def render() -> dict[str, str]:
    """The text of every vector file by its name."""
    texts = {}
    for name, (document, make) in FILES.items():
        whole = {"document": document, "generated_by": "scripts/generate.py vectors", **make()}
        texts[name] = json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
    return texts

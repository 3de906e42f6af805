"""Imports flow one way, and the pure layers stay pure."""

import pytest

from tests.house.layers import faults
from tests.house.sources import Source, python


def test_every_import_is_allowed() -> None:
    """No module of p2p_sos knows what its layer must not know."""
    assert [fault for source in python("p2p_sos") for fault in faults(source)] == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("p2p_sos/wire/a.py", "from p2p_sos.core.events import Event"),
        ("p2p_sos/wire/a.py", "from p2p_sos import core"),
        ("p2p_sos/wire/a.py", "import cattrs"),
        ("p2p_sos/core/a.py", "import time"),
        ("p2p_sos/core/a.py", "import nacl.signing"),
        ("p2p_sos/core/a.py", "def f():\n    import os"),
        ("p2p_sos/core/a.py", "import random\nr = random.Random(3)"),
        ("p2p_sos/core/a.py", "import random\nx = random.choice"),
        ("p2p_sos/core/a.py", "from random import choice"),
        ("p2p_sos/core/a.py", "from random import Random\nr = Random()"),
        ("p2p_sos/wire/a.py", "import random\ndef f(r: random.Random): ..."),
        ("p2p_sos/core/a.py", "from p2p_sos.drivers.mesh import Mesh"),
        ("p2p_sos/core/a.py", "x = hash('a')"),
        ("p2p_sos/wire/a.py", "f = open('x')"),
        ("p2p_sos/wire/a.py", "from nacl.public import SealedBox\nb = SealedBox(k)"),
        ("p2p_sos/wire/a.py", "k = SigningKey.generate()"),
        ("p2p_sos/drivers/a.py", "from p2p_sos.sim.world import World"),
        ("p2p_sos/sim/a.py", "from p2p_sos.drivers.store import Store"),
        ("p2p_sos/drivers/a.py", "from p2p_sos.cli.main import run"),
        ("p2p_sos/drivers/a.py", "def f():\n    from libp2p import new_host"),
        ("p2p_sos/cli/a.py", "import libp2p"),
        ("p2p_sos/cli/a.py", "from p2p_sos.drivers.p2p.host import Libp2pMesh"),
        ("p2p_sos/cli/a.py", "from p2p_sos.drivers import p2p"),
        ("p2p_sos/cli/a.py", "from tests.house import layers"),
        ("p2p_sos/cli/a.py", "import scripts.demo"),
    ],
)
def test_a_forbidden_import_is_refused(path: str, text: str) -> None:
    """Control: the checker refuses each kind of forbidden import."""
    assert faults(Source(path, text)) != []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("p2p_sos/core/a.py", "import random\nfrom attrs import frozen\ndef f(r: random.Random): ..."),
        ("p2p_sos/core/a.py", "from random import Random\ndef f(r: Random):\n    return r.choice([1])"),
        ("p2p_sos/core/a.py", "import random\ndef f(random: random.Random):\n    return random.choice([1])"),
        ("p2p_sos/core/a.py", "from p2p_sos.wire.frames import Frame"),
        ("p2p_sos/drivers/p2p/host.py", "from libp2p import new_host"),
        ("p2p_sos/drivers/a.py", "def f():\n    from p2p_sos.drivers.p2p.host import Libp2pMesh"),
        ("p2p_sos/cli/a.py", "from p2p_sos.drivers.api.client import LocalApi\nimport click"),
    ],
)
def test_an_allowed_import_passes(path: str, text: str) -> None:
    """Control: the checker does not refuse everything."""
    assert faults(Source(path, text)) == []

"""`sos export` and `sos verify`: a record that anybody can check, refused in one sentence when a byte of it is another."""

import base64
import errno
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2p_sos.core.calls.herald import DESCRIBED
from p2p_sos.core.duty.watchlog import NO_LINE, line_hash, write_line
from p2p_sos.wire.frames import Frame, id_of, seal
from p2p_sos.wire.keys import ExchangeKey, SigningKey
from p2p_sos.wire.profiles import PROFILES
from p2p_sos.wire.record import Entry, Record, seal_record
from p2p_sos.wire.registry import STAMP_NONCE_BYTES, Severity, Tlp
from p2p_sos.wire.stamps import solve
from tests.cli.conftest import Sos
from tests.cli.stub import Stub
from tests.core import mail

LABORATORY = PROFILES["laboratory"]
ANNA, US = mail.key("anna"), mail.key("us")


def here(frame: Frame, key: SigningKey, *, worked: bool = False) -> Frame:
    """The same message on the laboratory network."""
    identity, least = id_of(frame.message, LABORATORY.network), LABORATORY.stamp_effort_min
    stamp = solve(identity, least, start=bytes(STAMP_NONCE_BYTES)) if worked else None
    return seal(frame.message, LABORATORY.network, key, stamp)


CALL = here(mail.the_call(exchange_key=ExchangeKey(bytes(31) + b"\x07").public), mail.V, worked=True)
CLAIM = here(mail.claim(CALL, ANNA), ANNA)
SAID = (
    CLAIM, here(mail.roster(CALL, ANNA), ANNA), here(mail.sitrep(CALL, ANNA, 1), ANNA), here(mail.stand_down(CALL, US), US),
    here(mail.attest(CALL, ANNA), mail.V), here(mail.requisition(CALL, ANNA, sequence=3), mail.V),
    here(mail.all_clear(CALL, 4), mail.V),
)  # fmt: skip


def lines() -> list[bytes]:
    """Three lines about the call, the last of which follows from none of the others."""
    call = CALL.id.hex()
    first = write_line(4, NO_LINE, {"call": call, "decision": "ask", "why": "x", "unix_s": 1_000_001})
    second = write_line(
        5,
        line_hash(first),
        {"call": call, "decision": "decline", "reason": "unable", "unix_s": 1_000_002, "why": "busy\x1b[31m"},
    )
    return [first, second, write_line(9, NO_LINE, {"call": call, "decision": "claim", "unix_s": 1_000_005})]


def file_of(*said: Frame, log: list[bytes]) -> bytes:
    frames = (CALL, *sorted(said, key=lambda frame: frame.id))
    entries = tuple(Entry(frame.cell, 1_000_000 + at) for at, frame in enumerate(frames))
    return seal_record(Record(LABORATORY.network, US.public, Tlp.AMBER, 1_000_100, entries, tuple(log)), US)


FILE = file_of(*SAID, log=lines())
TOLD = {"call": CALL.id.hex(), "tlp": "amber", "signer": US.public.hex(), "messages": 8}


@pytest.fixture
def node(home: Path) -> Iterator[Stub]:
    """A node that gives a record."""
    made = {**TOLD, "record": base64.b64encode(FILE).decode()}
    with Stub({"GET /calls/1f/record?tlp=green": (200, made)}).at(home / "api.sock") as stub:
        yield stub


def test_a_record_is_written_once_and_for_its_owner(sos: Sos, node: Stub, tmp_path: Path) -> None:
    """Mode 0600, nothing overwritten, the next step named; `verify` finds it whole."""
    target = tmp_path / "record.sos"
    said = sos("export", "1f", str(target), "--tlp", "green")
    assert said.exit == 0
    assert f"sos verify {target}" in said.out
    assert target.read_bytes() == FILE
    assert target.stat().st_mode & 0o777 == 0o600
    again = sos("export", "1f", str(target), "--tlp", "green")
    assert (again.exit, "exists already" in again.err) == (73, True)
    nowhere = sos("export", "1f", str(tmp_path / "no" / "where"), "--tlp", "green")
    assert (nowhere.exit, "name another place" in nowhere.err) == (74, True)
    assert str(tmp_path / "no" / "where") in nowhere.err
    assert sos("export", "1f", str(tmp_path / "x"), "--tlp", "purple").exit == 2
    assert sos("verify", str(target)).exit == 0


def test_a_full_disk_leaves_no_part_of_a_record(
    sos: Sos, node: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """74 with nothing left, so that the same command works once there is room; nor does a crash leave a part under that name."""
    target = tmp_path / "r" / "record.sos"
    target.parent.mkdir()
    words, seen = ("export", "1f", str(target), "--tlp", "green"), list[bool]()

    def full(_descriptor: int) -> None:
        seen.append(target.exists())
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as short:
        short.setattr("os.fsync", full)
        said = sos(*words)
    assert (said.exit, "make room" in said.err) == (74, True)
    assert seen == [False]
    assert not list(target.parent.iterdir())
    with monkeypatch.context() as stick:  # one that knows no links
        stick.setattr("os.link", lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "no links")))
        assert sos(*words).exit == 0
        assert sos(*words).exit == 73
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert target.read_bytes() == FILE


def test_what_the_node_refuses_is_said_and_no_file_is_left(sos: Sos, node: Stub, tmp_path: Path) -> None:
    """An open call has no record yet."""
    open_still = {"error": "The call is still open: its record is made once it is closed.", "code": "open"}
    node.answers["GET /calls/1f/record?tlp=amber"] = (409, open_still)
    said = sos("export", "1f", str(tmp_path / "r"))
    assert (said.exit, "still open" in said.err) == (1, True)
    assert not (tmp_path / "r").exists()


def test_verify_tells_what_happened_without_a_node(sos: Sos, home: Path, tmp_path: Path) -> None:
    """Every signature checked, every message and line told in order of time, no stranger's byte in the terminal."""
    target = tmp_path / "r"
    target.write_bytes(FILE)
    home.rmdir()  # nothing of ours is needed
    said = sos("verify", str(target))
    assert said.exit == 0
    for words in (
        "TLP:AMBER", "cleared", "8 signatures", "3 lines of the exporter's log, 1 link between them", "CALL",
        "attests contact with " + ANNA.public.hex()[:8], "leads", "believes that it is over", "reports",
        "the victim names", "5: decline (unable, busy",
    ):  # fmt: skip
        assert words in said.out
    assert "\x1b" not in said.out
    told = sos("verify", str(target), "--json").objects
    assert len(told) == 1
    assert told[0]["verified"] is True
    times = [entry["unix_s"] for entry in told[0]["timeline"]]
    assert len(times) == 11
    assert times == sorted(times)


def told_of(sos: Sos, path: Path, *said: Frame) -> list[dict[str, str]]:
    """The timeline of a record whose messages all arrived within one second."""
    frames = (CALL, *sorted(said, key=lambda frame: frame.id))
    entries = tuple(Entry(frame.cell, 1_000_000) for frame in frames)
    path.write_bytes(
        seal_record(Record(LABORATORY.network, US.public, Tlp.AMBER, 1_000_100, entries, ()), US)
    )
    timeline: list[dict[str, str]] = sos("verify", str(path), "--json").objects[0]["timeline"]
    return timeline


def test_within_one_second_an_answer_follows_what_it_answers(sos: Sos, tmp_path: Path) -> None:
    """Sequences of two signers say nothing of each other: kinds do; and one signer's words stay in their order."""
    named = here(mail.requisition(CALL, ANNA, sequence=3), mail.V)
    renewed = here(mail.renew(CALL, ANNA, 9), ANNA)
    said = (
        CLAIM, here(mail.comply(CALL, ANNA, named, 1), ANNA), renewed, named, here(mail.attest(CALL, US, sequence=4), mail.V),
        here(mail.claim(CALL, US), US), here(mail.release(CALL, US, 1), US), here(mail.claim(CALL, US, 2), US),
        here(mail.all_clear(CALL, 5), mail.V),
    )  # fmt: skip
    kinds = [(one["kind"], one["signer"]) for one in told_of(sos, tmp_path / "r", *said)]
    assert kinds[0] == ("CALL", mail.V.public.hex())
    assert kinds[-1] == ("ALL CLEAR", mail.V.public.hex())
    anna, us, victim = (
        [kind for kind, who in kinds if who == key.public.hex()] for key in (ANNA, US, mail.V)
    )
    assert anna == ["CLAIM", "RENEW", "COMPLY"]
    assert us == ["CLAIM", "RELEASE", "CLAIM"]
    assert victim == ["CALL", "REQUISITION", "ATTEST", "ALL CLEAR"]
    order = [kind for kind, _ in kinds]
    assert order.index("CLAIM") < order.index("REQUISITION") < order.index("COMPLY")


def test_renewals_are_counted_in_words(sos: Sos, tmp_path: Path) -> None:
    """Of one nothing is counted; of ten, which one was kept."""
    for sequence, ending in ((0, "renewed its claim"), (9, "renewed its claim (the last of 10 times)")):
        said = (CLAIM, here(mail.renew(CALL, ANNA, sequence), ANNA), here(mail.all_clear(CALL, 5), mail.V))
        told_of(sos, path := tmp_path / str(sequence), *said)
        lines = [line.rstrip() for line in sos("verify", str(path)).out.splitlines()]
        assert [line for line in lines if "renewed" in line and line.endswith(ending)]


def test_an_update_that_changes_nothing_is_told_as_a_sign_of_life(sos: Sos, tmp_path: Path) -> None:
    """Compared with what was said last, be it the CALL or another UPDATE."""
    same = {name: getattr(CALL.message, name) for name in DESCRIBED}
    news = same | {"severity": Severity.LOW}
    said = [
        here(mail.update(CALL, at, **told), mail.V)
        for at, told in enumerate((same, news, news, same), start=1)
    ]
    told = [
        one["sentence"] for one in told_of(sos, tmp_path / "r", *said, here(mail.all_clear(CALL, 9), mail.V))
    ]
    assert ["tells more" in one for one in told[1:5]] == [False, True, False, True]
    assert ["shows that it is there" in one for one in told[1:5]] == [True, False, True, False]


@pytest.mark.parametrize("place", [3, 60, 3000, 9000, len(FILE) - 90, len(FILE) - 1])
def test_a_changed_byte_is_refused_in_one_sentence(sos: Sos, tmp_path: Path, place: int) -> None:
    """In the head, a message, the log, the signature: exit 1, and nothing of it is shown."""
    changed = bytearray(FILE)
    changed[place] ^= 1
    (tmp_path / "r").write_bytes(changed)
    said = sos("verify", str(tmp_path / "r"))
    assert said.exit == 1
    assert said.out == ""
    assert "no record that holds" in said.err
    assert sos("verify", str(tmp_path / "r"), "--json").objects[0]["code"] == "record-broken"


def test_a_log_that_was_changed_before_it_was_signed_is_refused(sos: Sos, tmp_path: Path) -> None:
    """A line that does not follow, one out of place, one about another call."""
    first, second, third = lines()
    changed = json.dumps(json.loads(first) | {"why": "another"}, sort_keys=True).encode()
    foreign = write_line(12, NO_LINE, {"call": "ab" * 32, "decision": "claim", "unix_s": 1})
    for log in ([changed, second], [second, first], [first, foreign], [third, b"no json"]):
        (tmp_path / "r").write_bytes(file_of(*SAID, log=log))
        said = sos("verify", str(tmp_path / "r"))
        assert (said.exit, "watch log" in said.err) == (1, True)


def test_files_that_are_none_are_said(sos: Sos, tmp_path: Path) -> None:
    """Missing, a folder, empty, something else."""
    assert sos("verify", str(tmp_path / "nothing")).exit == 66
    assert sos("verify", str(tmp_path)).exit == 74
    for content in (b"", b"h", b"hello", FILE[:-1], FILE + b"\x00"):
        (tmp_path / "r").write_bytes(content)
        said = sos("verify", str(tmp_path / "r"))
        assert said.exit == 1
        assert "nothing that `sos export` wrote, or not the whole of it" in said.err
        assert "msgpack" not in said.err

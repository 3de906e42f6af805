"""Captures the connections of victims beside those of nodes on loopback, and tells whether a classifier tells them apart.

Comes in: how many rounds, how many at once, and a book of earlier rounds, which these are added to. Goes out: for the connection
that carries a cell by stem, and for one that does not, the share of held-out captures of the whole book whose kind is guessed,
with that of a control: a victim whose cells are not padded.

In each round a victim, two nodes and a caller behind these start. They dial relays of a small mesh through taps that see what
any observer of a line sees: when how much went which way, and the length that each Noise frame shows. The caller's cells pass
one of the nodes, the victim sends its own: a call each, and what they say to the responder of the mesh, who comes to their
help. Everything runs in this process, as in production but for the passphrase and the
local API. A round in which no node passed the cell on (a diffuser, say) counts for nobody.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import trio
from anonymity_captures import Book, Pair, Round
from attrs import define, evolve, field

from p2p_sos.core.actions import Action, SendStem
from p2p_sos.core.case.case import VictimSecrets, compose_call
from p2p_sos.core.duty.policy import Policy, Responder
from p2p_sos.core.events import Event, PeerJoined, VictimCalls
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.node import Node
from p2p_sos.core.origin.way import Way
from p2p_sos.drivers.p2p.mesh import Libp2pMesh
from p2p_sos.drivers.runner import Runner
from p2p_sos.drivers.store import NodeStore
from p2p_sos.sim.origin.classifier import Seen, Vector, Verdict, features, tell_apart
from p2p_sos.wire import registry as r
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame, id_of, seal
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.profiles import PROFILES
from p2p_sos.wire.stamps import solve

PROFILE = PROFILES["laboratory"]
LOOPBACK = ("/ip4/127.0.0.1/tcp/0",)
RELAYS = 5
# Victim and nodes dial three relays when they start, as `sos call` does; then the nodes get one peer more, the caller, and so
# does the victim, as far from the relays as the caller is: how many peers share what is fetched, and how much each of them
# brings first, shows on every line, and is not what is asked here.
DIALS = 3
LENGTH_S = 18.0  # of a capture, from the first byte on
START_WITHIN_S = 3.0  # each at a moment of its own, so that nobody is always the first
SETTLE_S = 3.0  # by then a newcomer has fetched what there is
CALL_AFTER_S = (2.0, 5.0)
PATIENCE_S = 60.0
LOT = 24  # rounds at one mesh
SLOTS = 2 * LOT
# The name of what is captured and how; a new one for each change, so that nothing is added up that differs. In "2" nobody
# came to help, and a line carried one cell; in "3" the victim's fourth peer knew a relay, and so brought it news; in "4" all of a
# round started at once, and the victim, which opens no port, dialled a tenth of a second before the nodes: relays that many
# newcomers join at once graft the first of them.
DESIGN = "5"
PAIRS_MIN, CONTROL_ROUNDS_MIN = 12, 60  # about half of the rounds give a pair
LIMIT = 0.55  # issue: chance and .05
PREFACE_ENDS = b"/noise\n"


@define
class Reader:
    """One direction of a connection: the lines of multistream-select, then Noise frames, each behind its length."""

    _waiting: bytearray = field(factory=bytearray)
    _preface: bool = True

    def feed(self, data: bytes | bytearray) -> list[int]:
        """The sizes of the frames that end in these bytes."""
        self._waiting += data
        sizes: list[int] = []
        while self._waiting:
            head = 1 if self._preface else 2
            if len(self._waiting) < head:
                break
            size = head + int.from_bytes(self._waiting[:head], "big")
            if len(self._waiting) < size:
                break
            if self._preface and bytes(self._waiting[head:size]) == PREFACE_ENDS:
                self._preface = False
            sizes.append(size)
            del self._waiting[:size]
        return sizes


@define(eq=False)
class Tap:
    """Stands before one relay; what passes is counted and goes on unchanged."""

    port: int  # of the relay
    relay: str
    frames: list[Seen] = field(factory=list)
    began_at: float | None = None
    address: str = ""

    async def run(self, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listeners[0].socket.getsockname()[1]
        self.address = f"/ip4/127.0.0.1/tcp/{port}/p2p/{self.relay}"
        await trio.serve_listeners(self._pass, listeners, task_status=task_status)

    async def _pass(self, near: trio.SocketStream) -> None:
        async with (
            near,
            await trio.open_tcp_stream("127.0.0.1", self.port) as far,
            trio.open_nursery() as nursery,
        ):
            for one, other, up in ((near, far, True), (far, near, False)):
                nursery.start_soon(self._pump, one, other, up, nursery.cancel_scope)

    async def _pump(
        self, one: trio.SocketStream, other: trio.SocketStream, up: bool, scope: trio.CancelScope
    ) -> None:
        reader = Reader()
        try:
            async for data in one:
                now = time.monotonic()
                self.began_at = now if self.began_at is None else self.began_at
                self.frames += [Seen(now - self.began_at, up, size) for size in reader.feed(data)]
                await other.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        scope.cancel()


class Noting(Node):
    """A node that notes to whom it sends by stem, and says when somebody joined."""

    stemmed: list[str]
    joined: trio.Event

    def handle(self, event: Event, now: float) -> list[Action]:
        """One event."""
        actions = super().handle(event, now)
        if isinstance(event, PeerJoined):
            self.joined.set()
        self.stemmed += [action.peer for action in actions if isinstance(action, SendStem)]
        return actions


@define(eq=False)
class Person:
    """One process of production, within this one."""

    node: Noting
    mesh: Libp2pMesh
    runner: Runner

    @classmethod
    def made(
        cls,
        folder: Path,
        *,
        victim: VictimSecrets | None = None,
        responder: Responder | None = None,
        listens: bool = True,
        dials: Sequence[str] = (),
    ) -> "Person":
        """A relay, or a caller by stem."""
        mesh = Libp2pMesh(os.urandom(32), LOOPBACK if listens else (), dials, loopback_apart=True)
        node = Noting(
            profile=PROFILE,
            gossip=GossipSettings(),
            random=Random(os.urandom(32)),
            entropy=os.urandom,
            rings=lambda _one, _other: None,
            victim=victim,
            responder=responder,
            way=Way.DIRECT if victim is None else Way.STEM,
        )
        node.stemmed, node.joined = [], trio.Event()
        store = NodeStore(folder / f"{os.urandom(8).hex()}.db")
        return cls(
            node, mesh, Runner(node, mesh, store, lambda _: None, check=partial(check, profile=PROFILE))
        )

    async def meets(self, count: int) -> None:
        """Wait until it has so many peers."""
        with trio.fail_after(PATIENCE_S):
            while len(self.node.peers) < count:
                self.node.joined = trio.Event()
                await self.node.joined.wait()


def helper() -> Responder:
    """Whoever comes to everybody's help, at once."""
    policy = Policy(slots=SLOTS, exercises=True)
    return Responder(SigningKey(os.urandom(32)), policy, "We filter.")


def secrets() -> VictimSecrets:
    """Of a new case."""
    return VictimSecrets(SigningKey(os.urandom(32)), os.urandom(32), "")


def call_of(case: VictimSecrets) -> Frame:
    """Its CALL, stamped."""
    message = compose_call(
        case, epoch=int(time.time()) // r.CALL_EPOCH_S, status=r.Status.TEST, severity=r.Severity.MEDIUM,
        urgency=r.Urgency.IMMEDIATE, certainty=r.Certainty.OBSERVED, nature=r.Nature.AVAILABILITY__DDOS,
        needs=1 << r.Need.FILTER_UPSTREAM, sector=r.Sector.OTHER,
    )  # fmt: skip
    stamp = solve(id_of(message, PROFILE.network), PROFILE.stamp_effort_min, start=bytes(r.STAMP_NONCE_BYTES))
    return seal(message, PROFILE.network, case.call_key, stamp)


@define(eq=False)
class Rig:
    """The small mesh."""

    folder: Path
    relays: list[Person] = field(factory=list)

    async def start(self, nursery: trio.Nursery) -> None:
        """The relays, each linked to all."""
        for number in range(RELAYS):
            dials = [one.mesh.addresses[0] for one in self.relays]
            person = Person.made(self.folder, responder=None if number else helper(), dials=dials)
            self.relays.append(person)
            await nursery.start(person.runner.run)
        for person in self.relays:
            await person.meets(RELAYS - 1)

    async def round(self, draws: Random, *, bare: bool) -> Pair | None:
        """One victim, two nodes and a caller behind them; None where it counts for nobody."""
        async with trio.open_nursery() as nursery:
            case, behind = secrets(), secrets()
            taps = [await self._taps(nursery, draws) for _ in range(3)]
            victim = Person.made(self.folder, victim=case, listens=False, dials=[t.address for t in taps[0]])
            if bare:
                victim.mesh.send_stem = partial(_unpadded, victim.mesh.send_stem)  # type: ignore[method-assign]
            nodes = [Person.made(self.folder, dials=[t.address for t in own]) for own in taps[1:]]
            everybody = [victim, *nodes]
            draws.shuffle(everybody)
            for person in everybody:
                nursery.start_soon(_start_later, nursery, person, draws.uniform(0.0, START_WITHIN_S))
            for person in everybody:
                await person.meets(DIALS)
            beside = await self._newcomer(nursery, draws)
            await trio.sleep(SETTLE_S)
            dials = [node.mesh.addresses[0] for node in nodes]
            caller = Person.made(self.folder, victim=behind, listens=False, dials=dials)
            victim.mesh.connect([beside.address])
            await nursery.start(caller.runner.run)
            await victim.meets(DIALS + 1)
            await caller.meets(len(nodes))
            for person, words in ((victim, call_of(case)), (caller, call_of(behind))):
                nursery.start_soon(_say_later, person, words, draws.uniform(*CALL_AFTER_S))
            await trio.sleep(LENGTH_S - SETTLE_S + START_WITHIN_S + 1.0)
            nursery.cancel_scope.cancel()
        return _pair(victim, nodes, taps)

    async def _newcomer(self, nursery: trio.Nursery, draws: Random) -> Tap:
        """The victim's fourth peer, placed as the caller is for each node: it knows one node more, which dials three relays."""
        relays = [one.mesh.addresses[0] for one in draws.sample(self.relays, DIALS)]
        beside = Person.made(self.folder, dials=relays)
        await nursery.start(beside.runner.run)
        await beside.meets(DIALS)
        person = Person.made(self.folder, dials=[beside.mesh.addresses[0]])
        await nursery.start(person.runner.run)
        await person.meets(1)
        tap = Tap(_port(person), person.mesh.peer_id)  # as slow as the others
        await nursery.start(tap.run)
        return tap

    async def _taps(self, nursery: trio.Nursery, draws: Random) -> list[Tap]:
        taps = [Tap(_port(one), one.mesh.peer_id) for one in draws.sample(self.relays, DIALS)]
        for tap in taps:
            await nursery.start(tap.run)
        return taps


def _pair(victim: Person, nodes: Sequence[Person], taps: Sequence[Sequence[Tap]]) -> Pair | None:
    mine = _split(victim, taps[0])
    others = [split for node, own in zip(nodes, taps[1:], strict=True) if (split := _split(node, own))]
    if mine is None or not others:
        return None
    return Pair((mine[0], others[0][0]), (mine[1], others[0][1]))


def _port(person: Person) -> int:
    return int(person.mesh.addresses[0].split("/")[4])


def _split(person: Person, taps: Sequence[Tap]) -> tuple[Vector, Vector] | None:
    """The capture of the connection that carried a stem cell, and of the other; None where not exactly one did."""
    carried = [tap for tap in taps if tap.relay in person.node.stemmed]
    rest = [tap for tap in taps if tap not in carried]
    if len(carried) != 1:
        return None
    return features(carried[0].frames, LENGTH_S), features(rest[0].frames, LENGTH_S)


async def _start_later(nursery: trio.Nursery, person: Person, after_s: float) -> None:
    await trio.sleep(after_s)
    await nursery.start(person.runner.run)


async def _say_later(person: Person, call: Frame, after_s: float) -> None:
    await trio.sleep(after_s)
    await person.runner.ask(VictimCalls(call))


def _unpadded(send: Callable[[str, bytes], None], peer: str, cell: bytes) -> None:
    """What a victim would send whose cells were as long as their words."""
    send(peer, cell.rstrip(b"\x00"))


async def capture(book: Book, rounds: int, at_once: int, seed: int, *, bare: bool) -> None:
    """So many rounds, some at once, in lots: each lot has a mesh of its own, for a newcomer fetches what all before it said.

    Rounds that the book holds are not run again; a lot that was broken off leaves nothing behind.
    """
    for first in range(0, rounds, LOT):
        lot = range(first, min(first + LOT, rounds))
        wanted = [number for number in lot if not book.holds(seed, number, bare=bare)]
        if not wanted:
            continue
        done: list[Round] = []
        with tempfile.TemporaryDirectory() as folder:
            rig = Rig(Path(folder))
            async with trio.open_nursery() as nursery:
                await rig.start(nursery)
                limit = trio.CapacityLimiter(at_once)
                async with trio.open_nursery() as playing:
                    for number in wanted:
                        playing.start_soon(_play, limit, rig, done, Round(seed, number, bare, None))
                nursery.cancel_scope.cancel()
        book.add(done)
        _tell(lot.stop, rounds, len(book.pairs(bare=bare)), bare=bare)


def _tell(done: int, rounds: int, pairs: int, *, bare: bool) -> None:
    """One line on standard error, since a run takes half an hour."""
    print(
        f"traffic: {'control, ' if bare else ''}{done} of {rounds} rounds, {pairs} pairs",
        file=sys.stderr,
        flush=True,
    )


async def _play(limit: trio.CapacityLimiter, rig: Rig, done: list[Round], one: Round) -> None:
    async with limit:
        pair = await rig.round(Random(f"{one.seed} {one.number}"), bare=one.bare)
    done.append(evolve(one, pair=pair))


def told_of(verdict: Verdict) -> dict[str, Any]:
    """With half the width of a 95 % interval, so that nobody takes few captures for many."""
    half = 1.96 * (verdict.accuracy * (1 - verdict.accuracy) / verdict.held_out) ** 0.5
    return {
        "accuracy": round(verdict.accuracy, 4),
        "plus_minus": round(half, 4),
        "held_out_captures": verdict.held_out,
        "learners": sorted(dict.fromkeys(verdict.learners)),
    }


def traffic(book: Book, rounds: int, at_once: int, seed: int) -> tuple[dict[str, Any], list[str]]:
    """Add so many rounds to the book (none: judge it as it is); the figures of the whole book, and a sentence for each that is missed."""
    trio.run(partial(capture, book, rounds, at_once, seed, bare=False))
    control = max(CONTROL_ROUNDS_MIN, rounds // 4) if rounds else 0
    trio.run(partial(capture, book, control, at_once, seed + 1, bare=True))
    plain, bare = book.pairs(bare=False), book.pairs(bare=True)
    if min(len(plain), len(bare)) < PAIRS_MIN:
        told_less = {"rounds": book.count(bare=False), "pairs": len(plain), "control_pairs": len(bare)}
        return told_less, [
            f"fewer than {PAIRS_MIN} rounds gave a pair of captures: nothing can be learnt; take more rounds"
        ]
    told: dict[str, Any] = {
        "rounds": book.count(bare=False),
        "rounds_without_a_pair": book.count(bare=False) - len(plain),
        "stem": told_of(tell_apart([pair.stem for pair in plain], seed)),
        "listening": told_of(tell_apart([pair.listening for pair in plain], seed)),
        "control": told_of(tell_apart([pair.stem for pair in bare], seed)),
    }
    missed = [
        f"the {kind} connection of a victim is told from a node's in {told[kind]['accuracy']} of the captures, where {LIMIT} is the most"
        for kind in ("stem", "listening")
        if told[kind]["accuracy"] > LIMIT
    ]
    if told["control"]["accuracy"] - told["control"]["plus_minus"] <= LIMIT:
        missed.append("a victim whose cells are not padded is not told from a node: the test has no power")
    return told, missed

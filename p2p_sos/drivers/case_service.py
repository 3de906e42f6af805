"""A victim's case as a whole: composed, stamped, sealed on disk, then carried into the mesh.

In come what the victim says, a secret and relays. Out goes a case file, and a process that serves it until it is
stopped. Joins as an ephemeral peer: no listen address, a fresh host key at each start.

The signed CALL waits in the case file until a first relay is connected; should it have grown old by then, a fresh one is
made for the new epoch, for nobody has seen the first.
"""

import os
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from random import Random

import trio
from attrs import define, evolve, field, frozen

from p2p_sos.core.actions import Keep
from p2p_sos.core.case.case import VictimSecrets, case_rows, closed_case, compose_call, secrets_of
from p2p_sos.core.case.case_view import CasePhase, CaseView
from p2p_sos.core.events import VictimCalls
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.node import Node
from p2p_sos.core.notices import Notice
from p2p_sos.core.origin.way import Way
from p2p_sos.core.tables import Table
from p2p_sos.drivers.api.asking import Asking
from p2p_sos.drivers.api.case_routes import CaseApi
from p2p_sos.drivers.api.notices import Hub, notice_json
from p2p_sos.drivers.api.server import application, serve_api
from p2p_sos.drivers.brought import is_slow
from p2p_sos.drivers.case_way import Route, checked, keep_route, mesh_of, settle
from p2p_sos.drivers.casefile import CaseFile
from p2p_sos.drivers.cells import rings
from p2p_sos.drivers.home import CaseHome, Home, Lock, prepare_socket
from p2p_sos.drivers.keyfile import SEED_BYTES
from p2p_sos.drivers.mesh import Mesh
from p2p_sos.drivers.runner import Runner
from p2p_sos.drivers.socks import SocksAddress
from p2p_sos.drivers.store import StoreError, StoreUnusable
from p2p_sos.drivers.watched import Watched
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame, decode, id_of, seal
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import Call
from p2p_sos.wire.profiles import LABORATORY, PROFILES, Profile
from p2p_sos.wire.registry import (
    CALL_EPOCH_S,
    STAMP_NONCE_BYTES,
    Certainty,
    Nature,
    Sector,
    Severity,
    Status,
    Urgency,
)
from p2p_sos.wire.stamps import solve

CALL_NOTE, PROFILE_NOTE = "call", "profile"  # the signed cell; the name of its network
LONGEST_LINGER_S = 900.0  # after a closing: the machine ends its keys earlier, this is the last resort


@frozen
class CallPlan:
    """What the victim says: all public but `situation`, which goes sealed to accepted helpers."""

    needs: int
    status: Status = Status.ACTUAL
    severity: Severity = Severity.HIGH
    urgency: Urgency = Urgency.IMMEDIATE
    certainty: Certainty = Certainty.OBSERVED
    nature: Nature = Nature.OTHER__UNDETERMINED
    sector: Sector = Sector.OTHER
    languages: tuple[int, ...] = ()
    cell: int = 0
    situation: str = ""


@frozen
class NewCase:
    """A case that is on disk and not yet sent. `recovery_code` is shown once and kept nowhere."""

    home: CaseHome
    file: CaseFile
    call: bytes
    recovery_code: str | None
    effort: int


class CaseEnd(Enum):
    """Why `serve_case` returned."""

    STOPPED = "stopped"
    NO_RELAY = "no-relay"  # nobody took the call in time: it stays queued in the case file
    TOO_OLD = "too-old"  # the call did not come back in time, and nobody takes it from here any more
    OVER = "over"  # the case is closed and its keys are gone: nothing is left to serve


async def create_case(  # noqa: PLR0913 - a case is made of that much
    home: Home,
    plan: CallPlan,
    *,
    passphrase: str | None,
    recovery_code: bool,
    bootstrap: Sequence[str],
    profile: str = LABORATORY,
    way: Way = Way.DIRECT,
    socks: tuple[str, int] | None = None,
) -> NewCase:
    """Compose, stamp (in a thread), sign and keep a call, and by which way it is to go; nothing is sent.

    Raises `Exists`, `HomeError`, `StoreError`, `StoreUnusable`, `WayRefused`.
    """
    network = PROFILES[profile]
    route = checked(Route(way, None if socks is None else SocksAddress(*socks)))
    victim = VictimSecrets(_fresh_key(), secrets.token_bytes(SEED_BYTES), plan.situation)
    call = compose_call(
        victim,
        epoch=int(time.time()) // CALL_EPOCH_S,
        status=plan.status,
        severity=plan.severity,
        urgency=plan.urgency,
        certainty=plan.certainty,
        nature=plan.nature,
        needs=plan.needs,
        sector=plan.sector,
        languages=plan.languages,
        cell=plan.cell,
    )
    frame = await trio.to_thread.run_sync(_stamped, call, network, victim.call_key)
    case = home.case(frame.id.hex()[:8])
    case.create()
    try:
        file, code = await trio.to_thread.run_sync(
            partial(CaseFile.create, case.file_path, passphrase=passphrase, recovery_code=recovery_code)
        )
        file.write_note(PROFILE_NOTE, profile.encode())
        file.write_note(CALL_NOTE, frame.cell)
        keep_route(file, route)
        # The secrets come last: a file without them was never finished.
        await file.commit([Keep(Table.CASE, key, value) for key, value in case_rows(victim)])
        case.write_hints(bootstrap)
    except (StoreError, StoreUnusable, OSError):
        shutil.rmtree(case.root, ignore_errors=True)  # never finished: it must not stand among the cases
        raise
    return NewCase(case, file, frame.id, code, network.stamp_effort_min)


def _fresh_key() -> SigningKey:
    return SigningKey(secrets.token_bytes(SEED_BYTES))


def _stamped(call: Call, profile: Profile, key: SigningKey) -> Frame:
    start = secrets.token_bytes(STAMP_NONCE_BYTES)
    stamp = solve(id_of(call, profile.network), profile.stamp_effort_min, start=start)
    return seal(call, profile.network, key, stamp)


# ------------------------------------------------------------------------- serving


@define(eq=False)
class CaseService:
    """A case that is being served, for the process that serves it."""

    home: CaseHome
    node: Node
    runner: Runner
    _watched: Watched
    end: CaseEnd = CaseEnd.STOPPED
    _call: bytes = b""
    _stopping: trio.Event = field(factory=trio.Event)

    def stop(self) -> None:
        """End `serve_case`; the case stays open and can be resumed."""
        self._stopping.set()

    async def until(self, holds: Callable[[CaseView], bool]) -> None:
        """Wait until this is true of the case; it is asked after every event."""
        await self._watched.until(lambda _node: holds(self.view()))

    def is_stopping(self) -> bool:
        """Whether an end was asked for."""
        return self._stopping.is_set()

    def finish(self, end: CaseEnd) -> None:
        """End `serve_case`, for this reason."""
        if not self.is_stopping():
            self.end = end
            self.stop()

    def view(self) -> CaseView:
        """The case now; before its call met a relay, a queued one."""
        queued = CaseView(self._call, CasePhase.QUEUED, 0, False, False, (), ())
        return self.node.case or queued

    @property
    def is_too_old(self) -> bool:
        """Whether the call did not come back, and is too old for anybody to take it from here: by hand it still goes."""
        # "The program SHOULD say so to its people as long as the call did not come back." (12-by-hand §4)
        view = self.node.case
        if view is None or view.heard or view.closed_how:
            return False
        record = self.node.calls.get(view.call)
        return record is not None and is_slow(record.frame, time.time())


def _nobody(_service: CaseService) -> None:
    pass


async def serve_case(  # noqa: PLR0913 - who serves a case decides that much
    case: CaseHome,
    file: CaseFile,
    bootstrap: Sequence[str],
    *,
    profile: str = LABORATORY,
    way: Way | None = None,
    socks: tuple[str, int] | None = None,
    weaker: bool = False,
    gossip: GossipSettings | None = None,
    no_relay_after_s: float | None = None,
    ready: Callable[[CaseService], None] = _nobody,
    task_status: trio.TaskStatus[CaseService] = trio.TASK_STATUS_IGNORED,
) -> CaseEnd:
    """Serve an open case file until stopped or over; a case whose call is not out yet sends it.

    With `no_relay_after_s`, ends with `NO_RELAY` when no relay ever took the call within that time of this start, and with
    `TOO_OLD` when none takes it any more and it did not come back.
    The file is closed on return. The file's own network counts; `profile` serves files that name none. So does its way,
    unless `way` names a stronger one, or a weaker one with `weaker`: the person's consent. `socks` is where the proxy
    listens now, if not where it did. Raises `Held`, `HomeError`, `StoreError`, `StoreUnusable`, `WayRefused`.
    """
    try:
        with Lock(case.lock_path, f"The case {case.name}"):
            rows = file.load(Table.CASE)
            victim = secrets_of(rows)
            if victim is None:
                if closed_case(rows) is not None:
                    return CaseEnd.OVER
                raise StoreUnusable(
                    f"The case {case.name} was never finished, and nothing was sent: call again."
                )
            network = PROFILES[(file.note(PROFILE_NOTE) or profile.encode()).decode()]
            route = settle(file, way, socks, weaker=weaker)
            mesh = mesh_of(route, file, bootstrap, loopback_apart=network.name == LABORATORY)
            serving = _assemble(case, file, victim, network, gossip or GossipSettings(), route.way, mesh)

            def tell_both(service: CaseService) -> None:
                task_status.started(service)
                ready(service)

            await _run(serving, no_relay_after_s, tell_both)
            return serving.service.end
    finally:
        file.close()


@frozen
class _Parts:
    """What the serving of one case is made of."""

    service: CaseService
    watched: Watched
    file: CaseFile
    victim: VictimSecrets
    profile: Profile
    hub: Hub
    mesh: Mesh


def _assemble(  # noqa: PLR0913, PLR0917 - the parts of one case
    case: CaseHome,
    file: CaseFile,
    victim: VictimSecrets,
    profile: Profile,
    gossip: GossipSettings,
    way: Way,
    mesh: Mesh,
) -> _Parts:
    node = Node(
        profile=profile,
        gossip=gossip,
        random=Random(secrets.randbits(256)),  # noqa: S311 - jitter and choices; secrets come from `entropy`
        entropy=secrets.token_bytes,
        rings=rings,
        victim=victim,
        way=way,
    )
    watched, hub = Watched(node), Hub()

    def tell(notice: Notice) -> None:
        # A case's process relays and so hears other calls too: whose helpers come there is not news of this one.
        if getattr(notice, "call", None) in {None, service.view().call}:
            hub.publish(notice_json(notice, time.time()))

    runner = Runner(watched, mesh, file, tell, check=partial(check, profile=profile))
    service = CaseService(case, node, runner, watched, call=_noted_call(file, profile).id)
    return _Parts(service, watched, file, victim, profile, hub, mesh)


def _noted_call(file: CaseFile, profile: Profile) -> Frame:
    frame = decode(file.note(CALL_NOTE) or b"", profile.network)
    if not isinstance(frame, Frame) or not isinstance(frame.message, Call):
        raise StoreUnusable("The case file holds no call of this network: call again.")
    return frame


async def _run(parts: _Parts, no_relay_after_s: float | None, ready: Callable[[CaseService], None]) -> None:
    service, runner = parts.service, parts.service.runner
    api_ended = trio.Event()
    asking = Asking(service.node, runner.ask, service.is_stopping)
    api = CaseApi(
        service.view, asking, parts.victim.call_key.public, service.stop, parts.mesh, partial(_begin, parts),
        lambda: service.is_too_old,
    )  # fmt: skip

    async def serve_people(*, task_status: trio.TaskStatus[None]) -> None:
        path = prepare_socket(service.home.root / "case.sock", os.environ)
        await serve_api(
            application(api.routes(), parts.hub), path, service._stopping, task_status=task_status
        )
        api_ended.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(runner.run)
        await nursery.start(serve_people)
        ready(service)
        async with trio.open_nursery() as watchers:
            watchers.start_soon(_call_when_joined, parts)
            watchers.start_soon(_end_with_keys, parts)
            if no_relay_after_s is not None:
                watchers.start_soon(_give_up, service, no_relay_after_s)
            await service._stopping.wait()
            watchers.cancel_scope.cancel()
        parts.hub.close()
        await api_ended.wait()
        await runner.stop()


async def _call_when_joined(parts: _Parts) -> None:
    """Hand the call to the case machine once there is a relay to take it."""
    await parts.watched.until(lambda node: bool(node.peers))
    await _begin(parts)


async def _begin(parts: _Parts) -> None:
    if parts.service.node.case is None:
        await parts.service.runner.ask(VictimCalls(await _fresh_call(parts)))


async def _fresh_call(parts: _Parts) -> Frame:
    """The noted call, or the same for this epoch: relays refuse one that is older than its epoch and the next."""
    frame, epoch = _noted_call(parts.file, parts.profile), int(time.time()) // CALL_EPOCH_S
    call = frame.message
    assert isinstance(call, Call)
    if call.epoch in {epoch, epoch - 1}:
        return frame
    anew = evolve(call, epoch=epoch)
    fresh = await trio.to_thread.run_sync(_stamped, anew, parts.profile, parts.victim.call_key)
    parts.file.write_note(CALL_NOTE, fresh.cell)
    parts.service._call = fresh.id
    return fresh


async def _end_with_keys(parts: _Parts) -> None:
    service = parts.service
    await service.until(lambda view: view.phase is CasePhase.CLOSED)
    with trio.move_on_after(LONGEST_LINGER_S):
        await service.until(lambda view: view.keys_gone)
    service.finish(CaseEnd.OVER)


async def _give_up(service: CaseService, within_s: float) -> None:
    with trio.move_on_after(within_s):
        # Relays are handed an old call too; they do not keep it.
        await service.until(lambda view: view.heard or (view.relays_taken > 0 and not service.is_too_old))
        return
    service.finish(CaseEnd.TOO_OLD if service.is_too_old else CaseEnd.NO_RELAY)

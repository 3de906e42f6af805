"""A node as a whole: home, store, machines, mesh and API in one nursery.

In come a home and settings. Out goes a running node, until it is stopped. Usable several times in one trio loop,
with different homes. Decides the order of start and stop; everything else is decided in the parts.
"""

import logging
import os
import secrets
import time
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

import trio
from attrs import define, field, frozen

from p2p_sos.core.calls.calls import CallState
from p2p_sos.core.duty.policy import Policy, Responder
from p2p_sos.core.events import OperatorReleases
from p2p_sos.core.node import Node
from p2p_sos.core.notices import DecisionWanted, Notice
from p2p_sos.drivers.api.asking import Asking
from p2p_sos.drivers.api.node_routes import NodeApi
from p2p_sos.drivers.api.notices import Hub, notice_json
from p2p_sos.drivers.api.server import application, serve_api
from p2p_sos.drivers.api.views import summary
from p2p_sos.drivers.cells import rings
from p2p_sos.drivers.home import DISK_ERRORS, Home, HomeError, Lock, prepare_socket
from p2p_sos.drivers.identity import host_seed, responder_seed
from p2p_sos.drivers.logs import log_notice, log_of
from p2p_sos.drivers.mesh import Mesh
from p2p_sos.drivers.metrics import Metrics
from p2p_sos.drivers.pager import Page, Pager, page_told
from p2p_sos.drivers.runner import Runner
from p2p_sos.drivers.settings import DutySettings, Settings
from p2p_sos.drivers.store import NodeStore
from p2p_sos.drivers.watched import Watched
from p2p_sos.wire.checks import check
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.profiles import LABORATORY, PROFILES
from p2p_sos.wire.registry import Detail, Reason
from p2p_sos.wire.vocabulary import mask_of_members

MIB = 2**20


class ListenError(HomeError):
    """An address cannot be listened on; the sentence says which setting to change."""


@define(eq=False)
class NodeService:
    """A running node, for the process that started it. `remarks` are sentences for its people."""

    home: Home
    peer_id: str
    addresses: tuple[str, ...]  # full ones, with /p2p/ and our id
    responder: str  # the public key as hex; "" for a pure relay
    node: Node
    runner: Runner
    remarks: tuple[str, ...]
    _watched: Watched
    _mesh: Mesh
    _stopping: trio.Event = field(factory=trio.Event)

    def stop(self) -> None:
        """End `serve_node`, keeping every claim: a restart goes on with them."""
        self._stopping.set()

    async def down(self) -> list[str]:
        """Release every claim, wait until that is durable, then stop; what is queued to peers leaves first.

        Returns the calls that were given back, as hex.
        """
        held = [
            call.hex()
            for call, record in self.node.calls.items()
            if record.mine == "claimed" and record.state is CallState.OPEN
        ]
        if held and not self._stopping.is_set():
            await self.runner.ask(OperatorReleases(None, Reason.UNABLE, Detail.NO_OPERATOR))
        self.stop()
        return held

    async def until(self, holds: Callable[[Node], bool]) -> None:
        """Wait until this is true of the node; it is asked after every event."""
        await self._watched.until(holds)

    def is_stopping(self) -> bool:
        """Whether an end was asked for."""
        return self._stopping.is_set()

    def connect(self, addresses: Sequence[str]) -> None:
        """Keep these peers too. Raises `ValueError` with a sentence."""
        self._mesh.connect(addresses)


def _nobody(_service: NodeService) -> None:
    pass


async def serve_node(
    home: Home,
    settings: Settings,
    *,
    bootstrap_extra: Sequence[str] = (),
    ready: Callable[[NodeService], None] = _nobody,
    task_status: trio.TaskStatus[NodeService] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until stopped or cancelled; `ready` and `task_status` once it listens and its API answers.

    Raises `Held`, `HomeError` (also when it cannot listen), `StoreUnusable` (also for keys), `StoreError`.
    """

    def tell_both(service: NodeService) -> None:
        task_status.started(service)
        ready(service)

    home.create()
    with (
        Lock(home.lock_path, f"The home {home.root}"),
        log_of(str(home.root), settings.log, home.root) as log,
    ):
        store = NodeStore(home.store_path, size_max_bytes=settings.store.size_max_mib * MIB)
        try:
            parts = _assemble(home, settings, store, bootstrap_extra, log)
            await _run(parts, tell_both)
        except BaseExceptionGroup as group:
            if (said := _cannot_listen(group, settings)) is not None:
                raise said from group
            raise
        finally:
            store.close()


@frozen
class _Parts:
    """What one node is made of."""

    service: NodeService
    mesh: Mesh
    api: NodeApi
    hub: Hub
    pager: Pager


def _assemble(
    home: Home, settings: Settings, store: NodeStore, bootstrap_extra: Sequence[str], log: logging.Logger
) -> _Parts:
    from p2p_sos.drivers.p2p.mesh import Libp2pMesh  # half a second and 85 MB: only a node pays that

    remarks: list[str] = []
    responder = _responder(home, settings.duty, store, remarks.append)
    for remark in remarks:
        log.warning(remark)
    profile = PROFILES[settings.node.profile]
    mesh = Libp2pMesh(
        host_seed(home), settings.node.listen, (*settings.node.bootstrap, *bootstrap_extra),
        loopback_apart=profile.name == LABORATORY,
    )  # fmt: skip
    node = Node(
        profile=profile,
        gossip=settings.gossip,
        random=Random(secrets.randbits(256)),  # noqa: S311 - jitter and choices; secrets come from `entropy`
        entropy=secrets.token_bytes,
        rings=rings,
        responder=responder,
    )
    hub, started_at = Hub(), trio.current_time()
    pager = Pager(settings.duty.hook, home.root)

    def uptime_s() -> float:
        return trio.current_time() - started_at

    def tell(notice: Notice) -> None:
        at_unix_s = time.time()
        hub.publish(notice_json(notice, at_unix_s))
        metrics.count(notice)
        log_notice(log, notice, at_unix_s)
        if isinstance(notice, DecisionWanted):
            have_paged(node, pager, notice, at_unix_s)

    watched = Watched(node)
    runner = Runner(watched, mesh, store, tell, check=partial(check, profile=profile))
    metrics = Metrics(node, store_path=home.store_path, uptime_s=uptime_s, faults=lambda: runner.faults)
    key = None if responder is None else responder.key
    public = b"" if key is None else key.public
    service = NodeService(home, mesh.peer_id, (), public.hex(), node, runner, tuple(remarks), watched, mesh)
    asking = Asking(node, runner.ask, service.is_stopping)
    api = NodeApi(
        node, asking, store, metrics, profile, mesh, public or None, uptime_s, service.down, pager, key
    )
    return _Parts(service, mesh, api, hub, pager)


def have_paged(node: Node, pager: Pager, asked: DecisionWanted, now_unix_s: float) -> None:
    """Have the person on duty paged about a call, unless it is an exercise or a test."""
    # "An exercise or a test MUST NOT page anybody." (05-calls §9)
    record = node.calls.get(asked.call)
    if not asked.page or record is None:
        return

    def wanted() -> bool:
        waiting = node.calls.get(asked.call)
        return waiting is not None and waiting.state is CallState.OPEN and waiting.mine == "asked"

    pager.page(Page(page_told(summary(record), asked.deadline_s, now_unix_s), wanted))


async def _run(parts: _Parts, ready: Callable[[NodeService], None]) -> None:
    """Start in the order runner, API, people; stop in the opposite one."""
    service, runner = parts.service, parts.service.runner
    api_ended = trio.Event()

    async def serve_people(*, task_status: trio.TaskStatus[None]) -> None:
        path = prepare_socket(service.home.root / "api.sock", os.environ)
        app = application(parts.api.routes(), parts.hub)
        await serve_api(app, path, service._stopping, task_status=task_status)
        api_ended.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(runner.run)
        service.addresses = parts.mesh.addresses
        await nursery.start(serve_people)
        nursery.start_soon(parts.pager.run)
        ready(service)
        await service._stopping.wait()
        parts.hub.close()
        await api_ended.wait()
        await runner.stop()
        nursery.cancel_scope.cancel()


def _cannot_listen(group: BaseExceptionGroup[BaseException], settings: Settings) -> ListenError | None:
    """What to say when a start failed because an address is taken or not ours; None if it was something else."""
    matched, rest = group.split(OSError)
    if matched is None or rest is not None:
        return None
    first: BaseException = matched
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if getattr(first, "errno", None) in DISK_ERRORS:
        return None
    where = ", ".join(settings.node.listen)
    return ListenError(f"Cannot listen on {where}: {first}. Stop what uses it, or change node.listen.")


def _responder(
    home: Home, duty: DutySettings, store: NodeStore, remark: Callable[[str], None]
) -> Responder | None:
    """Who answers at this node; None without skills: it relays."""
    if not duty.skills:
        return None
    key = SigningKey(responder_seed(home, store, remark))
    return Responder(key, policy_of(duty), duty.introduction)


def policy_of(duty: DutySettings) -> Policy:
    """The duty machine's policy, from what the operator wrote."""
    return Policy(
        skills=mask_of_members(duty.skills),
        sectors=mask_of_members(duty.sectors),
        languages=tuple(sorted(duty.languages)),
        cell=duty.cell,
        duty_hours=duty.duty_hours,
        slots=duty.slots,
        from_severity=duty.from_severity,
        manner=duty.manner,
        answer_within_s=duty.answer_within_s,
        exercises=duty.exercises,
    )

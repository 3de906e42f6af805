"""Every parameter of the gossip router, with its origin.

Decides nothing. Origins: "spec 1.0", "spec 1.1", "spec 1.2" (the published GossipSub documents), "brief (s)"
(simulated for this project), "measured" (by tests/core/gossip, on the harness there) or the honest "guess".
"""

from attrs import frozen

from p2p_sos.wire.registry import CALL_EPOCH_S, EPOCHS_EITHER_WAY, TIMINGS, TOPIC

LIFE_MAX_S = max(timing.life_s for timing in TIMINGS.values())


@frozen
class GossipSettings:
    """The router's parameters; durations in seconds, sizes in bytes."""

    topic: str = TOPIC
    heartbeat_s: float = 1.0  # spec 1.0

    # ------------------------------------------------------------------ eager links
    near: int = 3  # brief (s): the three links of lowest round trip
    degree: int = 4  # brief (s): D = the three near ones and one at random
    degree_low: int = 3  # guess: D_low; below it a new neighbour is grafted at once
    degree_high: int = 8  # measured: D_high; against 6, p99 at 20 % loss 8 % earlier for 2 % more copies
    degree_out: int = 1  # spec 1.1: D_out < D_low and at most D / 2
    near_gain_share: float = 0.2  # guess: a link takes a near place only when this much nearer ...
    near_gain_s: float = 0.005  # guess: ... and by this many seconds
    round_trip_guess_s: float = 0.2  # guess: of a link not measured yet
    prune_backoff_s: int = 60  # spec 1.1
    prune_backoff_max_s: int = 3600  # guess: what we honour of a peer's own wish
    backoff_slack_s: float = 1.0  # spec 1.1: one heartbeat
    graft_flood_s: float = 10.0  # spec 1.1: a GRAFT so soon after our PRUNE counts twice
    quiet_after_s: float = 30.0  # guess: a link so long in the mesh ...
    quiet_expected: int = 50  # guess: ... while so many messages were accepted is quiet ...
    quiet_share: float = 0.02  # guess: ... if it brought less than this share of them
    quiet_memory: int = 100  # guess: messages after which old ones count half

    # ------------------------------------------------------------------ lazy links
    announce_delay_min_s: float = 0.100  # brief (s)
    announce_delay_max_s: float = 0.150  # brief (s)
    announce_again_beats: tuple[int, ...] = (2, 8, 32, 64, 112)  # guess: heartbeats until IHAVE is repeated
    announce_frames_max: int = 10  # spec 1.1: others ignore more IHAVE a heartbeat
    announce_ids_max: int = 500  # spec 1.1: ten frames stay within the 5,000 ids that others take
    announce_beat_ids_max: int = 1000  # guess: of one heartbeat; two heartbeats' stay within iwant_bytes_max
    announce_queue_max: int = 8192  # guess: ids that wait for one peer
    want_delay_s: float = 0.005  # measured: scenario gossip-loss; at 20 ms its p99 is 15 ms later
    wanted_max: int = 8192  # guess: ids announced and not here yet
    announcers_max: int = 16  # guess: of one id
    promise_s: float = 3.0  # spec 1.1: a message asked for comes within this, or the promise is broken

    # ------------------------------------------------------------------ memory
    seen_ttl_s: float = LIFE_MAX_S + EPOCHS_EITHER_WAY * CALL_EPOCH_S  # longer than any call lives
    seen_max: int = 65_536  # guess: 15 MB; the store knows what it holds beyond
    history_beats: int = 120  # guess: a node that rejoins within two minutes still finds everything
    history_bytes_max: int = 16 * 2**20  # guess: 8,192 cells
    pending_max: int = 2048  # guess: messages that wait for a verdict
    pending_s: float = 120.0  # guess: longer than an orphan waits
    forgotten_s: float = 3.0  # guess: after which a message refused for want of budget may come again
    own_max: int = 65_536  # guess: messages of our own that we recognise, and whom they must not reach

    # ------------------------------------------------------------------ IDONTWANT and backlog
    idontwant_bytes_min: int = 1024  # spec 1.2: for large messages only
    idontwant_waiting_bytes: int | None = 65_536  # brief (s): pays under backlog alone; None never, 0 always
    idontwant_beats: int = 3  # spec 1.2: how long a peer's IDONTWANT is remembered
    lazy_waiting_bytes: int = 524_288  # guess: so much unsent makes a link lazy

    # ------------------------------------------------------------------ budgets, per peer
    budget_bytes_per_s: int = 2 * 2**20  # guess: 1,000 cells a second
    budget_burst_bytes: int = 8 * 2**20  # guess
    ihave_frames_max: int = 10  # spec 1.1, per heartbeat
    ihave_ids_max: int = 5000  # spec 1.1, per heartbeat
    iwant_ids_max: int = 5000  # spec 1.1, per heartbeat
    iwant_bytes_max: int = 4 * 2**20  # guess, per heartbeat
    frame_bytes_max: int = (
        61_440  # guess: messages in one answer to IWANT; 30 cells stay within rpc_bytes_wanted
    )
    iwant_repeat_max: int = 3  # spec 1.1: of one id to one peer
    idontwant_ids_max: int = 1000  # guess, per heartbeat
    mesh_requests_max: int = 10  # guess: GRAFT and PRUNE per heartbeat
    subscriptions_max: int = 16  # guess, per heartbeat

    # ------------------------------------------------------------------ score
    mesh_time_weight: float = 0.01  # P1, spec 1.1: small and positive; per second
    mesh_time_max_s: float = 100.0  # guess
    first_weight: float = 0.5  # P2: guess
    first_max: float = 10.0  # guess
    first_decay: float = 0.99  # guess: half in about 70 heartbeats
    quiet_weight: float = -0.25  # P3: guess; less than P1 gives by then, since an honest leaf is quiet too
    invalid_weight: float = -10.0  # P4: guess; squared
    invalid_decay: float = 0.999  # guess: half in about 12 minutes
    behaviour_weight: float = -10.0  # P7: guess; squared
    behaviour_threshold: float = 4.0  # guess: so much is forgiven
    behaviour_decay: float = 0.95  # guess: half in about 14 heartbeats
    unreadable_penalty: float = 2.0  # guess: the fourth frame in a row ends it
    gossip_threshold: float = -10.0  # guess: below it no IHAVE and IWANT
    publish_threshold: float = -50.0  # guess: below it none of our own messages
    graylist_threshold: float = -80.0  # guess: below it the peer is dropped
    score_memory_s: float = 3600.0  # guess: a peer that left keeps its bad score so long
    score_memory_max: int = 4096  # guess: peers remembered so

    # ------------------------------------------------------------------ bounds
    peers_max: int = 512  # guess: the driver holds connections well below this

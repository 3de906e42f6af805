-------------------------------- MODULE Leads --------------------------------
(* Who leads: rosters, their causality, leases, takeover, yielding, a cut     *)
(* network and a liar. Everybody has claimed already. Leases lapse whenever   *)
(* they like (`Timely` FALSE: every pause, clock and delay), or only where    *)
(* the lead cannot be heard (`Timely` TRUE, for what must come about).        *)
EXTENDS Rules

CONSTANTS
    Honest,      \* the honest responders; each is a node with a board
    Liars,       \* {} or {"z"}: it hears everything and tells each node what it likes
    Left,        \* the honest ones on one side of a cut; the others are on its other side
    Cuts,        \* how often the network may be cut
    RostersMax,  \* how many rosters one writer may write in this model
    LiesMax,     \* the same for a liar
    Asides,      \* the honest ones to whom a liar may hand its roster over
    Timely,
    Rewriters,   \* who may write its roster anew, once
    BeatsMax,    \* how often a liar whose lease lapsed is heard again
    Yields       \* FALSE, mutant: a lead never yields to an earlier one

VARIABLES board, lapsed, left, last, follows, cut, cuts, lies, led
vars == <<board, lapsed, left, last, follows, cut, cuts, lies, led>>

Reach(m, n) == ~cut \/ ((m \in Left) = (n \in Left))
Everything == lies \cup UNION {board[n] : n \in Honest}

Init ==
    /\ board = [n \in Honest |-> {}]
    /\ lapsed = [n \in Honest |-> {}]
    /\ left = [n \in Honest |-> {}]
    /\ last = [n \in Honest |-> None]
    /\ follows = [n \in Honest |-> None]
    /\ cut = FALSE /\ cuts = Cuts /\ lies = {} /\ led = FALSE

(* Node n holds B now, and the leases in L are over there. *)
Now(n, B, L, leaves) ==
    \E current \in {L \cap {Id(m) : m \in Newest(B)}} :
    \E s \in {Settle(B, current, leaves, last[n])} :
       /\ board' = [board EXCEPT ![n] = B]
       /\ lapsed' = [lapsed EXCEPT ![n] = current]
       /\ left' = [left EXCEPT ![n] = s.left]
       /\ last' = [last EXCEPT ![n] = s.last]
       /\ follows' = [follows EXCEPT ![n] = s.follows]
       /\ led' = (led \/ s.follows # None)
Hears(n, m) == Now(n, board[n] \cup {m}, lapsed[n], left[n])

Deliver(n) ==
    /\ \E p \in Honest : \E m \in board[p] \ board[n] : Reach(n, p) /\ Hears(n, m)
    /\ UNCHANGED <<cut, cuts, lies>>

Number(n) == 1 + Cardinality({m \in board[n] : m.kind = "roster" /\ m.by = n})
Free(n) == Number(n) <= RostersMax
(* HOLD outlasts a handover and its answer where messages travel in time. *)
Awaits(n) ==
    \E h \in Of(board[n], "handover") :
        /\ h.to \in Honest /\ Reach(n, h.to)
        /\ ~ \E m \in Of(board[n], "roster") : m.by = h.to /\ m.over = Id(h)
Write(n) ==
    /\ follows[n] = None /\ Free(n)
    /\ Timely => ~Awaits(n)
    /\ Hears(n, Roster(n, Number(n), Ids(board[n]), None))
    /\ UNCHANGED <<cut, cuts, lies>>

(* Without what it superseded, a lead looks whether an earlier one lives. *)
Fresh(n) == LeadOf(board[n], lapsed[n])
Yield(n) ==
    /\ Yields
    /\ follows[n][1] = n /\ Fresh(n) # None /\ Fresh(n)[1] # n
    /\ Hears(n, Handover(n, follows[n][2], Fresh(n)[1]))
    /\ UNCHANGED <<cut, cuts, lies>>

(* Who helps under it changed: a lead writes its roster anew. *)
Rewrite(n) ==
    /\ n \in Rewriters /\ follows[n][1] = n /\ Free(n)
    /\ \E m \in Of(board[n], "roster") :
        /\ Id(m) = follows[n] /\ Cardinality(m.row) = 1
        /\ Hears(n, Anew(m, Ids(board[n])))
    /\ UNCHANGED <<cut, cuts, lies>>

(* Its named successor answers with a new roster: tokens never go back. *)
Answer(n) ==
    /\ follows[n] = None \/ follows[n][1] = n
    /\ Free(n)
    /\ \E h \in Of(board[n], "handover") :
        /\ h.to = n /\ Id(h) \in Ids(board[n])
        /\ ~ \E m \in Of(board[n], "roster") : m.by = n /\ m.over = Id(h)
        /\ Hears(n, Roster(n, Number(n), Ids(board[n]) \cup {Id(h)}, Id(h)))
    /\ UNCHANGED <<cut, cuts, lies>>

(* Leases. A lead is heard under a roster while it follows that one itself. *)
Acts(x, n) == x[1] \in Honest /\ follows[x[1]][1] = x[1] /\ Reach(n, x[1])
Rosters(n) == {Id(m) : m \in {x \in Newest(board[n]) : x.by # n}}
Lapse(n) ==
    /\ \E x \in Rosters(n) \ lapsed[n] :
        /\ Timely => ~Acts(x, n)
        /\ Now(n, board[n], lapsed[n] \cup {x}, left[n])
    /\ UNCHANGED <<cut, cuts, lies>>
Beat == [kind |-> "beat", by |-> "z", no |-> IF Cardinality(Of(lies, "beat")) < BeatsMax THEN Cardinality(Of(lies, "beat")) + 1 ELSE 1]
Renewed(n, who) ==
    /\ \E x \in lapsed[n] :
        /\ x[1] \in who
        /\ (Timely /\ x[1] \in Honest) => Acts(x, n)
        /\ Now(n, board[n], lapsed[n] \ {x}, left[n])
        /\ lies' = IF x[1] \in Honest THEN lies ELSE lies \cup {Beat}
        /\ x[1] \in Honest \/ lies' # lies
    /\ UNCHANGED <<cut, cuts>>

(* A lead that hears nobody, or was paused, gives its roster up. *)
Fence(n) ==
    /\ ~Timely /\ follows[n][1] = n
    /\ Now(n, board[n], lapsed[n], left[n] \cup {follows[n]})
    /\ UNCHANGED <<cut, cuts, lies>>

Cut == ~cut /\ cuts > 0 /\ cut' = TRUE /\ cuts' = cuts - 1
       /\ UNCHANGED <<board, lapsed, left, last, follows, lies, led>>
Heal == cut /\ cut' = FALSE /\ UNCHANGED <<board, lapsed, left, last, follows, cuts, lies, led>>

(* The liar: it writes what its key can sign, hides what it has seen if it    *)
(* likes, hands over to whom it likes, and tells whom it likes.               *)
NewLies ==
    {Roster(z, 1 + Cardinality(Of(lies, "roster")), seen, None) :
        z \in IF Cardinality(Of(lies, "roster")) < LiesMax THEN Liars ELSE {}, seen \in {{}, Ids(Everything)}}
    \cup {Handover(x[1], x[2], to) : x \in {Id(m) : m \in {r \in Of(lies, "roster") : ~HandedOver(lies, r)}}, to \in Asides}
Tell(n) ==
    /\ \E m \in ((lies \ Of(lies, "beat")) \ board[n]) \cup NewLies :
        Hears(n, m) /\ lies' = lies \cup {m}
    /\ UNCHANGED <<cut, cuts>>

Next ==
    \/ Cut \/ Heal
    \/ \E n \in Honest :
        \/ Deliver(n) \/ Tell(n) \/ Write(n) \/ Rewrite(n) \/ Yield(n) \/ Answer(n)
        \/ Lapse(n) \/ Renewed(n, Honest \cup Liars) \/ Fence(n)

(* Something that can help goes on happening; no more than that is asked for. *)
Helps(n) == Deliver(n) \/ Write(n) \/ Yield(n) \/ Answer(n) \/ Lapse(n) \/ Renewed(n, Honest)
Fair == WF_vars(Heal \/ \E n \in Honest : Helps(n))
Spec == Init /\ [][Next]_vars
FairSpec == Spec /\ Fair

----------------------------------------------------------------------------
(* P1: equal boards and equal expiries, equal lead. *)
P1 == \A m, n \in Honest :
        (board[m] = board[n] /\ lapsed[m] = lapsed[n] /\ left[m] = left[n]) => follows[m] = follows[n]

(* P5: nobody follows a roster that it left for another. *)
P5 == \A n \in Honest : follows[n] \notin left[n]

(* No honest node forges: what stands under an honest name was written by it. *)
Honestly == \A n \in Honest : \A m \in Everything : m.by = n => m \in board[n]

(* What cannot be had together with availability: once somebody led, always exactly one. *)
ExactlyOneLead == led => Cardinality({n \in Honest : follows[n][1] = n}) = 1
NeverTwoLeads == Cardinality({n \in Honest : follows[n][1] = n}) <= 1

(* A lead that writes its roster anew goes on to lead. *)
GoesOn == [][\A n \in Honest : Rewrite(n) => follows'[n][1] = n]_vars

(* L3: once the network heals and leases tell the truth, all follow one roster, for good. *)
Agreed == \E x \in Ids(Everything) : \A n \in Honest : follows[n] = x
Agree == <>[]Agreed
(* Nobody needs more rosters than this model grants, so the bound hides nothing. *)
Enough == \A n \in Honest : Free(n)
=============================================================================

-------------------------------- MODULE Leads --------------------------------
(* Who leads: rosters, their causality, leases, takeover, ceding, yielding,   *)
(* a cut network and a liar. All writers have claimed already; the others     *)
(* only follow. Leases lapse whenever they like (`Timely` FALSE: every pause, *)
(* clock and delay), or only where the lead cannot be heard (`Timely` TRUE,   *)
(* for what must come about).                                                 *)
EXTENDS Rules

CONSTANTS
    Honest,      \* the honest nodes, each with a board
    Writers,     \* those of them that claimed, and may lead
    Liars,       \* {} or {"z"}: it hears everything and tells each node what it likes
    Cuts,        \* how often the network may be cut
    Crossed,     \* TRUE: it may be cut while a handover is on its way, too
    Mortal,      \* who may die, for good
    RostersMax,  \* how many rosters one writer may write in this model
    LiesMax,     \* the same for a liar
    Asides,      \* the honest ones to whom a liar may hand its roster over
    Timely,
    Rewriters,   \* who may write its roster anew, once
    BeatsMax,    \* how often a liar whose lease lapsed is heard again
    Yields,      \* FALSE, mutant: a lead never yields to an earlier one
    CedesToLead  \* FALSE, mutant: who takes its roster back hands it to nobody

VARIABLES board, lapsed, left, last, follows, cut, cuts, lies, led, gone
vars == <<board, lapsed, left, last, follows, cut, cuts, lies, led, gone>>

(* `cut`: who stands on one side of a cut, or nobody. *)
Alive == Honest \ gone  \* the others died
Reach(m, n) == {m, n} \subseteq Alive /\ (m \in cut) = (n \in cut)
Everything == lies \cup UNION {board[n] : n \in Honest}

Init ==
    /\ board = [n \in Honest |-> {}]
    /\ lapsed = [n \in Honest |-> {}]
    /\ left = [n \in Honest |-> {}]
    /\ last = [n \in Honest |-> None]
    /\ follows = [n \in Honest |-> None]
    /\ cut = {} /\ cuts = Cuts /\ lies = {} /\ led = FALSE /\ gone = {}

Own(B, n) == {m \in Newest(B) : m.by = n}
Free(n) == Cardinality({m \in board[n] : m.kind = "roster" /\ m.by = n}) < RostersMax

(* What n answers to a handover to it, once, if its view is s then. Who leads writes its own roster anew, which *)
(* keeps its place; where nobody leads a new roster takes over, unless others went on since the one handed     *)
(* over; and where another one leads nothing is to be done. Tokens never go back.                              *)
Took(n, B, s, h) ==
    IF ~Free(n) THEN {}
    ELSE IF s.follows[1] = n THEN {Anew(m, NextEpoch(B), Ids(B)) : m \in Own(B, n)}
    ELSE IF s.follows = None /\ (Id(h) \in Ids(B) => NextEpoch(B) = h.no + 1)
         THEN {Roster(n, NextEpoch(B), Ids(B) \cup {Id(h)}, Id(h))}
    ELSE {}
Answers(n, B, s, h) == IF Timely THEN {Took(n, B, s, h)} ELSE {Took(n, B, s, h), {}}

(* Node n holds B now, and the leases in L are over there; `news`: the handover to n that came, if one came. *)
Now(n, B, L, leaves, news) ==
    \E current \in {L \cap {Id(m) : m \in Newest(B)}} :
    \E v \in {Settle(B, current, leaves, last[n])} :
    \E added \in IF news = {} THEN {{}} ELSE Answers(n, B, v, One(news)) :
    \E s \in IF added = {} THEN {v} ELSE {Settle(B \cup added, current, v.left, v.last)} :
       /\ board' = [board EXCEPT ![n] = B \cup added]
       /\ lapsed' = [lapsed EXCEPT ![n] = current]
       /\ left' = [left EXCEPT ![n] = s.left]
       /\ last' = [last EXCEPT ![n] = s.last]
       /\ follows' = [follows EXCEPT ![n] = s.follows]
       /\ led' = (led \/ s.follows # None)
(* A roster that comes after one of a higher epoch is old news, and lives once its lead is heard under it, *)
(* or as long as the roster that it replaces would have lived.                                             *)
GoesOnFrom(m, r) == Id(r) \in m.row /\ \A x \in m.row : x[2] <= r.no \/ x = Id(m)
OldNews(n, m) ==
    /\ m.kind = "roster" /\ m.no + 1 < NextEpoch(board[n])
    /\ ~ \E r \in Own(board[n], m.by) : GoesOnFrom(m, r) /\ Id(r) \notin lapsed[n]
Hears(n, m) ==
    \E new \in IF ~OldNews(n, m) THEN {{}} ELSE IF Timely THEN {{Id(m)}} ELSE {{}, {Id(m)}} :
    Now(n, board[n] \cup {m}, lapsed[n] \cup new, left[n],
        IF m.kind = "handover" /\ m.to = n /\ n \in Writers THEN {m} ELSE {})

Deliver(n) ==
    /\ \E p \in Honest : \E m \in board[p] \ board[n] : Reach(n, p) /\ Hears(n, m)
    /\ UNCHANGED <<cut, cuts, lies, gone>>

(* HOLD outlasts a handover and its answer where messages travel in time. *)
Awaits(n) ==
    \E h \in Of(board[n], "handover") :
        /\ h.to \in Writers /\ Reach(n, h.to)
        /\ h \notin board[h.to] \/ ~(Own(board[h.to], h.to) \subseteq board[n])
(* Nobody leads: one that could writes a roster. Who led last goes on from its own. *)
Write(n) ==
    /\ n \in Writers /\ follows[n] = None /\ Free(n)
    /\ Timely => ~Awaits(n)
    /\ \E e \in {NextEpoch(board[n])} :
       \E m \in IF last[n][1] = n THEN {Anew(x, e, Ids(board[n])) : x \in Own(board[n], n)}
                 ELSE {Roster(n, e, Ids(board[n]), None)} :
          Hears(n, m)
    /\ UNCHANGED <<cut, cuts, lies, gone>>

(* Nobody keeps a roster of its own while it follows another one's: it hands the newest over at once, to that one. *)
Kept(n) == {m \in Own(board[n], n) : follows[n] # None /\ follows[n][1] # n /\ ~HandedOver(board[n], m)}
Cede(n) ==
    /\ \E m \in Kept(n) :
        /\ Hears(n, Handover(Id(m), IF CedesToLead THEN follows[n][1] ELSE "nobody", None))
    /\ UNCHANGED <<cut, cuts, lies, gone>>

(* Without what it superseded, a lead looks whether an earlier one lives; it yields to one roster once. *)
Fresh(n) == LeadOf(board[n], lapsed[n])
Yield(n) ==
    /\ Yields
    /\ follows[n][1] = n
    /\ \E x \in {Fresh(n)} :
        /\ x # None /\ x[1] # n
        /\ ~ \E h \in Of(board[n], "handover") : h.by = n /\ h.under = x
        /\ Hears(n, Handover(follows[n], x[1], x))
    /\ UNCHANGED <<cut, cuts, lies, gone>>

(* Who helps under it changed: a lead writes its roster anew. *)
Rewrite(n) ==
    /\ n \in Rewriters /\ follows[n][1] = n /\ Free(n)
    /\ \E m \in Of(board[n], "roster") :
        /\ Id(m) = follows[n] /\ Cardinality(m.row) = 1
        /\ Hears(n, Anew(m, NextEpoch(board[n]), Ids(board[n])))
    /\ UNCHANGED <<cut, cuts, lies, gone>>

(* Leases. A lead is heard under a roster while it follows that one itself. *)
Acts(x, n) == x[1] \in Honest /\ follows[x[1]][1] = x[1] /\ Reach(n, x[1])
Rosters(n) == {Id(m) : m \in {x \in Newest(board[n]) : x.by # n}}
Lapse(n) ==
    /\ \E x \in Rosters(n) \ lapsed[n] :
        /\ Timely => ~Acts(x, n) /\ \A p \in Honest : Reach(n, p) => board[p] \subseteq board[n]
        /\ Now(n, board[n], lapsed[n] \cup {x}, left[n], {})
    /\ UNCHANGED <<cut, cuts, lies, gone>>
Beat == [kind |-> "beat", by |-> "z", no |-> IF Cardinality(Of(lies, "beat")) < BeatsMax THEN Cardinality(Of(lies, "beat")) + 1 ELSE 1]
Renewed(n, who) ==
    /\ \E x \in lapsed[n] :
        /\ x[1] \in who
        /\ (Timely /\ x[1] \in Honest) => Acts(x, n)
        /\ Now(n, board[n], lapsed[n] \ {x}, left[n], {})
        /\ lies' = IF x[1] \in Honest THEN lies ELSE lies \cup {Beat}
        /\ x[1] \in Honest \/ lies' # lies
    /\ UNCHANGED <<cut, cuts, gone>>

(* A lead that hears nobody, or was paused, gives its roster up. *)
Fence(n) ==
    /\ ~Timely /\ follows[n][1] = n
    /\ Now(n, board[n], lapsed[n], left[n] \cup {follows[n]}, {})
    /\ UNCHANGED <<cut, cuts, lies, gone>>

(* Who dies hands nothing over. *)
Dies == /\ \E n \in Mortal \ gone : gone' = gone \cup {n}
        /\ UNCHANGED <<board, lapsed, left, last, follows, cut, cuts, lies, led>>
Arrived(kind) == \A m, n \in Honest : Of(board[m], kind) = Of(board[n], kind)
Cut == /\ cut = {} /\ cuts > 0 /\ (Crossed \/ Arrived("handover")) /\ cuts' = cuts - 1
       /\ cut' \in {side \in SUBSET Honest : Least(Honest, LAMBDA n : Rank[n]) \in side /\ side # Honest}
       /\ UNCHANGED <<board, lapsed, left, last, follows, lies, led, gone>>
Heal == cut # {} /\ cut' = {} /\ UNCHANGED <<board, lapsed, left, last, follows, cuts, lies, led, gone>>

(* The liar: it writes what its key can sign, hides what it has seen if it    *)
(* likes, hands over to whom it likes, and tells whom it likes.               *)
NewLies ==
    {Roster(z, 1 + Cardinality(Of(lies, "roster")), seen, None) :
        z \in IF Cardinality(Of(lies, "roster")) < LiesMax THEN Liars ELSE {}, seen \in {{}, Ids(Everything)}}
    \cup {Handover(x, to, None) : x \in {Id(m) : m \in {r \in Of(lies, "roster") : ~HandedOver(lies, r)}}, to \in Asides}
Tell(n) ==
    /\ \E m \in ((lies \ Of(lies, "beat")) \ board[n]) \cup NewLies :
        Hears(n, m) /\ lies' = lies \cup {m}
    /\ UNCHANGED <<cut, cuts, gone>>

(* Where messages travel in time nothing comes between. *)
Pending == Timely /\ \E n \in Writers \cap Alive : Kept(n) # {}
Next ==
    \/ Pending /\ \E n \in Writers \cap Alive : Cede(n)
    \/ ~Pending /\ (Cut \/ Heal \/ Dies)
    \/ ~Pending /\ \E n \in Alive :
        \/ Deliver(n) \/ Tell(n) \/ Write(n) \/ Rewrite(n) \/ Cede(n) \/ Yield(n)
        \/ Lapse(n) \/ Renewed(n, Honest \cup Liars) \/ Fence(n)

(* Something that can help goes on happening; no more than that is asked for. *)
Helps(n) == Deliver(n) \/ Write(n) \/ Cede(n) \/ Yield(n) \/ Lapse(n) \/ Renewed(n, Honest)
Fair == WF_vars(Heal \/ \E n \in Alive : Helps(n))
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
GoesOn == [][\A n \in Honest : (follows[n][1] = n /\ Own(board'[n], n) # Own(board[n], n)) => follows'[n][1] = n]_vars

(* L3: once the network heals and leases tell the truth, all follow one roster, for good. *)
Agreed == \E x \in Ids(Everything) : \A n \in Alive : follows[n] = x
Agree == <>[]Agreed
(* What L3 implies and a short counterexample shows: where nothing is left to do, all follow one roster. *)
NeverStuck == (cut # {} \/ \E n \in Alive : ENABLED Helps(n) \/ ~Free(n)) \/ Agreed
(* Nobody needs more rosters than this model grants, so the bound hides nothing. *)
Enough == \A n \in Honest : Free(n)
=============================================================================

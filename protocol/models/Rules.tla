-------------------------------- MODULE Rules --------------------------------
(* What a board says: the rules of 06-board as pure operators. They take a    *)
(* set of messages and what time added to it, and nothing else. `Leads` and   *)
(* `Help` let nodes act upon them.                                            *)
EXTENDS Naturals, FiniteSets

CONSTANTS
    Sticky,        \* mutant: a node keeps the lead that it saw first, while that lives
    Supersede,     \* FALSE, mutant: a roster that was left may be followed again
    Places,        \* FALSE, mutant: a roster written anew loses its place, and usurps those it has seen
    ByGroup,       \* FALSE, mutant: stand-downs and attests are counted by key, not by group
    CountOverdue,  \* mutant: a claim whose contact is overdue fills its place for ever
    F              \* how many lying groups a closing must outnumber

(* "y" and "z" are two keys of one liar and rank best: the worst case. *)
Rank == [y |-> 0, z |-> 1, a |-> 2, b |-> 3, c |-> 4]
Group == [y |-> "liar", z |-> "liar", a |-> "a", b |-> "b", c |-> "c"]

Least(S, Key(_)) == CHOOSE x \in S : \A y \in S : Key(x) <= Key(y)
Groups(S) == IF ByGroup THEN Cardinality({Group[r] : r \in S}) ELSE Cardinality(S)
Of(B, kind) == {m \in B : m.kind = kind}
By(B, kind) == {m.by : m \in Of(B, kind)}

----------------------------------------------------------------------------
(* Rosters. A roster: its writer; its epoch; `row`, the rosters of the same   *)
(* writer that it goes on from, itself included; and of the first of that     *)
(* row: `seen`, the rosters that its log had seen (causality), and `over`,    *)
(* the roster that was handed over to it, or None. A lead that writes its     *)
(* roster anew keeps its place so. On the wire both follow from the chain     *)
(* `replaces`. A handover: of whose roster, which one, to whom, and `under`,  *)
(* what its writer alone remembers: to which roster it yields, or None.       *)
(*                                                                            *)
(* `One(x)` of a set of one: TLC then works out x once, not at every mention. *)

None == <<"none", 0>>
One(S) == CHOOSE x \in S : TRUE
Roster(r, no, seen, over) ==
    [kind |-> "roster", by |-> r, no |-> no, row |-> {<<r, no>>}, seen |-> seen, over |-> over]
Anew(m, no, seen) ==
    IF Places THEN [m EXCEPT !.no = no, !.row = m.row \cup {<<m.by, no>>}]
    ELSE [Roster(m.by, no, seen, None) EXCEPT !.row = m.row \cup {<<m.by, no>>}]
Handover(x, to, under) == [kind |-> "handover", by |-> x[1], no |-> x[2], to |-> to, under |-> under]
Id(m) == <<m.by, m.no>>
Ids(B) == {Id(m) : m \in Of(B, "roster")}
(* "One more than the highest on the board": so the newest of one writer has the highest. *)
NextEpoch(B) == 1 + (IF Ids(B) = {} THEN 0 ELSE (CHOOSE x \in Ids(B) : \A y \in Ids(B) : y[2] <= x[2])[2])

(* "Newest ROSTER per signer counts." *)
Newest(B) == One({{m \in all : \A x \in all : x.by = m.by => x.no <= m.no} : all \in {Of(B, "roster")}})
HandedOver(B, m) == \E h \in B : h.kind = "handover" /\ Id(h) = Id(m)
Live(B, dead) == {m \in Newest(B) : Id(m) \notin dead /\ ~HandedOver(B, m)}

(* A roster that comes causally after a live one of somebody else is          *)
(* usurpation, but for one that was handed over.                              *)
Handed(B, m) == \E h \in B : h.kind = "handover" /\ Id(h) = m.over /\ h.to = m.by
Usurps(B, m, live) ==
    /\ \E y \in live : y.by # m.by /\ y.row \cap m.seen # {}
    /\ ~Handed(B, m)

(* Who leads: of those that usurp nothing the best by key, never by number. *)
BestOf(S) == IF S = {} THEN None ELSE Id(Least(S, LAMBDA m : Rank[m.by]))
LeadOf(B, dead) ==
    One({BestOf(IF Cardinality(live) < 2 THEN live ELSE {m \in live : ~Usurps(B, m, live)})
         : live \in {Live(B, dead)}})

(* What a node follows that followed `last` before. Leaving a roster for that *)
(* of another lead supersedes it for good, which can change the view once     *)
(* more; who writes its own anew leads on, and supersedes nothing.            *)
Dead(lapsed, left) == IF Supersede THEN lapsed \cup left ELSE lapsed
Seen(B, dead, last) == IF Sticky /\ last \in {Id(m) : m \in Live(B, dead)} THEN last ELSE LeadOf(B, dead)
RECURSIVE Settle(_, _, _, _)
Settle(B, lapsed, left, last) ==
    One({
        IF new = None THEN [follows |-> None, last |-> last, left |-> left]
        ELSE IF last = None \/ last[1] = new[1] \/ last \in left THEN [follows |-> new, last |-> new, left |-> left]
        ELSE Settle(B, lapsed, left \cup {last}, new)
        : new \in {Seen(B, Dead(lapsed, left), last)}})

----------------------------------------------------------------------------
(* Claims, contact and closing. *)

Claim(r) == [kind |-> "claim", by |-> r]
Attest(s, r) == [kind |-> "attest", by |-> s, of |-> r]
StandDown(r) == [kind |-> "stand-down", by |-> r]
Clear == [kind |-> "clear", by |-> "V"]

(* V's word, or, while the board holds none of V, that of F + 1 other groups. *)
Attested(B) ==
    LET ofV == {m.of : m \in {x \in Of(B, "attest") : x.by = "V"}}
        witnesses(r) == {s \in By(B, "claim") : Attest(s, r) \in B /\ (ByGroup => Group[s] # Group[r])}
    IN IF \E m \in B : m.by = "V" THEN ofV
       ELSE {r \in By(B, "claim") : Groups(witnesses(r)) >= F + 1}

(* Whose claims fill a place. *)
Counting(B, overdue) ==
    IF CountOverdue THEN By(B, "claim") ELSE By(B, "claim") \ (overdue \ Attested(B))

(* Only V closes a call, or F + 1 groups of attested responders while V is silent. *)
Closed(B, quiet) ==
    \/ Clear \in B
    \/ quiet /\ Groups(By(B, "stand-down") \cap Attested(B)) >= F + 1
=============================================================================

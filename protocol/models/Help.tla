-------------------------------- MODULE Help ---------------------------------
(* Who comes: claims behind a guard, contact that is overdue, waves, a cut    *)
(* that need not heal, a silent victim, and a liar whose two keys claimed     *)
(* before anybody else and never make contact.                                *)
EXTENDS Rules

CONSTANTS
    Honest,  \* the honest responders; each is a node with a board
    Liars,   \* keys that claimed already
    Left,    \* who stands on one side of a cut
    Cuts,    \* how often the network may be cut
    K,       \* how many groups are wanted at first
    Waves    \* how often a node doubles that while contact is not attested

VARIABLES board, overdue, wave, cut, cuts
vars == <<board, overdue, wave, cut, cuts>>

Reach(m, n) == ~cut \/ ((m \in Left) = (n \in Left))

Init ==
    /\ board = [n \in Honest |-> {Claim(z) : z \in Liars}]
    /\ overdue = [n \in Honest |-> {}]
    /\ wave = [n \in Honest |-> 0]
    /\ cut = FALSE /\ cuts = Cuts

Says(n, m) == m \notin board[n] /\ board' = [board EXCEPT ![n] = @ \cup {m}] /\ UNCHANGED <<overdue, wave, cut, cuts>>
Deliver(n) == \E p \in Honest \ {n} : Reach(n, p) /\ \E m \in board[p] : Says(n, m)

(* "Claims iff fewer groups than wanted hold counting claims, and its own none." *)
Guarded(n) == Cardinality({Group[r] : r \in Counting(board[n], overdue[n])}) >= K * 2 ^ wave[n]
Answer(n) == ~Guarded(n) /\ Says(n, Claim(n))

(* PROG is over: the contact of r is not attested; and, each time longer, that of nobody. *)
Overdue(n) ==
    \E r \in By(board[n], "claim") \ (overdue[n] \cup {n}) :
        /\ overdue' = [overdue EXCEPT ![n] = @ \cup {r}]
        /\ UNCHANGED <<board, wave, cut, cuts>>
Wave(n) ==
    /\ wave[n] < Waves
    /\ wave' = [wave EXCEPT ![n] = @ + 1]
    /\ UNCHANGED <<board, overdue, cut, cuts>>

Cut == ~cut /\ cuts > 0 /\ cut' = TRUE /\ cuts' = cuts - 1 /\ UNCHANGED <<board, overdue, wave>>
Heal == cut /\ cut' = FALSE /\ UNCHANGED <<board, overdue, wave, cuts>>

Helps(n) == Deliver(n) \/ Answer(n) \/ Overdue(n) \/ Wave(n)
Next == Cut \/ Heal \/ \E n \in Honest : Helps(n)
Spec == Init /\ [][Next]_vars
(* What can help goes on happening; the network may stay cut. *)
FairSpec == Spec /\ WF_vars(\E n \in Honest : Helps(n))

----------------------------------------------------------------------------
(* L1: with honest capable nodes in reach, each node sees an honest claim in  *)
(* the end, its own or another's, and for good.                               *)
L1 == <>[](\A n \in Honest : By(board[n], "claim") \cap Honest # {})
=============================================================================

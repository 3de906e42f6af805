------------------------------- MODULE Closing --------------------------------
(* Who closes a call: a victim that may fall silent at any time, attests,     *)
(* stand-downs, and a liar with two keys. Messages may be late for ever, so   *)
(* every cut of the network is among the runs.                                *)
EXTENDS Rules

CONSTANTS
    Honest,  \* the honest responders; each is a node with a board
    Liars    \* the keys of one liar, which made contact like everybody

VARIABLES board, over
vars == <<board, over>>

Init ==
    /\ board = [n \in Honest |-> {Claim(z) : z \in Liars}]
    /\ over = FALSE

Hears(n, M) ==
    /\ ~(M \subseteq board[n]) /\ board' = [board EXCEPT ![n] = @ \cup M]
    /\ UNCHANGED over
Deliver(n) == \E p \in Honest \ {n} : Hears(n, board[p])

(* The victim attests whoever made contact, honest or not, and closes when it is over. It need do neither: *)
(* from any moment on it may be silent for good.                                                           *)
VictimAttests(n) == Attest("V", n) \notin board[n]
                    /\ Hears(n, {Attest("V", r) : r \in By(board[n], "claim")})
VictimClears(n) == over /\ Hears(n, {Clear})
Ends == ~over /\ over' = TRUE /\ UNCHANGED board

(* The honest attest honest claimers whom they met, and stand down when it is over. *)
Claims(n) == Hears(n, {Claim(n)})
Witnesses(n) == Claim(n) \in board[n] /\ Hears(n, {Attest(n, r) : r \in (By(board[n], "claim") \cap Honest) \ {n}})
StandsDown(n) == over /\ Claim(n) \in board[n] /\ Hears(n, {StandDown(n)})

(* The liar's keys attest each other and themselves, and stand down as they like. *)
Vouches(n) == Hears(n, {Attest(s, r) : s \in Liars, r \in Liars})
Slanders(n) == Hears(n, {StandDown(z) : z \in Liars})

Next ==
    \/ Ends
    \/ \E n \in Honest :
        \/ Deliver(n) \/ VictimAttests(n) \/ VictimClears(n) \/ Claims(n)
        \/ Witnesses(n) \/ StandsDown(n) \/ Vouches(n) \/ Slanders(n)
Spec == Init /\ [][Next]_vars

----------------------------------------------------------------------------
(* P3: nobody takes a call for closed, not even a node that believes V silent *)
(* when it is not, but by V's word, or because honest helpers say it is over. *)
P3 == \A n \in Honest : Closed(board[n], TRUE) =>
        over /\ (Clear \in board[n] \/ By(board[n], "stand-down") \cap Honest # {})

(* One liar never closes a call alone, and cannot keep V's word from closing it. *)
VictimCloses == \A n \in Honest : Clear \in board[n] => Closed(board[n], FALSE)
=============================================================================

/*
 * m6 - one name that another server has: two workers whose players want it, one
 * of them fetches it (WANT, PULL, DROP, DENY), and publishes what it gets (PUB,
 * GRANT, UNPUB, as m4, but of pulls only: they never ask the owner of a name).
 * A player may go or stay, the other server may refuse, deliver, say goodbye or
 * be silent, and worker 0 (with TWOKILLS also 1) may die at any moment.
 *
 * At rest a name that is wanted is pulled by exactly one worker, one that is
 * not by none, and what is live is of the one that pulls it.
 *
 * HERE	a client of worker 1 publishes the name, too, as the other server lets it
 *	(HPUB): it gets it from who pulls it, and nobody pulls it while it is live.
 * NOKILL	nobody dies: fewer states
 *
 * Variants:
 * NOAGAIN   (HERE) a pull that began while a client waited for the name goes on
 * NOANSWER  a worker whose players were denied does not say UNWANT
 * NODROP    a refusal is not answered with DROP
 * NOMOVE    the death of a worker leaves its pull where it is
 * NOFLUSH   messages of a dead incarnation are handled after its death
 * ONLYCOLD  a worker says WANT only while the name is not live
 * NOLATE    a GRANT for a pull that is over is not answered with UNPUB
 * NOWAIT    a pull does not wait for the end of an older one, but is granted
 */
#ifndef PLAYERS
#define PLAYERS 2     /* that come, per worker */
#endif
#ifndef GROW
#define GROW 1        /* times that via grows, per worker */
#endif
#define RQ 8
bool kill[2], gone[2], up[2];
byte came[2], grew[2], byes;
bool has[2];                   /* players */
byte pull[2];                  /* id that a worker pulls */
bool w[2]; byte id, slot;      /* master: who wants, the pull, who pulls + 1 */
byte ids, gens;
byte lown, lgen, lid;          /* live: owner + 1, its generation, its pull */
byte pend, pendid;             /* waits for the name: slot + 1 */
bool asks, cl; byte cg;        /* HERE: the client asked, and stays; its generation */
#define CLIENT 99
mtype = { HPUB, HGRANT, WANT, UNWANT, REFUSED, PUB, UNPUB, READY, PULL, DROP, DENY, GRANT, NO };
chan q0 = [3] of { mtype, byte };
chan q1 = [3] of { mtype, byte };
chan r0 = [RQ] of { mtype, byte, byte };
chan r1 = [RQ] of { mtype, byte, byte };

proctype Worker(byte me; chan q; chan r) {
  bool stay;                   /* the player never goes by itself */
  bool bad, media;             /* what the other server will say */
  byte pub, g, a, b;           /* 0, 1 asked, 2 live; its generation */
  {
    q!READY,0;
    do
    :: !has[me] && came[me] < PLAYERS ->
       d_step { came[me]++; has[me] = 1 };
       if :: stay = 1 :: stay = 0 fi;
#ifdef ONLYCOLD
       if :: lown == 0 -> q!WANT,0 :: else fi
#else
       q!WANT,0
#endif
    :: has[me] && !stay -> has[me] = 0; q!UNWANT,0
    :: has[me] && grew[me] < GROW -> grew[me]++; q!WANT,0
    :: pull[me] && bad && pub == 0 ->
       a = pull[me]; d_step { pull[me] = 0; bad = 0 }; q!REFUSED,a; a = 0
    :: pull[me] && pub == 1 && byes < 1 ->   /* refused after all, unanswered */
       a = pull[me]; d_step { byes++; pull[me] = 0; pub = 0 }; q!REFUSED,a; a = 0
    :: pull[me] && media && pub == 0 -> d_step { media = 0; pub = 1 }; q!PUB,pull[me]
    :: pub == 2 && byes < 1 -> byes++; q!UNPUB,g; d_step { pub = 0; g = 0 }
#ifdef HERE
    :: me == 1 && !asks -> asks = 1; d_step { cl = 1 }; q!HPUB,0
    :: me == 1 && cg != 0 && !cl -> q!UNPUB,cg; cg = 0
    :: r?HGRANT,b,_ -> d_step { cg = b; b = 0 }; if :: cl = 0 :: skip fi
#endif
    :: r?PULL,a,_ ->
       if
       :: pull[me] == a        /* for a longer via */
       :: else ->
          assert(pull[me] == 0);
          d_step { pull[me] = a; bad = 0; media = 0; pub = 0 };
          if :: bad = 1 :: media = 1 :: skip fi
       fi; a = 0
    :: r?DROP,a,_ ->
       if
       :: pull[me] == a ->
          if :: pub == 2 -> q!UNPUB,g :: else fi;
          d_step { pull[me] = 0; pub = 0; g = 0; bad = 0; media = 0 }
       :: else
       fi; a = 0
    :: r?DENY,_,_ ->
       has[me] = 0;
#ifndef NOANSWER
       q!UNWANT,0
#endif
    :: r?GRANT,a,b ->
       if
       :: pull[me] == a && pub == 1 -> d_step { pub = 2; g = b }
       :: else ->
#ifndef NOLATE
          q!UNPUB,b
#endif
       fi; a = 0; b = 0
    :: r?NO,a,_ -> if :: pull[me] == a && pub == 1 -> pub = 0 :: else fi; a = 0
    od
  } unless { kill[me] };
  gone[me] = 1
}

inline tell(s, what, x, y) {
  if :: s == 1 -> r0!what,x,y :: s == 2 -> r1!what,x,y fi
}
#ifdef HERE
#define PUBLISHED (lown != 0 && lid == CLIENT)
#else
#define PUBLISHED false
#endif
/* any that is up: by the hash of its name */
inline assign() {
  if
  :: PUBLISHED -> slot = 0
  :: !PUBLISHED && up[0] -> slot = 1
  :: !PUBLISHED && up[1] -> slot = 2
  :: !PUBLISHED && !up[0] && !up[1] -> slot = 0
  fi;
  if :: slot != 0 -> tell(slot, PULL, id, 0) :: else fi
}
inline over() { d_step { id = 0; slot = 0 } }
inline grant(s, x) {
  gens++;
  assert(lown == 0);
  d_step { lown = s; lgen = gens; lid = x };
  tell(s, GRANT, x, gens)
}
/* a client publishes it: nobody shall pull it; what is wanted gets another id */
inline published() {
  if
  :: id != 0 && slot != 0 ->
     tell(slot, DROP, id, 0);
     slot = 0;
     if
     :: w[0] || w[1] ->
        ids++; id = ids
     :: else -> over()
     fi
  :: else
  fi
}
inline hgrant(s) {
  gens++;
  assert(lown == 0);
  d_step { lown = s; lgen = gens; lid = CLIENT };
  tell(s, HGRANT, gens, 0);
#ifndef NOAGAIN
  published()
#endif
}
inline givepend() {
  if
#ifdef HERE
  :: pend != 0 && pendid == CLIENT -> hgrant(pend); d_step { pend = 0; pendid = 0 }
#endif
  :: pend != 0 && pendid != CLIENT && pendid == id -> grant(pend, pendid); d_step { pend = 0; pendid = 0 }
  :: pend != 0 && pendid != CLIENT && pendid != id -> tell(pend, NO, pendid, 0); d_step { pend = 0; pendid = 0 }
  :: else
  fi
}
inline release() { d_step { lown = 0; lgen = 0; lid = 0 } }
inline handle(q, me) {
  if
  :: q?READY,_ ->
     up[me] = 1;
     if :: id != 0 && slot == 0 -> assign() :: else fi
  :: q?WANT,_ ->
     w[me] = 1;
     if
     :: id == 0 -> ids++; id = ids; assign()
     :: id != 0 && slot == 0 -> assign()
     :: id != 0 && slot != 0 -> if :: tell(slot, PULL, id, 0) :: skip fi
     fi
  :: q?UNWANT,_ -> w[me] = 0
  :: q?REFUSED,a ->
     if
     :: a == id && slot == me + 1 ->
        if :: w[0] -> r0!DENY,0,0 :: else fi;
        if :: w[1] -> r1!DENY,0,0 :: else fi;
#ifndef NODROP
        if :: slot != 0 -> tell(slot, DROP, id, 0) :: else fi;
#endif
        d_step { w[0] = 0; w[1] = 0 };
        over()
     :: else
     fi
  :: q?PUB,a ->
     if
     :: a != id || slot != me + 1 -> tell(me + 1, NO, a, 0)
     :: a == id && slot == me + 1 ->
        if
        :: lown == 0 -> grant(me + 1, a)
#ifdef NOWAIT
        :: lown != 0 -> grant(me + 1, a)
#else
        :: lown != 0 && (lid == a || pend != 0) -> tell(me + 1, NO, a, 0)
        :: lown != 0 && lid != a && pend == 0 -> d_step { pend = me + 1; pendid = a }
#endif
        fi
     fi
  :: q?UNPUB,a ->
     if
     :: lown == me + 1 && lgen == a ->
        release(); givepend();
        if :: id != 0 && slot == 0 && !PUBLISHED -> assign() :: else fi
     :: else
     fi
#ifdef HERE
  :: q?HPUB,_ ->
     if
     :: lown == 0 -> hgrant(me + 1)
     :: lown != 0 && pend != 0 -> skip  /* refused: somebody waits already */
     :: lown != 0 && pend == 0 ->
        d_step { pend = me + 1; pendid = CLIENT };
        published()
     fi
#endif
  fi; a = 0
}
inline death(me, q, r) {
  d_step { gone[me] = 0; kill[me] = 0; up[me] = 0; has[me] = 0; pull[me] = 0; w[me] = 0 };
#ifndef NOFLUSH
  do :: q?_,_ :: empty(q) -> break od;
#endif
  do :: r?_,_,_ :: empty(r) -> break od;
  if :: pend == me + 1 -> d_step { pend = 0; pendid = 0 } :: else fi;
  if :: me == 1 -> d_step { cl = 0; cg = 0 } :: else fi;
  if
  :: lown == me + 1 ->
     release(); givepend();
     if :: id != 0 && slot == 0 && !PUBLISHED -> assign() :: else fi
  :: else
  fi;
  if
  :: slot == me + 1 ->
#ifndef NOMOVE
     slot = 0;
     if :: w[1 - me] -> assign() :: else -> over() fi
#endif
  :: else
  fi;
  run Worker(me, q, r)
}
proctype Master() {
  byte a;
  do
  :: gone[0] -> death(0, q0, r0)
  :: gone[1] -> death(1, q1, r1)
  :: nempty(q0) && !gone[0] -> handle(q0, 0)
  :: nempty(q1) && !gone[1] -> handle(q1, 1)
  :: id != 0 && !w[0] && !w[1] ->          /* it has lingered */
     if :: slot != 0 -> tell(slot, DROP, id, 0) :: else fi;
     over()
  od
}
proctype Killer(byte x) { if :: kill[x] = 1 :: skip fi }
init {
  atomic { run Worker(0,q0,r0); run Worker(1,q1,r1); run Master();
#ifndef NOKILL
  run Killer(0);
#endif
#ifdef TWOKILLS
  run Killer(1)
#endif
  };
  timeout ->
  assert(pend == 0);
  if
  :: PUBLISHED -> assert(pull[0] == 0 && pull[1] == 0)
  :: else ->
     assert((has[0] || has[1]) == ((pull[0] != 0) + (pull[1] != 0) == 1));
     assert((pull[0] == 0) || (pull[1] == 0));
     assert(lown == 0 || pull[lown - 1] == lid)
  fi
}

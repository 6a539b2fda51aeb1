/*
 * m4 - publish, takeover, unpublish of one name.  Two workers, each serves one
 * client at a time; a client may go, worker 0 (with TWOKILLS also 1) may die and
 * the time-out of a takeover may pass at any moment.  (A name that is fetched from
 * another server is published otherwise, without a question: m6.)
 *
 * Variants:
 * NOLATE        a worker whose client is gone when OK arrives does not unpublish
 * NOFLUSH       messages of a dead incarnation are handled after its death
 * NOGEN         UNPUBLISH names no (block, gen), it ends whatever is live (no
 *               failure found: queues keep the order and die with the worker)
 * NOPENDCLR     the newcomer's death does not cancel the pending takeover
 * NODEATHGRANT  the old publisher's death does not resolve it
 * NOTIMEOUT     nor does the time-out
 * LOSEOK        an OK that does not fit into the queue is dropped, the grant stays
 * BYGEN         no request number: a late OK goes to the next client
 */
#ifndef CLIENTS
#define CLIENTS 2
#endif
#ifndef RQ
#define RQ 7          /* 3 shows the master blocking for ever on the full queue of a dead worker */
#endif
bool kill[2], gone[2];
byte nlive; byte gens;              /* LIVE owners of the name; last gen given */
byte lown, lgen;                    /* LIVE owner slot+1, gen */
byte pend, pid_, pinc;              /* waiting newcomer slot+1, its request id, its incarnation */
byte inc[2];                        /* incarnation per slot, to check against */
byte cl[2];                         /* clients started per slot */
byte has[2];                        /* gen a worker believes it publishes with a live client */
byte dead;
mtype = { PUB, UNPUB, KEEP, OKAY, NO, ASK };
chan q0 = [3] of { mtype, byte, byte };
chan q1 = [3] of { mtype, byte, byte };
chan r0 = [RQ] of { mtype, byte, byte };
chan r1 = [RQ] of { mtype, byte, byte };
proctype Worker(byte me; chan q; chan r) {
  bool ask;      /* a newcomer waits for our answer */
  byte con;      /* 0 none, 1 waiting for an answer, 2 publishing */
  byte id, g, a, b;
  {
    do
    :: con == 0 && cl[me] < CLIENTS -> cl[me]++; id++; con = 1; q!PUB,id,inc[me]
    :: con == 1 -> con = 0                                   /* client went away while waiting */
    :: con == 2 -> q!UNPUB,g,0; d_step { con = 0; g = 0; ask = 0; has[me] = 0 } /* goodbye or client lost */
    :: r?OKAY,a,b ->
       if
#ifdef BYGEN
       :: con == 1 -> assert(a == id); d_step { con = 2; g = b; has[me] = b }
#else
       :: con == 1 && a == id -> d_step { con = 2; g = b; has[me] = b }
#endif
       :: else ->
#ifndef NOLATE
          q!UNPUB,b,0
#endif
       fi; a = 0; b = 0
    :: r?NO,a,_ -> if :: con == 1 && a == id -> con = 0 :: else fi; a = 0
    :: r?ASK,b,_ ->
       if
       :: con == 2 && g == b -> ask = 1
       :: else          /* already unpublished: that message is on its way */
       fi; b = 0
    :: con == 2 && ask -> /* later: a byte came, or none for too long */
       if
       :: q!UNPUB,g,0; d_step { con = 0; g = 0; ask = 0; has[me] = 0 }
       :: q!KEEP,g,0; ask = 0
       fi
    od
  } unless { kill[me] };
  gone[me] = 1
}
inline grant(r, me, id, whose) {
  assert(whose == inc[me]);              /* who asked is who gets it */
  gens++; nlive++; assert(nlive == 1); lown = me+1; lgen = gens;
#ifdef LOSEOK
  if :: r!OKAY,id,gens :: skip fi
#else
  r!OKAY,id,gens
#endif
}
inline release() { nlive--; lown = 0; lgen = 0 }
inline givepend() {
  if
  :: pend == 1 -> pend = 0; grant(r0, 0, pid_, pinc)
  :: pend == 2 -> pend = 0; grant(r1, 1, pid_, pinc)
  :: else
  fi
}
inline handle(q, r, me) {
  if
  :: q?PUB,a,c ->
     if
     :: lown == 0 && pend == 0 -> grant(r, me, a, c)
     :: lown != 0 && pend == 0 -> pend = me+1; pid_ = a; pinc = c;
        if :: lown == 1 -> r0!ASK,lgen,0 :: lown == 2 -> r1!ASK,lgen,0 fi
     :: else -> r!NO,a,0
     fi
  :: q?UNPUB,a,_ ->
#ifdef NOGEN
     if :: lown != 0 -> assert(lgen == a && lown == me+1); release(); givepend() :: else fi
#else
     if :: lown != 0 && lgen == a && lown == me+1 -> release(); givepend() :: else fi
#endif
  :: q?KEEP,a,_ ->
     if
     :: pend == 0 || lgen != a
     :: else -> if :: pend == 1 -> r0!NO,pid_,0 :: pend == 2 -> r1!NO,pid_,0 fi; pend = 0
     fi
  fi; a = 0; c = 0
}
inline death(me, q, r) {
  gone[me] = 0; kill[me] = 0; has[me] = 0; inc[me]++;
#ifndef NOFLUSH
  do :: q?_,_,_ :: empty(q) -> break od;
#endif
  do :: r?_,_,_ :: empty(r) -> break od;
#ifndef NOPENDCLR
  if :: pend == me+1 -> pend = 0 :: else fi;
#endif
  if :: lown == me+1 -> release();
#ifndef NODEATHGRANT
     givepend()
#endif
     :: else fi;
  run Worker(me, q, r)
}
proctype Master() {
  byte a, c;
endm:
  do
  :: gone[0] -> death(0, q0, r0)
  :: gone[1] -> death(1, q1, r1)
  :: nempty(q0) && !gone[0] -> handle(q0, r0, 0)
  :: nempty(q1) && !gone[1] -> handle(q1, r1, 1)
#ifndef NOTIMEOUT
  :: pend != 0 -> if :: pend == 1 -> r0!NO,pid_,0 :: pend == 2 -> r1!NO,pid_,0 fi; pend = 0
#endif
  od
}
proctype Killer(byte w) { if :: kill[w] = 1 :: skip fi }
init {
  atomic { run Worker(0,q0,r0); run Worker(1,q1,r1); run Master(); run Killer(0);
#ifdef TWOKILLS
  run Killer(1)
#endif
  };
  /* clients always leave in the end (con==2 -> 0 is always enabled), so at rest the name must be free */
  timeout -> assert(nlive == 0 && lown == 0 && pend == 0)
}

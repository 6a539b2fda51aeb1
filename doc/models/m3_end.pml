/*
 * m3 - the end of a stream (shm/ring.h: ring_free_step, ring_watch).  Two
 * workers, each may publish and read one name; two blocks; small pools.
 *
 * KILL0, KILL1  worker 0, worker 1 may die
 * GHOST         also: a published ring stays readable while it may be looked at
 * OPS, MAXPUB, NSEG  bounds
 *
 * Variants:
 * NOWAITEND     owner scans interest bits after it sent UNPUBLISH, without
 *               seeing state_gen ENDED
 * GRACEFIRST    grace period before, not after, the bits were seen to be 0; wrong
 *               together with CLRIN only
 * CLRIN         interest bit cleared inside the section
 * NOGRACE       no grace period; wrong together with CLRIN only
 * RECHECKFIRST  reader checks state_gen, then sets its bit
 * OWNERFIRST    reader reads the owner before the re-check (right too)
 * LATEREPAIR    master starts the successor before it repairs bits and counter
 * STALEMSG      messages of a dead incarnation are handled after its death,
 *               whatever they name
 * WIPE          a new incarnation clears the halves of its slot (with GHOST)
 * PLAIN         claims and frees are load and store, not compare-and-swap (no
 *               failure found: only one side ever waits for a given value)
 * NORESET       nobody resets the half of a block when it is freed
 * SLEEPY        an owner with an ended stream sleeps until it is woken
 */
#define NSLOT 2
#define NB 2
#ifndef NSEG
#define NSEG 2
#endif
#ifndef MAXPUB
#define MAXPUB 2
#endif
#ifndef OPS
#define OPS 2
#endif
#define FREE 0
#define LIVE 1
#define ENDED 2
bool kill[NSLOT], gone[NSLOT]; byte crashes;
byte ctr[NSLOT];
byte st[NB], gen[NB], own[NB];     /* state_gen is written in one step */
bool orph[NB];
byte dir;                          /* 0, or 1+b*4+g : one name */
byte ow[NSLOT*NSEG];               /* 0 or 1+b*4+g */
byte half[NSLOT*NB];               /* 0 = nothing published, else 1 + segment index in own pool */
bool intr[NSLOT*NB];
#ifdef GHOST
bool hd[NSLOT*NB];                 /* ghost: this half was published and not yet reset */
#define SET(k,v) d_step { half[k] = v; hd[k] = 1 }
#define CLR(k) d_step { half[k] = 0; hd[k] = 0 }
#define GET(k) d_step { x = half[k]; assert(x != 0 || !hd[k]) }   /* a published ring stays readable */
#else
#define SET(k,v) half[k] = v
#define CLR(k) half[k] = 0
#define GET(k) x = half[k]
#endif
byte pubs; byte ops[NSLOT]; bool poke[NSLOT];
mtype = { PUB, UNPUB, FREED, OKAY, NO };
chan rq0 = [2] of { mtype, byte, byte };
chan rq1 = [2] of { mtype, byte, byte };
chan rp0 = [1] of { mtype, byte, byte };
chan rp1 = [1] of { mtype, byte, byte };
#ifndef NOWAITEND
#define G_END (gen[fb-1] == fg && st[fb-1] == ENDED)
#else
#define G_END true
#endif
#ifdef SLEEPY
#define G_POKE (poke[me])
#else
#define G_POKE true
#endif
#define ID(b,g) (1+(b)*4+(g))
inline step2(r) { ctr[r] = (ctr[r]+1)%4 }
proctype Worker(byte me; chan rq; chan rp) {
  byte pb, pg;            /* block published (b+1) */
  byte fb, fg, fph;       /* block waiting to be freed, phase */
  byte rb, rg;            /* block read (b+1) */
  byte i, x, o, s0, s1, g;
  {
#ifdef WIPE
    half[me*NB] = 0; half[me*NB+1] = 0;
#endif
    do
    /* publish */
    :: pb == 0 && fb == 0 && ops[me] > 0 && pubs < MAXPUB -> ops[me]--; rq!PUB,0,0;
       if
       :: rp?OKAY,x,g -> pb = x+1; pg = g;
          i = 0;
          do
          :: i < NSEG ->
#ifdef PLAIN
             if :: ow[me*NSEG+i] == 0 -> assert(ow[me*NSEG+i] == 0); ow[me*NSEG+i] = ID(x,g); SET(me*NB+x, i+1); break
#else
             if :: atomic { ow[me*NSEG+i] == 0 -> ow[me*NSEG+i] = ID(x,g) }; SET(me*NB+x, i+1); break
#endif
             :: else -> i++ fi
          :: else -> break
          od
       :: rp?NO,_,_
       fi; i = 0; x = 0; g = 0
    /* unpublish: any time */
    :: pb != 0 -> rq!UNPUB,pb-1,pg; d_step { fb = pb; fg = pg; fph = 0; pb = 0; pg = 0 }
    /* free */
    :: fb != 0 && fph == 0 && G_END && G_POKE ->
#ifdef GRACEFIRST
       s0 = ctr[0]; s1 = ctr[1]; fph = 1
    :: fb != 0 && fph == 1 && (s0%2 == 0 || ctr[0] != s0) && (s1%2 == 0 || ctr[1] != s1) -> fph = 2;
    :: fb != 0 && fph == 2 && !intr[fb-1] -> fph = 4
    :: fb != 0 && fph == 4 && !intr[NB+fb-1] -> fph = 3
#else
#ifdef SLEEPY
       poke[me] = 0;
       if :: !intr[fb-1] && !intr[NB+fb-1] -> fph = 1 :: else fi
#else
       fph = 1
#endif
    :: fb != 0 && fph == 1 && !intr[fb-1] -> fph = 2
    :: fb != 0 && fph == 2 && !intr[NB+fb-1] ->
#ifdef NOGRACE
       fph = 3
#else
       s0 = ctr[0]; s1 = ctr[1]; fph = 4
    :: fb != 0 && fph == 4 && (s0%2 == 0 || ctr[0] != s0) && (s1%2 == 0 || ctr[1] != s1) -> fph = 3
#endif
#endif
    :: fb != 0 && fph == 3 ->
       s0 = 0; s1 = 0; i = 0;
       do
       :: i < NSEG ->
#ifdef PLAIN
          if :: ow[me*NSEG+i] == ID(fb-1,fg) -> assert(ow[me*NSEG+i] == ID(fb-1,fg)); ow[me*NSEG+i] = 0
#else
          if :: atomic { ow[me*NSEG+i] == ID(fb-1,fg) -> ow[me*NSEG+i] = 0 }
#endif
          :: else fi; i++
       :: else -> break
       od; i = 0;
#ifndef NORESET
       CLR(me*NB+fb-1);
#endif
       rq!FREED,fb-1,fg; d_step { fb = 0; fg = 0; fph = 0 }
    /* attach */
    :: rb == 0 && ops[me] > 0 && dir != 0 -> ops[me]--;
       d_step { x = (dir != 0 -> (dir-1)/4 : 0); g = (dir != 0 -> (dir-1)%4 : 0) };
       if
       :: g == 0
       :: else ->
#ifdef OWNERFIRST
          o = own[x];
#endif
#ifdef RECHECKFIRST
          if :: st[x] == LIVE && gen[x] == g -> intr[me*NB+x] = 1; d_step { rb = x+1; rg = g } :: else fi
#else
          intr[me*NB+x] = 1;
          if
          :: st[x] == LIVE && gen[x] == g -> d_step { rb = x+1; rg = g };
#ifndef OWNERFIRST
             o = own[x]
#endif
          :: else -> intr[me*NB+x] = 0
          fi
#endif
       fi; x = 0; g = 0
    /* a section: voluntary while live, forced once ended */
    :: rb != 0 && (ops[me] > 0 || st[rb-1] != LIVE || gen[rb-1] != rg) ->
       if :: ops[me] > 0 && st[rb-1] == LIVE -> ops[me]-- :: else fi;
       step2(me);
#ifdef RECHECKFIRST
       o = own[rb-1];
#endif
       GET(o*NB+rb-1);
       g = 0;
       if :: st[rb-1] == LIVE && gen[rb-1] == rg -> g = 0 :: else -> g = 1 fi;   /* ended: finish the message, then detach */
#ifdef CLRIN
       if :: g -> intr[me*NB+rb-1] = 0 :: else fi;      /* sends still prepared, not yet submitted */
#endif
       if
       :: x != 0 -> assert(ow[o*NSEG+x-1] == ID(rb-1,rg)); assert(ow[o*NSEG+x-1] == ID(rb-1,rg))
       :: else
          skip
       fi;
       step2(me);
       if :: g ->
#ifndef CLRIN
          intr[me*NB+rb-1] = 0;
#endif
          rb = 0; rg = 0; o = 0
       :: else fi; x = 0; g = 0
    od
  } unless { kill[me] };
  gone[me] = 1
}
inline endb(b) { st[b] = ENDED; if :: dir == ID(b,gen[b]) -> dir = 0 :: else fi; poke[own[b]] = 1 }
inline publish(rp, me) {
  if
  :: dir == 0 && pubs < MAXPUB && (st[0] == FREE || st[1] == FREE) ->
     d_step { b = (st[0] == FREE -> 0 : 1); pubs++ };
     own[b] = me;
     d_step { gen[b] = gen[b]+1; st[b] = LIVE; orph[b] = 0 }; dir = ID(b,gen[b]);
     rp!OKAY,b,gen[b]
  :: else -> rp!NO,0,0
  fi
}
inline handle(rq, rp, me) {
  if
  :: rq?PUB,_,_ -> publish(rp, me)
  :: rq?UNPUB,b,g -> if :: st[b] == LIVE && gen[b] == g -> endb(b) :: else fi
  :: rq?FREED,b,g ->
#ifdef STALEMSG
     st[b] = FREE; half[me*NB+b] = 0
#else
     if :: st[b] == ENDED && gen[b] == g && !orph[b] -> st[b] = FREE :: else fi
#endif
  fi; b = 0; g = 0
}
inline repair(me) {
  intr[me*NB] = 0; intr[me*NB+1] = 0;
  if :: ctr[me]%2 -> step2(me) :: else -> step2(me); step2(me) fi
}
inline death(me, rq, rp) {
  gone[me] = 0; kill[me] = 0;
#ifdef LATEREPAIR
  run Worker(me, rq, rp);
#endif
  repair(me);
#ifndef STALEMSG
  do :: rq?_,_,_ :: empty(rq) -> break od;
#endif
  do :: rp?_,_,_ :: empty(rp) -> break od;
  b = 0;
  do
  :: b < NB ->
     if :: own[b] == me && st[b] == LIVE -> endb(b); orph[b] = 1
        :: own[b] == me && st[b] == ENDED -> orph[b] = 1
        :: else fi; b++
  :: else -> break
  od; b = 0;
#ifndef LATEREPAIR
  run Worker(me, rq, rp)
#endif
}
proctype Master() {
  byte b, g, i; byte ph[NB], s0[NB], s1[NB];
endm:
  do
  :: gone[0] -> death(0, rq0, rp0)
  :: gone[1] -> death(1, rq1, rp1)
  :: nempty(rq0) && !gone[0] -> handle(rq0, rp0, 0)
  :: nempty(rq1) && !gone[1] -> handle(rq1, rp1, 1)
  :: orph[0] && ph[0] == 0 && !intr[0] -> ph[0] = 1
  :: orph[0] && ph[0] == 1 && !intr[NB] -> s0[0] = ctr[0]; s1[0] = ctr[1]; ph[0] = 2
  :: orph[0] && ph[0] == 2 && (s0[0]%2 == 0 || ctr[0] != s0[0]) && (s1[0]%2 == 0 || ctr[1] != s1[0]) ->
     b = 0; goto sweep
  :: orph[1] && ph[1] == 0 && !intr[1] -> ph[1] = 1
  :: orph[1] && ph[1] == 1 && !intr[NB+1] -> s0[1] = ctr[0]; s1[1] = ctr[1]; ph[1] = 2
  :: orph[1] && ph[1] == 2 && (s0[1]%2 == 0 || ctr[0] != s0[1]) && (s1[1]%2 == 0 || ctr[1] != s1[1]) ->
     b = 1;
sweep:
     i = 0;
     do
     :: i < NSEG ->
#ifdef PLAIN
        if :: ow[own[b]*NSEG+i] == ID(b,gen[b]) -> assert(ow[own[b]*NSEG+i] == ID(b,gen[b])); ow[own[b]*NSEG+i] = 0
#else
        if :: atomic { ow[own[b]*NSEG+i] == ID(b,gen[b]) -> ow[own[b]*NSEG+i] = 0 }
#endif
        :: else fi; i++
     :: else -> break
     od;
     skip; CLR(own[b]*NB+b);
     d_step { st[b] = FREE; orph[b] = 0; ph[b] = 0; s0[b] = 0; s1[b] = 0; b = 0; i = 0 }
  od
}
proctype Killer(byte w) { if :: kill[w] = 1 :: skip fi }
init {
  atomic { ops[0] = OPS; ops[1] = OPS; run Worker(0, rq0, rp0); run Worker(1, rq1, rp1); run Master();
#ifdef KILL0
    run Killer(0);
#endif
#ifdef KILL1
    run Killer(1)
#endif
  };
  byte i;
  timeout -> 
    do :: i < NSLOT*NSEG -> assert(ow[i] == 0); i++ :: else -> break od;
    assert(st[0] == FREE && st[1] == FREE && dir == 0)
}

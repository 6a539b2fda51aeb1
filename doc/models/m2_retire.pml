/*
 * m2 - retiring segments of live rings (shm/section.h, shm/ring.h).  Slot 0 owns
 * streams 0 and 1, which share a pool; slots 1 and 2 (with TWO) read, and may
 * die once.
 *
 * NSEG, TS, MAXN  segments of the pool, entries of segtab, segments per stream
 *
 * Variants:
 * SNAPFIRST   snapshot of the counters before tail is moved
 * TAILFIRST   reader reads tail before its counter is odd
 * NOI3        segtab entry used again while its old segment is in limbo
 * LATEREPAIR  master starts the successor before it repairs the counter
 * SPLITINC    the counter is incremented by load and store, not in one step
 *             (right: it has one writer)
 */
#ifndef NSEG
#define NSEG 3
#endif
#ifndef TS
#define TS 2
#endif
#ifndef MAXN
#define MAXN 4
#endif
bool kill[3]; bool gone[3]; byte ctr[3]; byte crashes;
byte tail[2], head[2];
byte segtab[4];              /* stream*TS + n%TS */
byte ow[NSEG];               /* 0 free, else stream+1 */
byte cont[NSEG];             /* 255 being rewritten, else stream*16+n */
byte freed;
#ifndef NOI3
#define I3 (!(lu[0] && ls[0]==s && ln[0]+TS <= n) && !(lu[1] && ls[1]==s && ln[1]+TS <= n))
#else
#define I3 true
#endif
#define CODE(s,n) ((s)*16+(n)+1)
proctype Owner() {
  byte s, n, g; byte lseg[2], ls[2], ln[2], s1[2], s2[2]; bool lu[2]; byte k;
  byte x1, x2;
  do
  :: /* append */ if :: s = 0 :: s = 1 fi;
     n = head[s];
     if
     :: n < MAXN && n - tail[s] < TS && I3 ->
        d_step { g = 0; do :: g < NSEG && ow[g] != 0 -> g++ :: else -> break od };   /* own pool: nobody else writes these words */
        if
        :: g < NSEG -> d_step { ow[g] = s+1; cont[g] = 255 }; d_step { cont[g] = CODE(s,n);
           segtab[s*TS + n%TS] = g }; head[s] = n+1
        :: else
        fi
     :: else
     fi; d_step { s = 0; n = 0; g = 0 }
  :: /* retire */
     if :: !lu[0] -> k = 0 :: lu[0] && !lu[1] -> k = 1 fi;
     if :: s = 0 :: s = 1 fi;
     if
     :: head[s] - tail[s] > 0 ->
        n = tail[s]; lseg[k] = segtab[s*TS + n%TS];
#ifdef SNAPFIRST
        x1 = ctr[1]; x2 = ctr[2];
        tail[s] = n+1;
#else
        tail[s] = n+1;
        x1 = ctr[1]; x2 = ctr[2];
#endif
        d_step { s1[k] = x1; s2[k] = x2; ls[k] = s; ln[k] = n; lu[k] = 1; x1 = 0; x2 = 0 }
     :: else
     fi; d_step { s = 0; n = 0; k = 0 }
  :: d_step { lu[0] && (s1[0]%2 == 0 || ctr[1] != s1[0]) && (s2[0]%2 == 0 || ctr[2] != s2[0]) ->
       assert(ow[lseg[0]] == ls[0]+1);
       ow[lseg[0]] = 0; cont[lseg[0]] = 0; lu[0] = 0; lseg[0]=0; ls[0]=0; ln[0]=0; s1[0]=0; s2[0]=0 }
  :: d_step { lu[1] && (s1[1]%2 == 0 || ctr[1] != s1[1]) && (s2[1]%2 == 0 || ctr[2] != s2[1]) ->
       assert(ow[lseg[1]] == ls[1]+1);
       ow[lseg[1]] = 0; cont[lseg[1]] = 0; lu[1] = 0; lseg[1]=0; ls[1]=0; ln[1]=0; s1[1]=0; s2[1]=0 }
  od
}
proctype Reader(byte r) {
  byte s, t, h, g; byte c;
  {
    do
    :: if :: s = 0 :: s = 1 fi;
#ifdef TAILFIRST
       t = tail[s];
#endif
#ifdef SPLITINC
       c = ctr[r]; ctr[r] = (c+1)%4;
#else
       ctr[r] = (ctr[r]+1)%4;
#endif
#ifndef TAILFIRST
       t = tail[s];
#endif
       h = head[s];
       if
       :: t < h ->
          do :: t+1 < h -> t++ :: break od;     /* any position in [tail, head) */
          g = segtab[s*TS + t%TS];
          assert(cont[g] == CODE(s,t));
          assert(cont[g] == CODE(s,t))           /* the kernel is still copying */
       :: else
       fi;
       d_step { t = 0; h = 0; g = 0; s = 0; c = 0 };
       ctr[r] = (ctr[r]+1)%4
    od
  } unless { kill[r] };
  gone[r] = 1
}
proctype Master() {
  byte r;
endm:
  do
  :: (gone[1] || gone[2]) ->
     if :: gone[1] -> r = 1 :: gone[2] -> r = 2 fi;
     d_step { gone[r] = 0; kill[r] = 0 };
#ifdef LATEREPAIR
     run Reader(r);
#endif
     if :: ctr[r] % 2 == 1 -> ctr[r] = (ctr[r]+1)%4 :: else -> ctr[r] = (ctr[r]+2)%4 fi;
#ifndef LATEREPAIR
     run Reader(r)
#endif
  od
}
proctype Killer() { if :: kill[1] = 1 :: skip fi;
#ifdef TWO
  if :: kill[2] = 1 :: skip fi
#endif
}
init { atomic { run Owner(); run Reader(1);
#ifdef TWO
  run Reader(2);
#endif
  run Master(); run Killer() } }

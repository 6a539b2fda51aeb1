/*
 * m5 - seats (shm/seats.h): a limit of N that is exact across two workers.
 * Each worker serves clients one after the other: take a seat, sit or be
 * refused, give it back.  Worker 0 may die between any two steps; the master
 * then clears its seats, and its successor begins anew.
 *
 * N=n         seats
 * CL=n        clients per worker and incarnation
 * AT=n        at most so many sit at the same time in one worker
 *
 * Claims: never more than N sit; a refusal only if at one moment of the call
 * all seats were taken (a give counts as done when it is counted); at rest
 * every seat is free, and a search finds one.
 *
 * Variants:
 * NORESCAN    a search that found nothing refuses at once
 * GIVENFIRST  the give is counted before the word is cleared
 * NOCOUNT     the sweep clears words, but does not count
 * COUNTER     one number, counted up and down, with a note of one's own part
 * NOSWEEP     the master clears nothing
 */
#ifndef N
#define N 2
#endif
#ifndef CL
#define CL 2
#endif
#ifndef AT
#define AT 2
#endif
byte seat[N];          /* 0, or slot + 1 (an incarnation is swept before the next) */
byte given;
byte mid;              /* gives that are begun and not counted, all workers */
byte midof[2];
byte sit[2];           /* clients that sit */
byte total, own[2];    /* COUNTER */
bool house[2];         /* all seats were taken at one moment of the present take */
bool kill, gone, swept, fin[2];
byte known[2]; byte fullat[2];

inline look() {        /* ghost: note a full house for both callers */
  i_ = 0; n_ = mid;
  do :: i_ < N -> if :: seat[i_] != 0 -> n_++ :: else fi; i_++ :: else -> break od;
  if :: n_ >= N -> house[0] = 1; house[1] = 1 :: else fi;
  i_ = 0; n_ = 0
}
inline noted(me) { d_step { house[me] = 0; look() } }

proctype Worker(byte me) {
  byte c, i, k, g, mine[N], i_, n_; bool got;
  {
    do
    :: c < CL && sit[me] < AT ->                    /* a client comes */
       c++;
#ifdef COUNTER
       d_step { got = 0; house[me] = 0; if :: total >= N -> house[me] = 1 :: else fi };
       if
       :: atomic { total < N -> total++ }; own[me]++; d_step { sit[me]++; assert(sit[0] + sit[1] <= N) }
       :: atomic { total >= N -> assert(own[0] + own[1] >= N || (kill && !swept)) }
       fi
#else
       noted(me);
again: g = given;                                   /* T1 */
       if
       :: known[me] && fullat[me] == g -> assert(house[me]); goto next
       :: else
       fi;
       k = 0; got = 0;
       if :: i = 0 :: i = N - 1 fi;                 /* from anywhere, all round */
       do
       :: k < N && !got ->                          /* T2 */
          atomic {
            if
            :: seat[i] == 0 -> d_step { seat[i] = me + 1; mine[i] = 1; got = 1; known[me] = 0;
                                        sit[me]++; assert(sit[0] + sit[1] <= N); look() }
            :: else
            fi };
          i = (i + 1) % N; k++
       :: else -> break
       od;
       if
       :: got
       :: else ->
#ifndef NORESCAN
          if :: given != g -> goto again :: else fi; /* T3 */
#endif
          assert(house[me]);
          d_step { known[me] = 1; fullat[me] = g }
       fi;
next:  g = 0; d_step { i = 0; k = 0; got = 0; house[me] = 0 }
#endif
    :: sit[me] > 0 ->                               /* a client goes */
#ifdef COUNTER
       sit[me]--; total--; own[me]--
#else
       i = 0; do :: i < N - 1 -> i++ :: mine[i] -> break od; skip;
#ifdef GIVENFIRST
       given++;
       d_step { sit[me]--; mine[i] = 0; seat[i] = 0 }
#else
       d_step { sit[me]--; mine[i] = 0; seat[i] = 0; i = 0; mid++; midof[me]++ };  /* G1 */
       d_step { given++; mid--; midof[me]-- }                               /* G2 */
#endif
#endif
    :: c == CL && sit[me] == 0 -> break
    od
  } unless { me == 0 && kill };
  if
  :: me == 0 && kill -> d_step { sit[0] = 0; gone = 1 }
  :: else -> fin[me] = 1
  fi
}

proctype Master() {
  byte i;
  if
  :: kill = 1; gone;
#ifdef COUNTER
     d_step { total = total - own[0]; own[0] = 0 }
#else
#ifndef NOSWEEP
     i = 0;
     do
     :: i < N -> atomic { if :: seat[i] == 1 -> seat[i] = 0; mid++; midof[0]++ :: else fi }; i++
     :: else -> break
     od;
#endif
#ifndef NOCOUNT
     atomic { given++; mid = mid - midof[0]; midof[0] = 0 };
#else
     atomic { mid = mid - midof[0]; midof[0] = 0 };
#endif
#endif
     swept = 1;
     d_step { known[0] = 0; fullat[0] = 0 };
     kill = 0;
     run Worker(0)
  :: fin[0]
  fi
}

init {
  byte i;
  atomic { run Worker(0); run Worker(1); run Master() };
  fin[0] && fin[1];
  /* at rest */
#ifdef COUNTER
  assert(total == 0)
#else
  i = 0;
  do :: i < N -> assert(seat[i] == 0); i++ :: else -> break od;
  assert(!(known[1] && fullat[1] == given))
#endif
}

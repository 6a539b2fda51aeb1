/*
 * m1 - wake-up (shm/wake.h).  One reader slot; producer 0 owns streams 0 and 1
 * (dirty word 0), producer 1 owns stream 2 (dirty word 1); the master ends the
 * streams of a dead producer and restarts a dead reader.  The bound on sleeps
 * is left out on purpose: nothing may be lost without it.
 *
 * FR=n        passes per producer
 * ONE         producer 0 alone
 * KP, KR      a producer, the reader may die
 *
 * Variants:
 * EXCH        producer exchanges asleep to 0, writes the eventfd if it was 1
 *             (wrong with NOEFD: it may die between the two)
 * SKIPSUM     producer skips the sum when its dirty bit was already set (wrong
 *             with KR: the dead reader took the sum and left the bit)
 * DIRTYFIRST  reader clears dirty words before the sum
 * EARLYWAKE   the first stream of a pass wakes, later ones skip
 * ONLYEFD     after a death the master writes eventfds but marks no stream
 * NOEFD       after a death the master writes the eventfd only if asleep
 * JOINWRONG   reader reads head before it sets its interest bit
 * LATECLEAR   reader looks at head, then clears the dirty word
 * NORECHECK   reader does not look at the sum after asleep = 1
 * EFDORDER    master writes the eventfds before it marks
 */
#ifndef FR
#define FR 2
#endif
bool kill[3]; bool gone[3];
byte head[3]; bool ended[3];
byte dirty[2]; byte sum; bool asleep; bool efd; bool interest[3];
byte seen[3]; bool seenend[3];
byte spur;
#define W(s) ((s)/2)
#define BIT(s) (1<<((s)%2))

inline mark(s, old) {
#ifdef SKIPSUM
  d_step { old = dirty[W(s)] & BIT(s); dirty[W(s)] = dirty[W(s)] | BIT(s) };
  if :: old == 0 -> sum = sum | (1<<W(s)) :: else fi
#else
  dirty[W(s)] = dirty[W(s)] | BIT(s);
  sum = sum | (1<<W(s))
#endif
}
inline wake(woke, old) {
#ifdef EXCH
  d_step { old = asleep; asleep = 0 };
  if :: old -> efd = 1 :: else fi
#else
  if :: asleep && !woke -> efd = 1; woke = 1 :: else fi
#endif
}
proctype Prod(byte p; byte a; byte b) {
  byte f, s, old; bool woke;
  {
    do
    :: f < FR ->
       d_step { woke = 0; s = a };
       do
       :: s <= b ->
          if
          :: head[s]++;
             if :: interest[s] -> mark(s, old);
#ifdef EARLYWAKE
                wake(woke, old)
#endif
             :: else fi
          :: p == 0 -> skip
          fi; d_step { s++; old = 0 }
       :: else -> break
       od;
#ifndef EARLYWAKE
       wake(woke, old);
#endif
       f++
    :: else -> break
    od;
endp: (false)
  } unless { kill[p] };
  gone[p] = 1
}
inline look(s) { d_step { seen[s] = head[s]; if :: ended[s] -> seenend[s] = 1 :: else fi } }   /* state_gen and head read together: coarse, but both are re-read at each look */
proctype Reader() {
  byte t, d, w, s;
  {
    s = 0;
    do
    :: s < 3 ->
#ifdef JOINWRONG
       look(s); interest[s] = 1;
#else
       interest[s] = 1; look(s);
#endif
       s++
    :: else -> break
    od;
    do
    :: efd = 0; asleep = 0; 
#ifndef DIRTYFIRST
       d_step { t = sum; sum = 0 };
#else
       t = 3;
#endif
       w = 0;
       do
       :: w < 2 ->
          if
          :: t & (1<<w) ->
#ifdef LATECLEAR
             d = dirty[w];
#else
             d_step { d = dirty[w]; dirty[w] = 0 };
#endif
             s = w*2;
             do
             :: s < 3 && W(s) == w -> if :: d & BIT(s) -> look(s) :: else fi; s++
             :: else -> break
             od;
#ifdef LATECLEAR
             dirty[w] = 0
#endif
          :: else
          fi; w++
       :: else -> break
       od;
#ifdef DIRTYFIRST
       sum = 0;
#endif
       d = 0; t = 0; w = 0; s = 0;
       asleep = 1;
#ifndef NORECHECK
       if
       :: sum != 0
       :: else ->
#endif
endr:     if :: efd :: spur < 1 -> spur++ fi
#ifndef NORECHECK
       fi
#endif
    od
  } unless { kill[2] };
  gone[2] = 1
}
proctype Master() {
  byte old, i, lo, hi; bool woke;
endm:
  do
  :: gone[0] || gone[1] ->
     if :: gone[0] -> gone[0] = 0; lo = 0; hi = 1 :: gone[1] -> gone[1] = 0; lo = 2; hi = 2 fi;
     woke = 0;
#ifdef EFDORDER
     efd = 1;
#endif
     i = lo;
     do
     :: i <= hi -> ended[i] = 1;
#ifndef ONLYEFD
        mark(i, old);
#endif
        i++
     :: else -> break
     od;
#ifndef EFDORDER
#ifdef NOEFD
     wake(woke, old)
#else
     efd = 1
#endif
#endif
  :: gone[2] -> gone[2] = 0; asleep = 0;
     interest[0] = 0; interest[1] = 0; interest[2] = 0;
     d_step { seen[0]=0; seen[1]=0; seen[2]=0; seenend[0]=0; seenend[1]=0; seenend[2]=0; kill[2] = 0 };
     efd = 1; run Reader()
  od
}
proctype Killer() {
#ifdef KP
  if :: kill[0] = 1 :: kill[1] = 1 :: skip fi;
#endif
#ifdef KR
  if :: kill[2] = 1 :: skip fi;
#endif
  skip
}
#define OK(s) (!interest[s] || (ended[s] -> seenend[s] : seen[s] == head[s]))
init {
  atomic { run Prod(0,0,1);
#ifndef ONE
    run Prod(1,2,2);
#endif
    run Reader(); run Master(); run Killer() };
  timeout -> assert(interest[0] && interest[1] && interest[2] && OK(0) && OK(1) && OK(2))
}

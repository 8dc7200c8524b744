/** Places in the memory that the watchdog and the main thread share. */

/** 0: nothing; 1: an interrupt waits; 2: it has waited too long. */
export const interruptFlag = 0;
/** How many shielded calls are under way. */
export const shieldDepth = 1;
/** What SIGINT would do to the main thread now: one of the states below. */
export const guardState = 2;
/** How many interrupts the watchdog has heard of. */
export const interruptsHeard = 3;
/** How many of them were ordered before the newest run. */
export const interruptsBefore = 4;
export const flagCount = 5;

/** SIGINT would end nothing: the main thread waits, or runs code outside of a guard. */
export const unguarded = 0;
/** SIGINT would end the code that runs. */
export const guarded = 1;
/** The same, but the code must not be cut at this very moment. */
export const uncuttable = 2;
/** The watchdog has decided to send SIGINT: the guarded code waits for its end. */
export const cutting = 3;

/** How long the main thread has to take an interrupt by itself before SIGINT is used, in milliseconds. */
export const softDelayMs = 120;

/** Places in the memory that the watchdog and the main thread share. */

/** 0: nothing; 1: an interrupt waits; 2: it has waited too long. */
export const interruptFlag = 0;
/** How many shielded calls are under way. */
export const shieldDepth = 1;
export const flagCount = 2;

/** How long the main thread has to take an interrupt by itself before SIGINT is used. */
export const softDelayMs = 120;

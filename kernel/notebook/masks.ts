/**
 * What changes from run to run without meaning anything, and what stands for it when outputs are compared: times and
 * ids. Colours of terminals are dropped.
 */
const masks: readonly (readonly [RegExp, string])[] = [
  [/\u001b\[[\d;]*m/g, ""],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<id>"],
  [/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)?/g, "<time>"],
  [/\b\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?\b/g, "<time>"],
  // 3 ms, 1.5 s, 2 min 4 s; 1,200 tokens/s, 12.5 it/s
  [/\b\d[\d,.]*(?:e[+-]?\d+)? ?[\p{L}]{0,12}\/(?:s|sec|second|min|h)\b/gu, "<rate>"],
  [/\b\d[\d,.]*(?:e[+-]?\d+)? ?(?:ns|µs|us|ms|s|sec|secs|seconds?|min|minutes?|h|hours?)\b/g, "<duration>"],
  [/\b0x[0-9a-f]{4,}\b/gi, "<id>"],
  // Hexadecimal ids have letters and digits; numbers and words have not.
  [/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b/g, "<id>"],
  [/(?:\/tmp|\/var\/folders|\/private\/var|\/dev\/shm)\/[^\s"'`<>)\]]+/g, "<path>"],
  [/\b(localhost|127\.0\.0\.1|\[::1\]):\d+/g, "$1:<port>"],
  [/\b(pid|process) \d+\b/gi, "$1 <id>"],
];

/** A text with times and ids masked. */
export const masked = (text: string): string => masks.reduce((now, [found, mask]) => now.replace(found, mask), text);

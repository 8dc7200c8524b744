/** TypeScript's view of what the session adds to the global scope of cells. */
export const globalsText = `
/** Shows a value under the running cell: a mime bundle as it is, any other value as a result would be. */
declare const display: typeof import("cirlab/kernel").display;
/** Asks the person at the notebook for a line. */
declare const input: typeof import("cirlab/kernel").input;
`;

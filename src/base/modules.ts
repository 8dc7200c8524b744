/**
 * URL of a module beside the calling one, for worker threads and child processes: `.ts` where the source itself runs,
 * `.js` where the build runs.
 *
 * @param from the caller's `import.meta.url`.
 * @param path relative path without extension, for example `"./worker"`.
 */
export function siblingModule(from: string, path: string): URL {
  return new URL(`${path}${from.endsWith(".ts") ? ".ts" : ".js"}`, from);
}

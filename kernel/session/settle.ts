/** Makes this process as if it had been started in `folder` with the environment `env`. */
export function settle(folder: string, env: NodeJS.ProcessEnv): void {
  process.chdir(folder);
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
}

#!/usr/bin/env node
// Starts our server in the way in which the test-suite of @jupyterlab/services starts JupyterLab: the configuration comes
// as JUPYTER_CONFIG_DIR/jupyter_server_config.json, the address is read from the output, SIGTERM ends it with code 0.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const cirlab = fileURLToPath(new URL("../../bin/cirlab.js", import.meta.url));
const config = JSON.parse(readFileSync(join(process.env.JUPYTER_CONFIG_DIR, "jupyter_server_config.json"), "utf8"));
const { token, root_dir } = config.ServerApp;
const kernel = config.MultiKernelManager?.default_kernel_name;
const home = mkdtempSync(join(tmpdir(), "cirlab-services-"));

const options = ["--host", "localhost", "--port", process.argv[2] ?? "0", "--token", token, "--no-open", "--no-spare"];
if (kernel) options.push("--default-kernel", kernel);
const server = spawn(process.execPath, [cirlab, "start", root_dir, ...options], {
  env: { ...process.env, HOME: home },
  stdio: ["ignore", "pipe", "pipe"],
});
server.stdout.setEncoding("utf8").on("data", (text) => process.stdout.write(text.replaceAll("/tree?", "/lab?")));
server.stderr.pipe(process.stderr);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => server.kill(signal));
server.on("exit", (code) => {
  rmSync(home, { recursive: true, force: true });
  process.exitCode = code === 143 ? 0 : (code ?? 1);
});

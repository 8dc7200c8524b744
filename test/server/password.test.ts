import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { PasswordFile } from "../../server/auth/password.ts";
import { cookieHeader, cookiesOf, visit } from "./cookies.ts";
import { startServer, type TestServer } from "./server.ts";

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "cirlab-password-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function login(
  server: TestServer,
  password: string,
): Promise<{ status: number; cookies: Record<string, string> }> {
  const cookies = cookiesOf(await server.raw("/login"));
  const answer = await server.raw("/login", {
    method: "POST",
    headers: { Cookie: cookieHeader(cookies) },
    body: new URLSearchParams({ password, _xsrf: cookies._xsrf! }),
  });
  return { status: answer.status, cookies: { ...cookies, ...cookiesOf(answer) } };
}

const mayRead = async (server: TestServer, cookies: Record<string, string>): Promise<boolean> =>
  (await server.raw("/api/contents", { headers: { Cookie: cookieHeader(cookies) } })).status === 200;

/** Runs `cirlab password` without a terminal. */
function command(home: string, args: string[], input: string): Promise<{ code: number | null; text: string }> {
  const module = fileURLToPath(new URL("../../server/commands/password.js", import.meta.url));
  const program = `const { main } = await import(${JSON.stringify(module)}); process.exitCode = await main(process.argv.slice(1));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, "--", ...args], {
    env: { ...process.env, HOME: home, USERPROFILE: home },
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
  child.stdin.end(input);
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, text })));
}

describe("the password", () => {
  it("is kept as a salted scrypt hash that only its owner reads", async (t) => {
    const folder = await folderOf(t);
    const file = new PasswordFile(folder);
    assert.equal(file.isSet, false);
    assert.equal(await file.matches(""), false);
    await assert.rejects(file.set("short"), /at least 8 characters; this one has 5/);
    await file.set("correct horse");
    const first = await readFile(file.path, "utf8");
    assert.match(first, /^\{"algorithm":"scrypt","N":131072,"r":8,"p":1,"salt":"[^"]{24}","hash":"[^"]{44}"\}\n$/);
    if (process.platform !== "win32") assert.equal((await stat(file.path)).mode & 0o777, 0o600);
    assert.equal(await file.matches("correct horse"), true);
    for (const wrong of ["", "Correct horse"]) assert.equal(await file.matches(wrong), false);
    await file.set("correct horse");
    assert.notEqual(await readFile(file.path, "utf8"), first, "another salt");
    assert.equal(await file.remove(), true);
    assert.equal(await file.matches("correct horse"), false);
    assert.equal(await file.remove(), false);
    await writeFile(file.path, '{"algorithm":"scrypt","N":1099511627776,"r":8,"p":1,"salt":"","hash":""}');
    assert.throws(() => file.isSet, /is damaged\. Set the password again: cirlab password/);
  });

  it("is set and removed by a command", async (t) => {
    const home = await folderOf(t);
    const file = new PasswordFile(join(home, ".cirlab"));
    assert.deepEqual(await command(home, [], "short\n"), {
      code: 1,
      text: "cirlab password: A password has at least 8 characters; this one has 5.\n",
    });
    assert.equal((await command(home, [], "correct horse\n")).code, 0);
    assert.equal(await file.matches("correct horse"), true);
    assert.equal((await command(home, ["--remove"], "")).code, 0);
    assert.equal(file.isSet, false);
    assert.equal((await command(home, ["--wrong"], "")).code, 2);
    assert.equal((await command(home, [], "")).code, 1);
  });

  it("opens the server as the token does; a change ends the sessions at once", async (t) => {
    const userFolder = await folderOf(t);
    const file = new PasswordFile(userFolder);
    const server = await startServer(t, { userFolder });
    assert.equal((await login(server, "correct horse")).status, 401);
    await file.set("correct horse");
    assert.match(await (await server.raw("/login")).text(), /Password, or the token/);
    const { status, cookies } = await login(server, "correct horse");
    assert.equal(status, 302);
    assert.equal(await mayRead(server, cookies), true);
    assert.equal((await login(server, server.token)).status, 302);
    assert.equal((await login(server, "wrong horse")).status, 401);
    const asToken = await server.raw("/api/contents", { headers: { Authorization: "token correct horse" } });
    assert.equal(asToken.status, 403, "only the login page takes it");
    await file.set("another horse");
    assert.equal(await mayRead(server, cookies), false);
    assert.equal((await login(server, "correct horse")).status, 401);
  });
});

describe("a session", () => {
  it("outlives the server, unless it was ended or the chosen token changed", async (t) => {
    const userFolder = await folderOf(t);
    const first = await startServer(t, { userFolder, token: "first-token" });
    const [kept, ended] = [await visit(first), await visit(first)];
    assert.equal((await first.raw("/logout", { headers: { Cookie: cookieHeader(ended) } })).status, 302);
    assert.equal(await mayRead(first, ended), false);
    await first.close();
    const { port } = first;
    const again = await startServer(t, { userFolder, port, token: "first-token" });
    assert.equal(await mayRead(again, kept), true);
    assert.equal(await mayRead(again, ended), false);
    await again.close();
    const changed = await startServer(t, { userFolder, port, token: "other-token" });
    assert.equal(await mayRead(changed, kept), false);
    for (const name of ["session-key", "ended-sessions.json"])
      if (process.platform !== "win32") assert.equal((await stat(join(userFolder, name))).mode & 0o777, 0o600, name);
  });
});

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename as renameFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import WebSocket from "ws";
import { RootFolder } from "../../server/api/contents/paths.ts";
import { until } from "../until.ts";
import { cookieHeader, visit } from "./cookies.ts";
import { sendRaw, wire } from "./raw.ts";
import { notebook, startServer, type TestServer } from "./server.ts";

/** Content of the files that nobody may see. */
const secret = "what-nobody-may-see";

/** Names, contents, links and permissions of everything under a folder, in one number. */
async function fingerprint(folder: string): Promise<string> {
  const hash = createHash("sha256");
  const walk = async (at: string): Promise<void> => {
    for (const name of (await readdir(at)).sort()) {
      const path = join(at, name);
      const info = await lstat(path);
      hash.update(JSON.stringify([path, info.mode, info.isFile() ? info.size : 0]));
      if (info.isSymbolicLink()) hash.update(await readlink(path));
      else if (info.isDirectory()) await walk(path);
      else hash.update(await readFile(path));
    }
  };
  await walk(folder);
  return hash.digest("hex");
}

const isWhole = (name: string): boolean => name.endsWith(".json");

/** What an attacker has of the honest user, depending on the attack. */
interface Loot {
  token: string;
  /** `Cookie` header of a page that is logged in. */
  cookie: string;
  xsrf: string;
  port: number;
}

type Headers = Record<string, string | undefined>;
type Attack = readonly [
  name: string,
  status: number,
  method: string,
  target: string | ((loot: Loot) => string),
  headers?: Headers | ((loot: Loot) => Headers),
  body?: string,
];

const withToken = ({ token }: Loot): Headers => ({ Authorization: `token ${token}` });
const withCookie = ({ cookie }: Loot): Headers => ({ Cookie: cookie });
const withProof =
  (more: Headers) =>
  ({ cookie, xsrf }: Loot): Headers => ({ Cookie: cookie, "X-XSRFToken": xsrf, ...more });
const upgrade = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13" };
const opening = { ...upgrade, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" };

const save = JSON.stringify({ type: "file", format: "text", content: "overwritten" });
const make = '{"type":"notebook"}';
const rename = (path: string): string => JSON.stringify({ path });
const channels = "/api/kernels/00000000-0000-0000-0000-000000000000/channels";
const events = "/api/events/subscribe";

const strangers: Attack[] = [
  ["the list of files without a credential", 403, "GET", "/api/contents"],
  ["a wrong token in a header", 403, "GET", "/api/contents", { Authorization: "token 0123456789abcdef" }],
  ["a wrong token in the address", 403, "GET", "/api/contents?token=0123456789abcdef"],
  ["an empty token", 403, "GET", "/api/contents?token=", { Authorization: "token " }],
  ["the token as Basic", 403, "GET", "/api/contents", ({ token }) => ({ Authorization: `Basic ${token}` })],
  [
    "the token's beginning",
    403,
    "GET",
    "/api/contents",
    ({ token }) => ({ Authorization: `token ${token.slice(0, -1)}` }),
  ],
  ["a page without a credential", 302, "GET", "/notebooks/work.ipynb"],
  ["a file without a credential", 302, "GET", "/files/work.ipynb"],
  ["a save without a credential", 403, "PUT", "/api/contents/work.ipynb", {}, save],
  ["a deletion without a credential", 403, "DELETE", "/api/contents/work.ipynb"],
  ["a kernel without a credential", 403, "POST", "/api/kernels", {}, "{}"],
  ["the API under another spelling", 403, "POST", "/API/contents", {}, make],
  [
    "a made-up session",
    403,
    "GET",
    "/api/contents",
    ({ port }) => ({ Cookie: `cirlab-session-${port}=a.zzzzzzzzz.b` }),
  ],
  [
    "a session whose end was moved",
    403,
    "GET",
    "/api/contents",
    ({ cookie }) => ({ Cookie: cookie.replace(/\.[0-9a-z]+\./, ".zzzzzzzzz.") }),
  ],
  [
    "a session of another server of this user",
    403,
    "GET",
    "/api/contents",
    ({ cookie, port }) => ({ Cookie: cookie.replace(`cirlab-session-${port}`, `cirlab-session-${port + 1}`) }),
  ],
];

const otherSites: Attack[] = [
  ["a write without proof that our page sent it", 403, "POST", "/api/contents", withCookie, make],
  [
    "a write with a wrong proof",
    403,
    "POST",
    "/api/contents",
    (loot) => ({ ...withCookie(loot), "X-XSRFToken": "0".repeat(48) }),
    make,
  ],
  [
    "a form of another site",
    403,
    "POST",
    "/api/contents",
    (loot) => ({ ...withCookie(loot), "Content-Type": "text/plain", Origin: "http://evil.example" }),
    make,
  ],
  [
    "a write from a foreign origin, with proof",
    403,
    "POST",
    "/api/contents",
    withProof({ Origin: "http://evil.example" }),
    make,
  ],
  [
    "a write from another port of this machine",
    403,
    "POST",
    "/api/contents",
    withProof({ Origin: "http://127.0.0.1:1" }),
    make,
  ],
  ["a write from a sandboxed page", 403, "POST", "/api/contents", withProof({ Origin: "null" }), make],
  [
    "a read by another site",
    403,
    "GET",
    "/api/contents",
    (loot) => ({ ...withCookie(loot), "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors" }),
    "",
  ],
  [
    "a read by a sibling site",
    403,
    "GET",
    "/api/contents",
    (loot) => ({ ...withCookie(loot), "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors" }),
    "",
  ],
  [
    "another site that knows the token",
    403,
    "GET",
    "/api/contents",
    (loot) => ({ ...withToken(loot), "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors" }),
    "",
  ],
  [
    "another site that ends the session",
    403,
    "GET",
    "/logout",
    (loot) => ({ ...withCookie(loot), "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate" }),
    "",
  ],
  [
    "a login that no form of ours sent",
    403,
    "POST",
    "/login",
    { "Content-Type": "application/x-www-form-urlencoded" },
    "password=x",
  ],
  [
    "a name that was made to lead here",
    403,
    "GET",
    "/api/contents",
    (loot) => ({ ...withToken(loot), Host: "evil.example" }),
  ],
  [
    "a name that begins like ours",
    403,
    "GET",
    "/api/contents",
    (loot) => ({ ...withToken(loot), Host: "localhost.evil.example" }),
  ],
  [
    "a proxy's word that nobody asked for",
    403,
    "GET",
    "/api/contents",
    (loot) => ({ ...withToken(loot), Host: "evil.example", "X-Forwarded-Host": "localhost" }),
  ],
  [
    "a header that would end another",
    403,
    "GET",
    "/tree",
    (loot) => ({ ...withToken(loot), Host: "localhost;script-src *" }),
  ],
  ["no Host at all", 400, "GET", "/api/contents", (loot) => ({ ...withToken(loot), Host: undefined })],
  ["the address of another server", 400, "GET", "http://evil.example/api/contents", withToken],
];

const sockets: Attack[] = [
  ["a websocket without a token", 403, "GET", events, opening],
  ["a websocket with a wrong token", 403, "GET", `${events}?token=wrong`, opening],
  ["a kernel's websocket without a token", 403, "GET", channels, opening],
  ["a websocket at an address that is no URL", 403, "GET", "//", opening],
  [
    "a websocket at a port that is none, with the token",
    404,
    "GET",
    "//a:b/",
    (loot) => ({ ...opening, ...withToken(loot) }),
  ],
  [
    "a websocket of another site, with the cookie",
    403,
    "GET",
    events,
    (loot) => ({ ...opening, ...withCookie(loot), Origin: "http://evil.example" }),
  ],
  [
    "a websocket of another site, with the token",
    403,
    "GET",
    events,
    (loot) => ({ ...opening, ...withToken(loot), Origin: "http://evil.example" }),
  ],
  [
    "a websocket of a sandboxed page",
    403,
    "GET",
    events,
    (loot) => ({ ...opening, ...withCookie(loot), Origin: "null" }),
  ],
  ["a websocket with the cookie and no origin", 403, "GET", events, (loot) => ({ ...opening, ...withCookie(loot) })],
  [
    "a websocket under a foreign name",
    403,
    "GET",
    events,
    (loot) => ({ ...opening, ...withToken(loot), Host: "evil.example" }),
  ],
  ["a websocket of a kernel that is not there", 404, "GET", channels, (loot) => ({ ...opening, ...withToken(loot) })],
  [
    "the live channel from another site",
    403,
    "GET",
    "/socket.io/?EIO=4&transport=polling",
    (loot) => ({ ...withCookie(loot), Origin: "http://evil.example" }),
  ],
  [
    "the live channel under a foreign name",
    403,
    "GET",
    "/socket.io/?EIO=4&transport=websocket",
    (loot) => ({ ...opening, ...withToken(loot), Host: "evil.example" }),
  ],
];

const traversal: Attack[] = [
  ...[
    ["dots", "/files/../outside/secret.txt"],
    ["dots in the middle", "/files/folder/../../outside/secret.txt"],
    ["escaped dots", "/files/%2e%2e/outside/secret.txt"],
    ["an escaped slash", "/files/..%2foutside%2fsecret.txt"],
    ["dots escaped twice", "/files/%252e%252e%252foutside%252fsecret.txt"],
    ["backslashes", "/files/..\\outside\\secret.txt"],
    ["escaped backslashes", "/files/folder%5c..%5c..%5coutside%5csecret.txt"],
    ["an absolute path", "/files//etc/passwd"],
    ["an escaped absolute path", "/files/%2fetc%2fpasswd"],
    ["a drive letter", "/files/C:%5cWindows%5cwin.ini"],
    ["a share", "/files/%5c%5cserver%5cshare"],
    ["an alternate stream", "/files/work.ipynb::$DATA"],
    ["a device", "/files/CON"],
    ["NUL", "/files/work.ipynb%00.txt"],
    ["a link to a folder outside", "/files/link/secret.txt"],
    ["a link to a file outside", "/files/linked.txt"],
    ["a hidden file", "/files/.hidden"],
    ["a file in a hidden folder", "/files/.folder/inside.txt"],
    ["a checkpoint's file", "/files/.ipynb_checkpoints/work-checkpoint.ipynb"],
    ["dots in contents", "/api/contents/%2e%2e/outside"],
    ["a link outside in contents", "/api/contents/link"],
    ["dots in checkpoints", "/api/contents/..%2foutside%2fsecret.txt/checkpoints"],
    ["dots in static files", "/static/..%2f..%2fpackage.json"],
    ["dots in assets", "/static/assets/%2e%2e/%2e%2e/%2e%2e/package.json"],
    ["dots in themes", "/lab/api/themes/..%2f..%2f..%2fpackage.json"],
    ["dots in settings", "/lab/api/settings/..%2f..%2fpassword"],
    ["dots in workspaces", "/lab/api/workspaces/..%2f..%2fsession-key"],
    ["dots in a kernel's files", "/kernelspecs/cirlab/..%2f..%2findex.js"],
    ["dots in configuration", "/api/config/..%2fpassword"],
    ["dots in an export", "/nbconvert/html/..%2foutside%2fsecret.ipynb"],
    ["a link in an export", "/nbconvert/script/link/secret.ipynb"],
    ["dots in a page's address", "/tree/..%2f..%2foutside%2fsecret.txt"],
  ].map(([name, target]): Attack => [`${name}: ${target}`, 404, "GET", target!, withToken]),
  ["an escape that is too long for its letter", 400, "GET", "/files/%c0%ae%c0%ae/outside/secret.txt", withToken],
  ["a broken escape", 400, "GET", "/files/%zz", withToken],
  ["a save outside", 404, "PUT", "/api/contents/..%2foutside%2fnew.txt", withToken, save],
  ["a save over the target of a link", 404, "PUT", "/api/contents/linked.txt", withToken, save],
  ["a save through a linked folder", 404, "PUT", "/api/contents/link/new.txt", withToken, save],
  ["a save of a hidden file", 400, "PUT", "/api/contents/.bashrc", withToken, save],
  [
    "a piece of an upload outside",
    404,
    "PUT",
    "/api/contents/..%2foutside%2fnew.txt",
    withToken,
    '{"type":"file","format":"text","content":"x","chunk":1}',
  ],
  ["a rename to outside", 404, "PATCH", "/api/contents/work.ipynb", withToken, rename("../outside/work.ipynb")],
  ["a rename to a Windows way out", 404, "PATCH", "/api/contents/work.ipynb", withToken, rename("folder/..\\..\\x")],
  ["a rename to a hidden name", 400, "PATCH", "/api/contents/work.ipynb", withToken, rename(".work.ipynb")],
  ["a copy from outside", 404, "POST", "/api/contents", withToken, '{"copy_from":"../outside/secret.txt"}'],
  ["a new file with a path for a suffix", 400, "POST", "/api/contents", withToken, '{"type":"file","ext":"/../../x"}'],
  ["a checkpoint by a path", 404, "POST", "/api/contents/work.ipynb/checkpoints/..%2f..%2fx", withToken],
  ["trust for a file outside", 404, "POST", "/api/contents/linked.txt/trust", withToken],
  ["the deletion of the root", 400, "DELETE", "/api/contents/", withToken],
  ["the deletion of a file outside", 404, "DELETE", "/api/contents/link/secret.txt", withToken],
  ["a kernel in a folder outside", 404, "POST", "/api/kernels", withToken, '{"path":"../outside/x.ipynb"}'],
  [
    "a session for a file outside",
    404,
    "POST",
    "/api/sessions",
    withToken,
    '{"path":"../outside/x.ipynb","type":"notebook"}',
  ],
  ["settings of a plugin that is none", 404, "PUT", "/lab/api/settings/..%2fevil", withToken, '{"raw":"{}"}'],
  ["a configuration by a path", 404, "PUT", "/api/config/..%2fevil", withToken, "{}"],
];

const deep = `{"type":"notebook","content":{"nbformat":4,"metadata":{},"cells":${"[".repeat(200_000)}${"]".repeat(200_000)}}}`;
const chunked = { "Transfer-Encoding": "chunked" };

const sizes: Attack[] = [
  [
    "a body that is said to be huge",
    413,
    "PUT",
    "/api/contents/big.txt",
    (loot) => ({ ...withToken(loot), "Content-Length": "10000000000" }),
    "x",
  ],
  [
    "a notebook beyond the limit, told by its length",
    413,
    "PUT",
    "/api/contents/big.txt",
    (loot) => ({ ...withToken(loot), "Content-Length": "300000000" }),
    "x",
  ],
  ...(
    [
      ["a terminal", "POST", "/api/terminals", 2e6],
      ["an event", "POST", "/api/events", 2e6],
      ["a change of one's name", "PATCH", "/api/me", 2e6],
      ["a notebook to export", "POST", "/nbconvert/html", 3e8],
    ] as const
  ).map(
    ([what, method, path, length]): Attack => [
      `${what} beyond the limit, told by its length`,
      413,
      method,
      path,
      (loot) => ({ ...withToken(loot), "Content-Length": String(length) }),
      "x",
    ],
  ),
  [
    "settings beyond their limit",
    413,
    "PUT",
    "/api/config/notebook",
    withToken,
    JSON.stringify({ a: "x".repeat(1_200_000) }),
  ],
  [
    "a body without length beyond the limit",
    413,
    "PUT",
    "/api/config/notebook",
    (loot) => ({ ...withToken(loot), ...chunked }),
    `124f80\r\n${"x".repeat(0x124f80)}\r\n0\r\n\r\n`,
  ],
  [
    "a login form of a megabyte",
    413,
    "POST",
    "/login",
    { "Content-Type": "application/x-www-form-urlencoded" },
    `password=${"x".repeat(1_000_000)}`,
  ],
  ["a notebook nested without end", 400, "PUT", "/api/contents/deep.ipynb", withToken, deep],
  ["an event that is a number", 400, "POST", "/api/events", withToken, "7"],
  ["a terminal that is a number", 400, "POST", "/api/terminals", withToken, "7"],
  ["a body that is no JSON", 400, "PUT", "/api/contents/a.txt", withToken, "{"],
  ["an address without end", 414, "GET", `/tree/${"a".repeat(9000)}`, withToken],
  ["headers without end", 431, "GET", "/api", { "X-Long": "x".repeat(20_000) }],
  [
    "a length and chunks at once",
    400,
    "POST",
    "/api/contents",
    (loot) => ({ ...withToken(loot), ...chunked, "Content-Length": "4" }),
    "0\r\n\r\n",
  ],
  ["a negative length", 400, "POST", "/api/contents", (loot) => ({ ...withToken(loot), "Content-Length": "-1" })],
  ["a method that HTTP does not have", 400, "EVIL", "/api/contents", withToken],
  ["a name that is too long for a file", 400, "PUT", `/api/contents/${"a".repeat(300)}.txt`, withToken, save],
];

describe("attacks: each is refused, nothing changes, and the server goes on", () => {
  let server: TestServer;
  let loot: Loot;
  let box: string;
  const ends: (() => Promise<void>)[] = [];
  before(async () => {
    server = await startServer({ after: (end) => void ends.push(end as () => Promise<void>) });
    box = dirname(server.root);
    await mkdir(join(box, "outside"));
    await writeFile(join(box, "outside", "secret.txt"), secret);
    await mkdir(join(server.root, "folder"));
    await mkdir(join(server.root, ".folder"));
    await mkdir(join(server.root, ".ipynb_checkpoints"));
    await writeFile(join(server.root, ".folder", "inside.txt"), secret);
    await writeFile(join(server.root, ".ipynb_checkpoints", "work-checkpoint.ipynb"), secret);
    await writeFile(join(server.root, ".hidden"), secret);
    await writeFile(join(server.root, "work.ipynb"), JSON.stringify(notebook("1 + 1")));
    await symlink(join(box, "outside"), join(server.root, "link"));
    await symlink(join(box, "outside", "secret.txt"), join(server.root, "linked.txt"));
    const cookies = await visit(server);
    // A server writes down which kernels it has a moment after its start.
    await until(async () => (await readdir(join(box, "user", "kernels")).catch(() => [])).some(isWhole));
    loot = { token: server.token, port: server.port, xsrf: cookies._xsrf!, cookie: cookieHeader(cookies) };
  });
  after(async () => {
    for (const end of ends) await end();
  });

  /** Runs the attack, and sees to it that it changed nothing. */
  async function survives(attack: () => Promise<void>): Promise<void> {
    const untouched = await fingerprint(box);
    await attack();
    assert.equal(await fingerprint(box), untouched, "something on disk changed");
    assert.equal((await server.api("GET", "/api/contents/work.ipynb")).status, 200, "an honest request is answered");
  }

  for (const [name, status, method, target, headers = {}, body] of [
    ...strangers,
    ...otherSites,
    ...sockets,
    ...traversal,
    ...sizes,
  ])
    it(`${name}: ${status}`, () =>
      survives(async () => {
        const address = typeof target === "string" ? target : target(loot);
        const sent = wire(method, address, typeof headers === "function" ? headers(loot) : headers, body);
        const answer = await sendRaw(server.port, sent);
        assert.equal(answer.status, status, answer.text.slice(0, 500));
        assert.ok(!answer.text.includes(secret), "a secret was told");
        assert.doesNotMatch(answer.text, /cirlab-session-\d+=[^;]/, "no session is given");
      }));

  it("a link that takes a file's place between check and use shows nothing of what it leads to", () =>
    survives(async () => {
      const root = await RootFolder.open(server.root);
      const place = join(server.root, "contested.txt");
      const other = join(server.root, "contested-link");
      let isOver = false;
      const swapping = (async () => {
        while (!isOver) {
          await writeFile(`${place}.new`, "harmless");
          await renameFile(`${place}.new`, place);
          await symlink(join(box, "outside", "secret.txt"), other);
          await renameFile(other, place);
        }
      })();
      let harmless = 0;
      for (let i = 0; i < 500 || harmless === 0; i++) {
        const file = await root.open("contested.txt").catch(() => undefined);
        const text = await file?.readFile("utf8");
        await file?.close();
        if (text === "harmless") harmless++;
        else assert.equal(text, undefined);
      }
      isOver = true;
      await swapping;
      await rm(place);
    }));

  it("a small body that becomes a huge one: 413", () =>
    survives(async () => {
      const body = gzipSync(Buffer.alloc(50_000_000, " "));
      const answer = await server.raw("/api/config/notebook", {
        method: "PUT",
        headers: { Authorization: `token ${server.token}`, "Content-Encoding": "gzip" },
        body,
      });
      assert.equal(answer.status, 413);
    }));

  it("a message that is too long closes its websocket with 1009", () =>
    survives(async () => {
      const socket = new WebSocket(`${server.url.replace("http", "ws")}${events}?token=${server.token}`);
      await new Promise((resolve) => socket.once("open", resolve));
      socket.send("x".repeat(100_000));
      assert.equal(await new Promise((resolve) => socket.once("close", resolve)), 1009);
    }));

  it("ten wrong guesses at the login page make the guesser wait, whatever comes next: 429", () =>
    survives(async () => {
      const page = await sendRaw(server.port, wire("GET", "/login"));
      const xsrf = /_xsrf=([^;]+)/.exec(page.text)![1]!;
      const guess = (password: string): Promise<{ status: number; text: string }> =>
        sendRaw(
          server.port,
          wire(
            "POST",
            "/login",
            { Cookie: `_xsrf=${xsrf}`, "Content-Type": "application/x-www-form-urlencoded" },
            `_xsrf=${xsrf}&password=${password}`,
          ),
        );
      const statuses = await Promise.all(Array.from({ length: 12 }, () => guess("wrong")));
      assert.deepEqual(statuses.map(({ status }) => status).sort(), [
        ...Array.from({ length: 10 }, () => 401),
        429,
        429,
      ]);
      const late = await guess(server.token);
      assert.equal(late.status, 429);
      assert.match(late.text, /^Retry-After: \d+/im);
    }));

  it("a token that was chosen cannot be found by trying: 429 also for the right one", async (t) => {
    const chosen = await startServer(t, { token: "hunter22" });
    const ask = (token: string): Promise<number> =>
      sendRaw(chosen.port, wire("GET", "/api/contents", { Authorization: `token ${token}` })).then((a) => a.status);
    assert.equal(await ask("hunter22"), 200);
    const statuses = await Promise.all(Array.from({ length: 80 }, (_, i) => ask(`guess-${i}`)));
    assert.equal(statuses.filter((status) => status === 403).length, 60);
    assert.equal(statuses.filter((status) => status === 429).length, 20);
    assert.equal(await ask("hunter22"), 429);
  });

  it("a random token needs not wait for other people's wrong ones", async (t) => {
    const other = await startServer(t);
    const ask = (token: string): Promise<number> =>
      sendRaw(other.port, wire("GET", "/api/contents", { Authorization: `token ${token}` })).then((a) => a.status);
    await Promise.all(Array.from({ length: 70 }, (_, i) => ask(`guess-${i}`)));
    assert.equal(await ask("guess"), 429);
    assert.equal(await ask(other.token), 200);
  });
});

describe("attacks by slowness and by number", () => {
  const limits = { headersTimeoutMs: 300, requestTimeoutMs: 600, loginTimeoutMs: 300, websockets: 3 };

  /** Text that comes until the other side closes, for a client that then sends nothing more. */
  function stall(port: number, bytes: string): Promise<string> {
    return new Promise((resolve) => {
      let text = "";
      const socket = connect(port, "127.0.0.1", () => void (bytes && socket.write(bytes)));
      socket.setEncoding("latin1").on("data", (part: string) => {
        text += part;
      });
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(text));
    });
  }

  it("heads and bodies that never come to an end are given up, silent connections closed", async (t) => {
    const server = await startServer(t, { limits });
    const auth = `Authorization: token ${server.token}\r\n`;
    const [head, body, form, silent] = await Promise.all([
      stall(server.port, "GET /api HTTP/1.1\r\nHost: localhost\r\nX-Slow: "),
      stall(
        server.port,
        `PUT /api/contents/slow.txt HTTP/1.1\r\nHost: localhost\r\n${auth}Content-Length: 100\r\n\r\n{`,
      ),
      stall(
        server.port,
        "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\np",
      ),
      stall(server.port, ""),
    ]);
    for (const text of [head, body, form]) assert.match(text, /^HTTP\/1\.1 408 /);
    assert.match(silent, /^(?:HTTP\/1\.1 408 |$)/);
    assert.deepEqual(await readdir(server.root), []);
    assert.equal((await server.api("GET", "/api/status")).status, 200);
  });

  it("more websockets than allowed: 429, until one is closed", async (t) => {
    const server = await startServer(t, { limits });
    const open = (): Promise<WebSocket | number> =>
      new Promise((resolve) => {
        const socket = new WebSocket(`${server.url.replace("http", "ws")}${events}?token=${server.token}`);
        socket.once("open", () => resolve(socket));
        socket.once("unexpected-response", (_, response) => resolve(response.statusCode ?? 0));
        socket.once("error", () => undefined);
      });
    const first = (await open()) as WebSocket;
    await open();
    await open();
    assert.equal(await open(), 429);
    first.close();
    await new Promise((resolve) => first.once("close", resolve));
    for (let opened = await open(); opened === 429; opened = await open()) await new Promise(setImmediate);
  });
});

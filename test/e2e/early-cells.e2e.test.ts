import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { startServer } from "../server/server.ts";
import { until } from "../until.ts";
import { findChromium, launchBrowser, NotebookPage, patienceMs } from "./browser.ts";
import { writeCells } from "./cells.ts";

const chromium = findChromium();

/** Something that one side waits for and another does. */
function gate(): { open(): void; opened: Promise<void> } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), opened };
}

test("cells that are started before the kernel is there", {
  skip: chromium ? false : "no Chromium",
}, async (t) => {
  const server = await startServer(t);
  await writeCells(join(server.root, "early.ipynb"), { first: "const one = 1;", second: "one + 1" });
  const browser = await launchBrowser(t, chromium!);
  const context = await browser.newContext();
  context.setDefaultTimeout(patienceMs);
  const url = `${server.url}/notebooks/early.ipynb?token=${server.token}`;

  await t.test("wait for it, in their order", async () => {
    const asked = gate();
    const mayStart = gate();
    await context.route("**/api/sessions*", async (route) => {
      if (route.request().method() === "POST") {
        asked.open();
        await mayStart.opened;
      }
      await route.continue();
    });
    const notebook = await NotebookPage.open(context, url);
    await asked.opened;
    await notebook.menu("Run", "Run All Cells");
    for (const index of [0, 1]) await notebook.prompt(index, /\[\*\]/).waitFor();
    mayStart.open();
    await notebook.outputs(1).filter({ hasText: "2" }).waitFor();
    assert.equal(await notebook.prompt(0, /\[1\]/).count(), 1);
    assert.equal(await notebook.prompt(1, /\[2\]/).count(), 1);
    assert.deepEqual(notebook.errors, []);
    await context.unroute("**/api/sessions*");
    await notebook.page.close();
  });

  await t.test("are given up with the kernel's error when it does not start, and run when it does", async () => {
    const [session] = (await (await server.api("GET", "/api/sessions")).json()) as { id: string }[];
    await server.api("DELETE", `/api/sessions/${session!.id}`);
    await until(async () => ((await (await server.api("GET", "/api/sessions")).json()) as unknown[]).length === 0);
    const asked = gate();
    const mayFail = gate();
    await context.route("**/api/sessions*", async (route) => {
      if (route.request().method() !== "POST") return route.continue();
      asked.open();
      await mayFail.opened;
      await route.fulfill({ status: 500, json: { message: "no kernel today" } });
    });
    const notebook = await NotebookPage.open(context, url);
    await asked.opened;
    await notebook.start(0);
    await notebook.prompt(0, /\[\*\]/).waitFor();
    mayFail.open();
    await notebook.page.locator(".jp-Dialog", { hasText: "no kernel today" }).first().waitFor();
    await context.unroute("**/api/sessions*");
    await notebook.accept();
    await notebook.prompt(0, /\[( |\d+)\]/).waitFor();
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Outlet } from "../../src/live/outlet.ts";
import { until } from "../until.ts";

describe("the outlet of a kernel's messages", () => {
  it("lets the first out at once and the others later, all and in order", async () => {
    const sent: string[] = [];
    const outlet = new Outlet<string>((message) => sent.push(message), 100_000);
    const messages = ["a", "b", "c"].map((letter) => letter.repeat(50_000));
    for (const message of messages) outlet.say(message);
    assert.deepEqual(sent, [messages[0]]);
    assert.ok(outlet.waitMs > 1000);
    await until(() => sent.length === 3);
    assert.deepEqual(sent, messages);
  });

  it("says nothing more once it is closed", async () => {
    const sent: string[] = [];
    const outlet = new Outlet<string>((message) => sent.push(message), 1_000_000);
    outlet.say("a".repeat(20_000));
    outlet.say("b");
    outlet.close();
    await until(() => outlet.waitMs === 0);
    assert.equal(sent.length, 1);
  });
});

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { hostSymbol, type JupyterHost, type MimeBundle } from "../../src/display/host.ts";
import type { Clock } from "../../src/display/throttle.ts";

/** Time that moves when a test says so. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ at: number; run: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves time on and runs what is due, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.run();
    }
    this.#now = end;
  }
}

/** The outputs that a notebook would hold: what was displayed, in order, replaced by what was updated. */
export class RecordedOutputs {
  readonly sent: { kind: "display" | "update"; id: string | undefined; bundle: MimeBundle }[] = [];
  readonly magics: string[] = [];
  readonly abort = new AbortController();
  readonly #executionId = randomUUID();

  /** Runs a test with these outputs as the notebook's. */
  async during(run: () => unknown): Promise<void> {
    const global = globalThis as { [hostSymbol]?: JupyterHost };
    global[hostSymbol] = {
      display: (bundle, options) => this.sent.push({ kind: "display", id: options?.displayId, bundle }),
      update: (id, bundle) => this.sent.push({ kind: "update", id, bundle }),
      clear: () => {},
      openComm: () => assert.fail("no comm is expected"),
      registerTarget: () => assert.fail("no comm is expected"),
      bind: (listener) => listener,
      input: () => assert.fail("no input is expected"),
      signal: () => this.abort.signal,
      isInterrupted: () => this.abort.signal.aborted,
      cellId: () => "cell-1",
      executionId: () => this.#executionId,
      hold: () => {},
      errorText: (error) => String(error),
      shield: (work) => work(),
      registerMagic: (name) => this.magics.push(name),
    };
    try {
      await run();
    } finally {
      delete global[hostSymbol];
    }
  }

  text(): string[] {
    return this.sent.map(({ bundle }) => String(bundle["text/plain"]));
  }
}

/**
 * Fails unless `markup` is well-formed XML: one root, tags closed in order, attributes quoted and given once, only known
 * entities. Returns the elements by name with their attributes, and the text.
 */
export function parseXml(markup: string): {
  elements: { name: string; attributes: Map<string, string> }[];
  text: string;
} {
  const elements: { name: string; attributes: Map<string, string> }[] = [];
  const open: string[] = [];
  let text = "";
  let roots = 0;
  const token = /<(\/?)([A-Za-z][\w:.-]*)((?:\s+[\w:.-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  const checkEntities = (value: string) =>
    assert.doesNotMatch(value, /&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)/i, "a bare ampersand");
  let at = 0;
  for (const match of markup.matchAll(token)) {
    assert.equal(match.index, at, `not well-formed at: ${markup.slice(at, at + 60)}`);
    at += match[0].length;
    const [, closing, name, attributeText = "", selfClosing, content] = match;
    if (content !== undefined) {
      checkEntities(content);
      if (!open.length) assert.equal(content.trim(), "", "text outside of the root");
      text += content;
    } else if (closing) assert.equal(open.pop(), name, "tags close in order");
    else {
      if (!open.length) roots++;
      const attributes = new Map<string, string>();
      for (const [, key, value] of attributeText.matchAll(/([\w:.-]+)="([^"]*)"/g)) {
        assert.ok(!attributes.has(key!), `attribute ${key} comes twice`);
        checkEntities(value!);
        attributes.set(key!, value!);
      }
      elements.push({ name: name!, attributes });
      if (!selfClosing) open.push(name!);
    }
  }
  assert.equal(at, markup.length, `not well-formed at: ${markup.slice(at, at + 60)}`);
  assert.deepEqual(open, []);
  assert.equal(roots, 1, "one root");
  return { elements, text };
}

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { z } from "zod";
import { InterruptedError } from "../../src/base/errors.ts";
import { Interpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import { tinyMathTokenizer } from "../../src/policy/tiny-math.ts";
import { Tokenizer } from "../../src/policy/tokenizer.ts";
import { agents, type RemoteOptions } from "../../src/rollout/agents/index.ts";
import { collectTrajectories } from "../../src/rollout/collect.ts";
import { ListTaskset, tasks } from "../../src/rollout/tasks/index.ts";
import { defineTool, ToolBox } from "../../src/tools/index.ts";
import { type Answer, chatServer, says } from "./chat-server.ts";

const lab = new Lab({ seed: 9, device: "cpu" });
const js = await Interpreter.start({ language: "javascript", lanes: 1 });
after(() => js.close());
const taskset = tasks.arithmetic({ families: ["algebra"] });
const task = { ...taskset.at(0), prompt: "6*7=?", answer: "42" };
const code = "```python\nconsole.log(6*7)\n```";

/** Runs `act` with a server, and ends it. */
async function serving(answer: Answer, act: (server: Awaited<ReturnType<typeof chatServer>>) => Promise<void>) {
  const server = await chatServer(answer);
  try {
    await act(server);
  } finally {
    await server.close();
  }
}
const model = (baseUrl: string, options: Partial<RemoteOptions> = {}) =>
  agents.remote({ baseUrl, model: "m", backoffMs: 1, ...options });

/** Computes first, then boxes what it was told. */
const solver: Answer = ({ body: { messages } }) => {
  const output = /```output\n(.*)\n```/.exec(messages.at(-1)!.content)?.[1];
  return says(output === undefined ? `Let me see.\n${code}\nIt gives 7.` : `\\boxed{${output}}`);
};

test("a remote model's rollout: a chat with real outputs, its text cut at the boundary, its key sent and never kept", async () => {
  process.env.CIRLAB_TEST_KEY = "sk-secret";
  await serving(solver, async ({ baseUrl, requests }) => {
    const agent = model(`${baseUrl}/`, {
      apiKey: { env: "CIRLAB_TEST_KEY" },
      system: "Be brief.",
      body: { stop: ["#"] },
    });
    const rollout = await lab.rollout({ agent, interpreter: js, task, temperature: 0.5 }).finish();
    assert.equal(rollout.text, `Let me see.\n${code}\n\`\`\`output\n42\n\`\`\`\n\\boxed{42}`);
    assert.deepEqual([rollout.reward, rollout.stopReason], [1, "completed"]);
    const sources = new Set(rollout.trajectory.sources);
    assert.deepEqual([...sources], ["prompt", "remote", "tool"]);
    const [first, second] = requests;
    assert.equal(first!.path, "/v1/chat/completions");
    assert.equal(first!.headers.authorization, "Bearer sk-secret");
    const { messages, seed, ...settings } = second!.body;
    assert.deepEqual(settings, { model: "m", temperature: 0.5, top_p: 1, max_tokens: 2048, stop: ["#"] });
    assert.ok(Number.isInteger(seed) && seed !== first!.body.seed);
    assert.deepEqual(
      messages.map(({ role }) => role),
      ["system", "user", "assistant", "user"],
    );
    // The token that ends the block holds the line's end too.
    assert.equal(messages[2]!.content, `Let me see.\n${code}\n`);
    assert.equal(messages[3]!.content, "```output\n42\n```\n");
    const shown = JSON.stringify([rollout.trajectory, agent, rollout.options]) + String(agent.reply);
    assert.ok(!shown.includes("sk-secret"));
  });
});

test("a busy, broken or silent server is asked again; in the end it is a failure of infrastructure, never a reward", async () => {
  const flaky: Answer = (request, response, count) => {
    if (count === 1) return void response.writeHead(500).end("try later");
    if (count === 2) return void response.writeHead(429, { "retry-after": "0" }).end();
    if (count === 3) return void response.end("<html>");
    if (count === 4) return void response.destroy();
    return solver(request, response, count);
  };
  await serving(flaky, async ({ baseUrl, requests }) => {
    const agent = model(baseUrl, { retries: 4 });
    assert.equal((await lab.rollout({ agent, interpreter: js, task }).finish()).reward, 1);
    assert.equal(requests.length, 6);
  });
  await serving(
    (_, response) => void response.writeHead(503).end("no room for sk-1"),
    async ({ baseUrl, requests }) => {
      const agent = model(baseUrl, { retries: 2, apiKey: "sk-1" });
      const rollout = await lab.rollout({ agent, interpreter: js, task }).finish();
      assert.deepEqual([rollout.stopReason, rollout.result, requests.length], ["infrastructure", undefined, 3]);
      assert.match(rollout.trajectory.failure!, /failed 3 times, at last so: HTTP 503: no room for \*\*\*/);
      await assert.rejects(lab.evaluate(agent, taskset, { interpreter: js, samples: 1, count: 1 }), {
        name: "InfrastructureError",
        message: /lost a rollout: m at http:.* HTTP 503/,
      });
    },
  );
  await serving(
    () => undefined,
    async ({ baseUrl }) => {
      const rollout = await lab
        .rollout({ agent: model(baseUrl, { timeoutMs: 30, retries: 1 }), interpreter: js, task })
        .finish();
      assert.match(rollout.trajectory.failure!, /failed 2 times, at last so: no answer within 30 ms/);
    },
  );
});

test("a request that is refused is the user's mistake, and stops the work", async () => {
  const refuse: Answer = (_, response) => void response.writeHead(401).end('{"error":"bad key sk-1"}');
  await serving(refuse, async ({ baseUrl, requests }) => {
    const agent = model(baseUrl, { apiKey: "sk-1" });
    await assert.rejects(lab.rollout({ agent, interpreter: js, task }).finish(), {
      name: "InvalidInputError",
      message: /m at http.* refused the request with HTTP 401: \{"error":"bad key \*\*\*"\}/,
    });
    assert.equal(requests.length, 1);
  });
  assert.throws(() => model("ftp://x"), /Invalid options of agents.remote: baseUrl/);
  assert.throws(() => model("http://me:secret@x/v1"), /no user, password or query/);
  assert.throws(
    () => model("http://x/v1", { apiKey: { env: "CIRLAB_NO_SUCH_KEY" } }),
    /CIRLAB_NO_SUCH_KEY holds no key/,
  );
});

test("an interrupt cancels requests under way", async () => {
  const interrupt = new AbortController();
  const hang: Answer = (_, __, count) => {
    if (count === 2) interrupt.abort();
    return undefined;
  };
  await serving(hang, async (server) => {
    const prompt = tinyMathTokenizer().encode("1+1=?");
    const requests = [0, 1, 2, 3].map((sampleIndex) => ({ prompt, step: 0, promptIndex: 0, sampleIndex }));
    const collecting = collectTrajectories({
      policy: model(server.baseUrl, { concurrency: 2 }),
      interpreter: js,
      requests,
      limits: { maxToolCalls: 1, maxLength: 100 },
      seed: 1,
      signal: interrupt.signal,
    });
    await assert.rejects(collecting, InterruptedError);
    assert.equal(server.mostAtOnce(), 2, "no more requests at once than the agent takes");
  });
});

test("an answer cut by the server ends the rollout as truncated", () =>
  serving(
    () => says("So the answer is", { finish_reason: "length" }),
    async ({ baseUrl }) => {
      const rollout = await lab.rollout({ agent: model(baseUrl), interpreter: js, task }).finish();
      assert.deepEqual([rollout.stopReason, rollout.text], ["maxTokens", "So the answer is"]);
    },
  ));

test("log-probs are kept for the tokens that both tokenizers cut alike", () =>
  serving(
    () => {
      const tokens = ["So", " the", " ", "4", "2"];
      const content = tokens.map((token, i) => ({ token, logprob: -0.5 - i, bytes: null, top_logprobs: [] }));
      return says("So the 42", { logprobs: { content, refusal: null } });
    },
    async ({ baseUrl, requests }) => {
      const agent = model(baseUrl, { logprobs: true });
      const rollout = await lab.rollout({ agent, interpreter: js, task }).finish();
      assert.equal(requests[0]!.body.logprobs, true);
      const { trajectory } = rollout;
      const response = rollout.tokens
        .slice(trajectory.promptLength)
        .map(({ text, logprob }) => [text, logprob ?? null]);
      // "the" is letters in one tokenizer and a word in the other.
      const expected: [string, number | null][] = [
        ["So", -0.5],
        ...[..." the"].map((letter): [string, null] => [letter, null]),
        [" ", -2.5],
        ["4", -3.5],
        ["2", -4.5],
        ["", null],
      ];
      assert.deepEqual(response, expected);
    },
  ));

test("tool calls that the server reads itself are written out and run", async () => {
  const add = defineTool({
    name: "add",
    description: "Adds.",
    input: z.object({ a: z.number(), b: z.number() }),
    run: ({ a, b }) => a + b,
  });
  const caller: Answer = ({ body: { messages } }) => {
    const sum = /<obs>\n(.*)\n<\/obs>/.exec(messages.at(-1)!.content)?.[1];
    if (sum !== undefined) return says(`\\boxed{${sum}}`);
    const call = { id: "1", type: "function", function: { name: "add", arguments: '{"a": 40, "b": 2}' } };
    return { message: { role: "assistant", content: null, tool_calls: [call] }, finish_reason: "tool_calls" };
  };
  await serving(caller, async ({ baseUrl, requests }) => {
    const tools = new ToolBox([add]);
    const options = { tools, samples: 2, count: 1, promptFormat: "tools" as const };
    const one = new ListTaskset("one", [task]);
    const card = await lab.evaluate(model(baseUrl), one, options);
    assert.equal(card.summary.accuracy.value, 1);
    assert.deepEqual(card.tasks[0]!.samples[0]!.executions, ["ok"]);
    assert.deepEqual(requests[0]!.body.tools, JSON.parse(JSON.stringify(tools.schemas)));
    assert.match(requests[0]!.body.messages[0]!.content, /1\. Name: add\nDescription: Adds\./);
    assert.match(
      requests.at(-1)!.body.messages[1]!.content,
      /^<tool_call>\n\{"name":"add","arguments":\{"a":40,"b":2\}\}\n<\/tool_call>$/,
    );
    const seeds = new Set(requests.map(({ body }) => body.seed));
    assert.equal(seeds.size, 4, "samples and turns have seeds of their own");
  });
});

test("an agent's rollouts may have a tokenizer of their own", () =>
  serving(
    () => says("x ≤ 3"),
    async ({ baseUrl }) => {
      const characters = [...new Set([..."6*7=?x ≤ 3", ..."\n"])];
      const tokenizer = Tokenizer.greedy({ specials: ["<pad>", "<eos>", "<unk>"], tokens: characters });
      const cirWords = { ...task, prompt: "6*7=?" };
      const run = { agent: model(baseUrl), interpreter: js, task: cirWords, tokenizer };
      await assert.rejects(lab.rollout(run).finish(), /prompt holds characters/, "the format's words are beyond it");
      const [trajectory] = await collectTrajectories({
        policy: run.agent,
        tokenizer,
        interpreter: js,
        requests: [{ prompt: tokenizer.encode("6*7=?"), step: 0, promptIndex: 0, sampleIndex: 0 }],
        limits: { maxToolCalls: 0, maxLength: 50 },
        seed: 1,
      });
      assert.equal(trajectory!.text, "x ≤ 3");
    },
  ));

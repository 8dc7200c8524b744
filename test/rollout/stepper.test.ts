import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import { Policy } from "../../src/policy/policy.ts";
import { withCode } from "../../src/rollout/stepper/edit-code.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";

const lab = new Lab({ seed: 7, device: "cpu", threads: 1 });
let interpreter: PythonInterpreter;
let policy: Policy;

before(async () => {
  interpreter = await PythonInterpreter.start({ lanes: 1 });
  policy = await Policy.create("tiny-math", { lab });
});
after(() => interpreter.close());

const open = () =>
  lab.rollout({ policy, interpreter, task: tasks.arithmetic({ families: ["algebra"] }).at(0), maxToolCalls: 2 });

test("looking at the likely next tokens changes nothing of what is sampled", async () => {
  const [plain, looked] = [open(), open()];
  for (let i = 0; i < 6; i++) {
    const likely = await looked.candidates(4);
    assert.equal(likely.length, 4);
    assert.deepEqual(likely, await looked.candidates(4));
    const logprobs = likely.map(({ logprob }) => logprob!);
    assert.deepEqual(
      logprobs,
      [...logprobs].sort((a, b) => b - a),
    );
    const token = await looked.token();
    assert.deepEqual(token, await plain.token());
    const known = likely.find(({ id }) => id === token!.id);
    if (known) assert.equal(known.logprob, token!.logprob);
  }
  await Promise.all([plain.close(), looked.close()]);
});

test("tokens are forced by their ids; the end token ends the rollout", async () => {
  const rollout = open();
  await rollout.token();
  const [first, second] = await rollout.candidates(2);
  const fork = rollout.fork({ append: [second!.id, first!.id] });
  assert.deepEqual(
    fork.tokens.slice(-2).map(({ id, source }) => [id, source]),
    [
      [second!.id, "forced"],
      [first!.id, "forced"],
    ],
  );
  const ended = fork.fork({ append: [policy.tokenizer.eosId] });
  assert.deepEqual([ended.stopReason, ended.tokens.at(-1)!.source], ["completed", "forced"]);
  assert.equal(ended.fork().stopReason, "completed");
  assert.deepEqual(await ended.candidates(), []);
  await ended.finish();
  assert.notEqual(ended.reward, undefined);
  await rollout.close();
});

test("the code of a turn is exchanged, what stood before it stays, and the new code is run", async () => {
  const rollout = open();
  await rollout.token();
  const coded = rollout.fork({ append: "so:\n```python\nprint(1)\n```" });
  const waiting = withCode(coded, 1, "print(2)");
  assert.equal(waiting.pendingCode!.trim(), "print(2)");
  await coded.turn();
  const other = withCode(coded, 1, "x = 20\nprint(x + 2)");
  assert.equal(coded.toolCalls[0]!.feedback, "1");
  const call = await other.turn();
  assert.equal(call!.feedback, "22");
  const prompt = rollout.trajectory.promptLength;
  assert.deepEqual(other.tokens.slice(0, prompt + 1), coded.tokens.slice(0, prompt + 1));
  assert.match(other.text, /so:\n```python\nx = 20\nprint\(x \+ 2\)\n```\n```output\n22\n```\n$/);
  other.trajectory.verify("edited");

  // The second turn's code, where the first stays as it was.
  const second = other.fork({ append: "```python\nprint(3)\n```" });
  await second.turn();
  const changed = withCode(second, 2, "print(4)");
  await changed.turn();
  assert.deepEqual(
    changed.toolCalls.map(({ feedback }) => feedback),
    ["22", "4"],
  );
  assert.throws(() => withCode(changed, 3, "print(5)"), /Turn 3 of this rollout has no code/);
});

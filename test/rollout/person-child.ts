import { Interpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import { Policy } from "../../src/policy/policy.ts";
import { agents } from "../../src/rollout/agents/index.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";

/** Two rollouts that a person types into standard input; prints what became of them as the last line. */
const lab = new Lab({ seed: 1, device: "cpu", threads: 1 });
const js = await Interpreter.start({ language: "javascript", lanes: 1 });
const task = { ...tasks.arithmetic().at(0), prompt: "6*7=?", answer: "42" };
const policy = await Policy.create("tiny-math", { lab });
const alone = await lab.rollout({ agent: agents.person(), interpreter: js, task }).finish();
const agent = agents.mixture({ policy, expert: agents.person(), when: { turns: [1] } });
const mixed = await lab.rollout({ agent, interpreter: js, task }).finish();
await js.close();
const facts = [alone, mixed].map(({ text, reward, trajectory }) => ({
  text,
  reward,
  sources: [...new Set(trajectory.sources)],
}));
console.log(`\n${JSON.stringify(facts)}`);

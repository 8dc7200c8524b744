import { test } from "node:test";
import { firstTutorial } from "./first-tutorial.ts";

test("the first tutorial runs where there is no jail", () => firstTutorial("pyodide"));

import type { Attack, AttackTarget } from "./attack.ts";
import { bridgeAttacks } from "./attacks-bridge.ts";
import { hostAttacks } from "./attacks-host.ts";
import { insideAttacks } from "./attacks-inside.ts";
import { resourceAttacks } from "./attacks-resources.ts";

/** One snippet or more of every class that a sandbox must survive. */
export const attacks = (target: AttackTarget): Attack[] => [
  ...resourceAttacks(),
  ...hostAttacks(target),
  ...insideAttacks(),
  ...bridgeAttacks(target),
];

/** What runs after each attack, and its exact output. */
export const ordinarySnippet = `import os, math, sys, json, random, statistics
from decimal import Decimal
print(os.listdir("/tmp"), len([1, 2]), math.sqrt(4), sum([1, 2]), sorted([2, 1]), json.dumps([1]), 6 * 7)
print(os.path.exists("left"), os.path.exists("/dev/shm/left"), sys.gettrace(), sys.getrecursionlimit())
print(1 + 1, Decimal(1) / 3, random.random(), statistics.mean([1, 3]), "json" in sys.modules, hash("a") == hash("a"))`;
export const ordinaryOutput = `[] 2 2.0 3 [1, 2] [1] 42
False False None 1000
2 0.3333333333333333333333333333 0.8444218515250481 2 True True
`;

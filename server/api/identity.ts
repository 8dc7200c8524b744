import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import express, { type Router } from "express";
import { z } from "zod";
import { writeFileAtomic } from "../../src/base/files.ts";
import { parseInput } from "../../src/base/schema.ts";
import { jsonBody, megabyte } from "./bodies.ts";
import { HttpError } from "./errors.ts";

/** Who works here, as Jupyter's API describes a user. */
interface Identity {
  username: string;
  name: string;
  display_name: string;
  initials: string | null;
  avatar_url: string | null;
  /** CSS colour of the user's marks. */
  color: string | null;
}

/** What the user may change. */
const fieldsSchema = z.strictObject({
  name: z.string().max(200).optional(),
  display_name: z.string().max(200).optional(),
  initials: z.string().max(8).nullable().optional(),
  color: z.string().max(100).nullable().optional(),
});
const updatable = Object.keys(fieldsSchema.shape);

const permissionsSchema = z.record(z.string(), z.array(z.string()));

/**
 * /api/me: who the user is, and which of the asked-for permissions (`?permissions={"contents": ["read"]}`) it has. The
 * one user of this server, who knows its token, has all of them.
 *
 * @param folder the user's folder, in which changed fields are kept.
 */
export function identityRouter(folder: string): Router {
  const file = join(folder, "identity.json");
  const load = async (): Promise<Identity> => {
    let changed: z.infer<typeof fieldsSchema> = {};
    try {
      changed = fieldsSchema.parse(JSON.parse(await readFile(file, "utf8")));
    } catch {
      // Nothing was changed yet, or nobody can read it any more.
    }
    const { username } = systemUser();
    const base = { username, name: username, display_name: username, initials: null, avatar_url: null, color: null };
    return { ...base, ...changed } as Identity;
  };

  const router = express.Router();
  router.use(jsonBody(megabyte / 8));
  router.get("/", async (request, response) => {
    const permissions = askedPermissions(request.query.permissions);
    response.json({ identity: await load(), permissions: { ...permissions, updatable_fields: updatable } });
  });
  router.patch("/", async (request, response) => {
    const changes = parseInput(fieldsSchema, request.body, "user");
    const { username: _name, avatar_url: _url, ...known } = await load();
    await writeFileAtomic(file, JSON.stringify({ ...known, ...changes }));
    response.json({ status: "success", identity: await load() });
  });
  return router;
}

function askedPermissions(query: unknown): Record<string, string[]> {
  if (query === undefined || query === "") return {};
  try {
    return permissionsSchema.parse(JSON.parse(String(query)));
  } catch {
    throw new HttpError(
      400,
      `permissions should be a JSON dict of {"resource": ["action",]}, got ${JSON.stringify(query)}`,
    );
  }
}

/** The account that the server runs under; some containers have none. */
function systemUser(): { username: string } {
  try {
    return userInfo();
  } catch {
    return { username: "user" };
  }
}

import { z } from "zod";
import { HttpError } from "../errors.ts";

/** One kind of event: its id and version as Jupyter registers them, and what it says. */
interface EventSchema {
  id: string;
  version: string;
  title: string;
  data: z.ZodType<Record<string, unknown>>;
}

export const contentsEvents = "https://events.jupyter.org/jupyter_server/contents_service/v1";
export const kernelEvents = "https://events.jupyter.org/jupyter_server/kernel_actions/v1";

/** The events that this server knows; the first two it sends itself. */
const schemas: readonly EventSchema[] = [
  {
    id: contentsEvents,
    version: "1",
    title: "What was done with files",
    data: z.looseObject({
      action: z.enum(["get", "create", "save", "upload", "rename", "copy", "delete"]),
      path: z.string(),
      source_path: z.string().optional(),
    }),
  },
  {
    id: kernelEvents,
    version: "1",
    title: "What was done with kernels",
    data: z
      .looseObject({
        action: z.enum(["start", "interrupt", "shutdown", "restart"]),
        msg: z.string(),
        kernel_id: z.string().optional(),
        kernel_name: z.string().optional(),
        status: z.enum(["error", "success"]).optional(),
        status_code: z.number().optional(),
      })
      .refine(
        ({ action, status, kernel_id }) => kernel_id !== undefined || (action === "start" && status === "error"),
        {
          error: "is missing",
          path: ["kernel_id"],
        },
      ),
  },
];

/** The registered schemas as JSON Schema. */
export function listSchemas(): object[] {
  return schemas.map(({ id, version, title, data }) => ({
    ...z.toJSONSchema(data, { target: "draft-7" }),
    ...{ $id: id, version, title },
  }));
}

/**
 * Checks an event against its schema.
 *
 * @throws HttpError 400 for an unknown schema, another version of it, or data that does not fit.
 */
export function checkEvent(id: string, version: string, data: Record<string, unknown>): void {
  const schema = schemas.find((each) => each.id === id);
  if (!schema) throw new HttpError(400, `The requested schema, '${id}', does not exist in the JupyterSchemaRegistry`);
  if (schema.version !== version)
    throw new HttpError(400, `Unregistered version: '${version}'≠'${schema.version}' for \`${id}\``);
  const checked = schema.data.safeParse(data);
  if (checked.success) return;
  const problems = checked.error.issues.map(({ path, message }) => `${path.join(".") || "data"}: ${message}`);
  throw new HttpError(400, `The event does not fit its schema: ${problems.join("; ")}`);
}

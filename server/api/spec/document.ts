import type { RequestHandler } from "express";
import { apiVersion } from "../status.ts";
import { type Endpoint, endpoints, websockets } from "./endpoints.ts";

/** The API as an OpenAPI 3.1 document. */
function describeApi(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const endpoint of endpoints) {
    const [method, path] = endpoint.operation.split(" ") as [string, string];
    paths[path] = { ...paths[path], [method.toLowerCase()]: describeOperation(path, endpoint) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Jupyter Server API, as CIR Lab serves it", version: apiVersion },
    security: [{ token: [] }, { session: [] }],
    components: {
      securitySchemes: {
        token: { type: "apiKey", in: "header", name: "Authorization", description: "token <the server's token>" },
        session: {
          type: "apiKey",
          in: "cookie",
          name: "cirlab-session-<port>",
          description: "set by a visit with the token; writes also need the header X-XSRFToken with the cookie _xsrf",
        },
      },
    },
    paths,
    "x-websockets": websockets,
  };
}

function describeOperation(path: string, { summary, query = {}, body, answers }: Endpoint): object {
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      ...{ name, in: "path", required: true, schema: { type: "string" } },
    })),
    ...Object.entries(query).map(([name, description]) => ({
      ...{ name, in: "query", description, schema: { type: "string" } },
    })),
  ];
  const schema = body && {
    type: "object",
    properties: Object.fromEntries(
      Object.entries(body).map(([name, type]) => [name.replace("?", ""), type === "any" ? {} : { type }]),
    ),
    required: Object.keys(body).filter((name) => !name.endsWith("?")),
  };
  return {
    summary,
    ...(parameters.length ? { parameters } : {}),
    ...(schema ? { requestBody: { content: { "application/json": { schema } } } } : {}),
    responses: Object.fromEntries(Object.entries(answers).map(([code, description]) => [code, { description }])),
  };
}

/** YAML of plain data: block style, every text quoted as in JSON, which YAML 1.2 reads alike. */
function toYaml(value: unknown, indent = ""): string {
  if (typeof value !== "object" || value === null) return ` ${JSON.stringify(value)}\n`;
  const entries = Object.entries(value);
  if (!entries.length) return Array.isArray(value) ? " []\n" : " {}\n";
  const lines = entries.map(
    ([key, inner]) =>
      `${indent}${Array.isArray(value) ? "-" : `${JSON.stringify(key)}:`}${toYaml(inner, `${indent}  `)}`,
  );
  return `\n${lines.join("")}`;
}

/** GET /api/spec.yaml. */
export const sendSpec: RequestHandler = (_request, response) => {
  response.type("text/x-yaml").send(toYaml(describeApi()).trimStart());
};

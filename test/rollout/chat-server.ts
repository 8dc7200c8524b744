import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as the server got it. */
export interface ChatRequest {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown> & { messages: { role: string; content: string }[] };
}

export type Answer = (request: ChatRequest, response: ServerResponse, count: number) => unknown;

/** A server of OpenAI's chat protocol; `answer` gives the first choice, or writes the response itself. */
export async function chatServer(answer: Answer) {
  const requests: ChatRequest[] = [];
  let open = 0;
  let mostAtOnce = 0;
  const server = createServer(async (incoming, response) => {
    mostAtOnce = Math.max(mostAtOnce, ++open);
    response.on("close", () => open--);
    let text = "";
    for await (const part of incoming) text += part;
    const request: ChatRequest = { path: incoming.url!, headers: incoming.headers, body: JSON.parse(text) };
    requests.push(request);
    const choice = await answer(request, response, requests.length);
    if (choice === undefined) return;
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({
        id: "chatcmpl-1",
        object: "chat.completion",
        created: 0,
        model: request.body.model,
        choices: [{ index: 0, finish_reason: "stop", ...(choice as object) }],
        usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    open: () => open,
    mostAtOnce: () => mostAtOnce,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A message as a choice holds it. */
export const says = (content: string, more: object = {}) => ({ message: { role: "assistant", content }, ...more });

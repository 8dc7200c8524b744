import type { JupyterMessage } from "../protocol/messages.ts";
import type { FromSession } from "../session/wire.ts";
import type { Outputs } from "./outputs.ts";
import type { Session } from "./session.ts";
import type { Request, Sockets } from "./sockets.ts";

/** Questions of cells to the person at the front end. */
export class Inputs {
  readonly #sockets: Sockets;
  readonly #outputs: Outputs;
  readonly #session: Session;
  /** Open questions, oldest first. */
  #open: { request: number; client: string }[] = [];

  constructor(sockets: Sockets, outputs: Outputs, session: Session) {
    this.#sockets = sockets;
    this.#outputs = outputs;
    this.#session = session;
  }

  ask(event: Extract<FromSession, { type: "inputRequest" }>, from: Request | undefined): void {
    if (from?.message.header.msg_type !== "execute_request" || from.message.content.allow_stdin === false) {
      const reason = "This front end does not take input (the request to execute says so).";
      this.#session.send({ type: "inputRefused", request: event.request, reason });
      return;
    }
    this.#open.push({ request: event.request, client: from.message.header.session });
    this.#outputs.flush();
    const content = { prompt: event.prompt, password: event.password };
    this.#sockets.reply(from, "input_request", content, { socket: "stdin" });
  }

  /** A message on the stdin channel: the answer to its client's oldest open question. */
  receive(message: JupyterMessage): void {
    if (message.header.msg_type !== "input_reply") return;
    const at = this.#open.findIndex(({ client }) => client === message.header.session);
    const [question] = this.#open.splice(Math.max(0, at), 1);
    if (!question) return;
    const { value } = message.content;
    this.#session.send({
      type: "inputReply",
      request: question.request,
      value: typeof value === "string" ? value : "",
    });
  }

  /** The next answer is no longer to this question. */
  withdraw(request: number): void {
    this.#open = this.#open.filter((question) => question.request !== request);
  }

  lost(): void {
    this.#open = [];
  }
}

import { Session } from "node:inspector";

/** A session of the inspector with the main thread: the Chrome DevTools Protocol without a port. */
export class Inspector {
  #session: Session | undefined;
  readonly #listeners = new Map<string, (params: never) => void>();

  get isConnected(): boolean {
    return this.#session !== undefined;
  }

  /** Calls `listener` for every notification `event`, of all connections to come. */
  on<T>(event: string, listener: (params: T) => void): void {
    this.#listeners.set(event, listener);
  }

  connect(): void {
    const session = new Session();
    for (const [event, listener] of this.#listeners) {
      session.on(event, ({ params }: { params: unknown }) => {
        if (this.#session === session) listener(params as never);
      });
    }
    session.connectToMainThread();
    this.#session = session;
  }

  /** The main thread goes on if it is stopped; all breakpoints are gone. */
  disconnect(): void {
    this.#session?.disconnect();
    this.#session = undefined;
  }

  post<T = unknown>(method: string, params: object = {}): Promise<T> {
    const session = this.#session;
    if (!session) return Promise.reject(new Error("The debugger is not attached."));
    return new Promise((resolve, reject) => {
      session.post(method, params, (error, result) => {
        if (error) reject(new Error(error.message));
        else resolve(result as T);
      });
    });
  }
}

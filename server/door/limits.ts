/** What a connection may cost before anything is known of who it is. */
export interface Limits {
  /** Bytes of an address; longer ones get 414. Default 8 KiB. */
  urlBytes: number;
  /** Bytes of a request's head; larger ones get 431. Default 16 KiB. */
  headerBytes: number;
  /** Bytes of any request's body, told by its Content-Length; larger ones get 413. Endpoints have lower limits. Default 512 MiB. */
  bodyBytes: number;
  /** Milliseconds within which a request's head has to arrive, from the connection on. Default 20,000. */
  headersTimeoutMs: number;
  /** Milliseconds within which all of a request has to arrive. Default 300,000. */
  requestTimeoutMs: number;
  /** Milliseconds within which the login form has to arrive. Default 15,000. */
  loginTimeoutMs: number;
  /** Open connections of all kinds. Default 2,000. */
  connections: number;
  /** Open websockets of the API. Default 500. */
  websockets: number;
}

export const defaultLimits: Limits = {
  urlBytes: 8 * 1024,
  headerBytes: 16 * 1024,
  bodyBytes: 512 * 1024 * 1024,
  headersTimeoutMs: 20_000,
  requestTimeoutMs: 300_000,
  loginTimeoutMs: 15_000,
  connections: 2000,
  websockets: 500,
};

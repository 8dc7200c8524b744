/** One operation of the API: method and path, what it does, and the statuses that it may answer with. */
export interface Endpoint {
  /** `GET /api/kernels/{kernel_id}`: names in braces are parameters. */
  operation: `${"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} /${string}`;
  summary: string;
  /** Optional parameters of the query, with what they do. */
  query?: Record<string, string>;
  /** Fields of the JSON body; names that end in `?` are optional. */
  body?: Record<string, string>;
  /** Status and meaning. 403 (no credential) and 404 of a missing thing are common to all and not repeated. */
  answers: Record<number, string>;
}

/** The REST API of this server, which is Jupyter Server's. Websockets are described in `websockets`. */
export const endpoints: readonly Endpoint[] = [
  { operation: "GET /api", summary: "Version of the API", answers: { 200: "{version}" } },
  {
    operation: "GET /api/status",
    summary: "Start, last activity, kernels and connections",
    answers: { 200: "Status" },
  },
  {
    operation: "GET /api/me",
    summary: "The user and its permissions",
    query: { permissions: 'JSON object: resource to list of actions, as {"contents": ["read", "write"]}' },
    answers: { 200: "{identity, permissions}", 400: "permissions is no such JSON" },
  },
  {
    operation: "PATCH /api/me",
    summary: "Change fields of the user",
    body: { "name?": "string", "display_name?": "string", "initials?": "string", "color?": "string" },
    answers: { 200: "{status, identity}", 400: "a field that cannot be changed" },
  },
  {
    operation: "GET /api/resolvePath",
    summary: "Where a path of the file system is in the contents API",
    query: { path: "absolute, from the home folder (~/), or relative to the served folder" },
    answers: { 200: "{resolved: [{scope, path}]}", 400: "no path given" },
  },
  { operation: "POST /api/shutdown", summary: "End the server and all kernels", answers: { 200: "It is ending" } },
  { operation: "GET /api/spec.yaml", summary: "This description", answers: { 200: "OpenAPI 3.1" } },
  {
    operation: "GET /api/contents/{path}",
    summary: "A file, a notebook, or a folder's list",
    query: {
      type: "file, directory or notebook; by default what the name says",
      format: "text or base64, of files; by default text where it is UTF-8",
      content: "0 leaves the content out",
      hash: "1 adds the SHA-256 of the bytes on disk",
    },
    answers: { 200: "Contents", 400: "wrong type or format" },
  },
  {
    operation: "POST /api/contents/{path}",
    summary: "A new untitled file in a folder, or a copy of one",
    body: { "type?": "string", "ext?": "string", "copy_from?": "string" },
    answers: { 201: "Contents without content; Location names it", 400: "not a folder" },
  },
  {
    operation: "PUT /api/contents/{path}",
    summary: "Save a file, a notebook, a piece of a large file, or make a folder",
    body: { type: "string", "format?": "string", "content?": "any", "chunk?": "integer" },
    answers: { 200: "saved", 201: "created", 400: "not valid", 409: "in the way", 413: "too large: send it in chunks" },
  },
  {
    operation: "PATCH /api/contents/{path}",
    summary: "Rename or move",
    body: { path: "string" },
    answers: { 200: "Contents without content", 409: "the new name is taken" },
  },
  {
    operation: "DELETE /api/contents/{path}",
    summary: "Delete a file or an empty folder",
    answers: { 204: "deleted", 400: "the folder is not empty" },
  },
  {
    operation: "GET /api/contents/{path}/checkpoints",
    summary: "Checkpoints of a file",
    answers: { 200: "[{id, last_modified}]" },
  },
  { operation: "POST /api/contents/{path}/checkpoints", summary: "Make a checkpoint", answers: { 201: "{id}" } },
  {
    operation: "POST /api/contents/{path}/checkpoints/{checkpoint_id}",
    summary: "Restore a file from its checkpoint",
    answers: { 204: "restored" },
  },
  {
    operation: "DELETE /api/contents/{path}/checkpoints/{checkpoint_id}",
    summary: "Delete a checkpoint",
    answers: { 204: "deleted" },
  },
  {
    operation: "POST /api/contents/{path}/trust",
    summary: "Let a notebook's outputs show without sanitising",
    answers: { 201: "trusted" },
  },
  {
    operation: "GET /files/{path}",
    summary: "A file as it is, sandboxed",
    query: { download: "any value sends it as a download" },
    answers: { 200: "the bytes", 400: "a folder" },
  },
  { operation: "GET /api/kernels", summary: "Running kernels", answers: { 200: "[Kernel]" } },
  {
    operation: "POST /api/kernels",
    summary: "Start a kernel",
    body: { "name?": "string", "path?": "string" },
    answers: { 201: "Kernel", 501: "no such kernelspec" },
  },
  { operation: "GET /api/kernels/{kernel_id}", summary: "A kernel", answers: { 200: "Kernel" } },
  { operation: "DELETE /api/kernels/{kernel_id}", summary: "End a kernel", answers: { 204: "ended" } },
  { operation: "POST /api/kernels/{kernel_id}/interrupt", summary: "Interrupt", answers: { 204: "interrupted" } },
  { operation: "POST /api/kernels/{kernel_id}/restart", summary: "Restart", answers: { 200: "Kernel" } },
  {
    operation: "GET /api/kernelspecs",
    summary: "Installed kernelspecs, and the default",
    answers: { 200: "{default, kernelspecs: {name: {name, spec, resources}}}" },
  },
  { operation: "GET /api/kernelspecs/{name}", summary: "A kernelspec", answers: { 200: "{name, spec, resources}" } },
  { operation: "GET /kernelspecs/{name}/{file}", summary: "A file of a kernelspec", answers: { 200: "the bytes" } },
  { operation: "GET /api/sessions", summary: "Which document runs on which kernel", answers: { 200: "[Session]" } },
  {
    operation: "POST /api/sessions",
    summary: "Start a document's session, or get the one it has",
    body: { path: "string", "type?": "string", "name?": "string", "kernel?": "object" },
    answers: { 201: "Session", 400: "no path", 501: "no such kernelspec" },
  },
  { operation: "GET /api/sessions/{session_id}", summary: "A session", answers: { 200: "Session" } },
  {
    operation: "PATCH /api/sessions/{session_id}",
    summary: "Rename a session's document or change its kernel",
    body: { "path?": "string", "type?": "string", "name?": "string", "kernel?": "object" },
    answers: { 200: "Session" },
  },
  {
    operation: "DELETE /api/sessions/{session_id}",
    summary: "End a session and its kernel",
    answers: { 204: "ended", 410: "the kernel had ended before" },
  },
  { operation: "GET /api/terminals", summary: "Open terminals", answers: { 200: "[{name, last_activity}]" } },
  {
    operation: "POST /api/terminals",
    summary: "Start a shell",
    body: { "name?": "string", "cwd?": "string" },
    answers: { 200: "{name, last_activity}", 404: "this server has no terminals" },
  },
  { operation: "GET /api/terminals/{name}", summary: "A terminal", answers: { 200: "{name, last_activity}" } },
  { operation: "DELETE /api/terminals/{name}", summary: "End a shell", answers: { 204: "ended" } },
  { operation: "GET /api/config/{section}", summary: "A section of the configuration", answers: { 200: "object" } },
  { operation: "PUT /api/config/{section}", summary: "Replace a section", answers: { 204: "replaced" } },
  {
    operation: "PATCH /api/config/{section}",
    summary: "Merge into a section; null removes",
    answers: { 200: "the merged section" },
  },
  {
    operation: "POST /api/events",
    summary: "Send an event to all subscribers",
    body: { schema_id: "string", version: "string", data: "object" },
    answers: { 204: "sent", 400: "unknown schema, or data that does not fit it" },
  },
  { operation: "GET /api/events/schemas", summary: "Schemas of events", answers: { 200: "[JSON Schema]" } },
  { operation: "GET /api/nbconvert", summary: "Formats of export", answers: { 200: "{format: {output_mimetype}}" } },
  {
    operation: "GET /nbconvert/{format}/{path}",
    summary: "A notebook in another format",
    query: { download: "true sends it as a download", sanitize_html: "true sanitises even a trusted notebook" },
    answers: { 200: "the document", 400: "not a notebook, or the format needs a program that is not installed" },
  },
  {
    operation: "POST /nbconvert/{format}",
    summary: "The notebook in the body in another format",
    body: { "name?": "string", content: "object" },
    answers: { 200: "the document", 400: "not a notebook, or the format needs a program that is not installed" },
  },
  { operation: "GET /lab/api/settings", summary: "Settings of all plugins", answers: { 200: "{settings: [Setting]}" } },
  { operation: "GET /lab/api/settings/{plugin}", summary: "Settings of a plugin", answers: { 200: "Setting" } },
  {
    operation: "PUT /lab/api/settings/{plugin}",
    summary: "Save the user's settings of a plugin",
    body: { raw: "string" },
    answers: { 204: "saved" },
  },
  { operation: "GET /lab/api/workspaces", summary: "Layouts", answers: { 200: "{workspaces: {ids, values}}" } },
  { operation: "GET /lab/api/workspaces/{id}", summary: "A layout", answers: { 200: "{data, metadata}" } },
  {
    operation: "PUT /lab/api/workspaces/{id}",
    summary: "Save a layout",
    body: { data: "object", metadata: "object" },
    answers: { 204: "saved", 400: "the metadata names another one" },
  },
  { operation: "DELETE /lab/api/workspaces/{id}", summary: "Delete a layout", answers: { 204: "deleted" } },
  { operation: "GET /lab/api/translations", summary: "Language packs", answers: { 200: "{data, message}" } },
  { operation: "GET /lsp/status", summary: "Language servers", answers: { 200: "{version, sessions, specs}" } },
];

/** The websockets, which OpenAPI cannot describe: path and protocol. */
export const websockets: Readonly<Record<string, string>> = {
  "/api/kernels/{kernel_id}/channels":
    "Jupyter's kernel messages; subprotocol v1.kernel.websocket.jupyter.org or none; session_id names the client",
  "/api/events/subscribe": "Events as JSON objects with their schema_id",
  "/terminals/websocket/{name}":
    'JSON arrays: ["setup", {}], ["stdout", text], ["disconnect", 1] from the server; ["stdin", text], ["set_size", rows, columns] to it',
};

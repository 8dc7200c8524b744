// The rooms of src/, from the ground up: a room may import only rooms that stand before it in this list.
const rooms = [
  "base",
  "display",
  "parts",
  "graph",
  "engine",
  "nn",
  "policy",
  "interpreter",
  "tools",
  "reward",
  "rollout",
  "recording",
  "live",
  "evaluation",
  "training",
  "recipes",
  "interop",
  "cluster",
];
const upwards = rooms.map((room, i) => ({
  name: `${room}-imports-upwards`,
  severity: "error",
  from: { path: `^src/${room}/` },
  to: { path: `^src/(${[...rooms.slice(i + 1), "index\\.ts$", "lab\\.ts$", "python-magic\\.ts$"].join("|")})` },
}));
module.exports = {
  forbidden: [
    ...upwards,
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "src-knows-neither-kernel-nor-server",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(kernel|server|test)/" },
    },
    {
      name: "kernel-knows-no-lab",
      severity: "error",
      from: { path: "^kernel/", pathNot: "^kernel/(api/|session/display\\.ts$)" },
      to: { path: "^(src|server|test)/" },
    },
    {
      name: "kernel-shows-with-the-lab's-display",
      severity: "error",
      from: { path: "^kernel/(api/|session/display\\.ts$)" },
      to: { path: "^(src|server|test)/", pathNot: "^src/(display|base)/" },
    },
    {
      name: "server-reads-recordings-only",
      severity: "error",
      from: { path: "^server/" },
      to: { path: "^(src|kernel|test)/", pathNot: "^(src/(recording|live|base)/|kernel/(protocol|specs)/)" },
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(dist|server/web)" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
    },
  },
};

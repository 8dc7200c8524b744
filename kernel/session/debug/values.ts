import type { Runtime } from "node:inspector";

type Previewed = { type: string; subtype?: string | undefined; value?: string | undefined };

const longestText = 10_000;
const longestPart = 60;

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length)}…` : text);

/** A value in one line. */
export function valueText(value: Runtime.RemoteObject): string {
  if (value.type === "string") return cut(JSON.stringify(value.value), longestText);
  if (value.type === "undefined") return "undefined";
  if (value.subtype === "null") return "null";
  if (value.unserializableValue !== undefined) return value.unserializableValue;
  if (value.type === "function") return functionText(value.description ?? "");
  if (value.type !== "object") return String(value.value ?? value.description);
  const description = cut((value.description ?? "Object").split("\n")[0]!, longestText);
  return value.preview && value.subtype !== "error" ? previewText(value.preview, description) : description;
}

function functionText(source: string): string {
  const className = /^class(?:\s+([\w$]+))?/.exec(source);
  if (className) return `class ${className[1] ?? "(anonymous)"}`;
  const head = /^(?:async\s*)?(?:function\s*)?\*?\s*([\w$]*)\s*(\([^)]*\))?/.exec(source);
  return cut(`ƒ ${head?.[1] ?? ""}${head?.[2] ?? "()"}`, longestPart);
}

function previewText(preview: Runtime.ObjectPreview, description: string): string {
  const parts = (preview.entries ?? []).map(({ key, value }) =>
    key ? `${entryText(key)} => ${entryText(value)}` : entryText(value),
  );
  const isList = preview.subtype === "array" || preview.subtype === "typedarray";
  if (parts.length === 0) {
    for (const property of preview.properties) {
      const text = partText(property);
      parts.push(isList && /^\d+$/.test(property.name) ? text : `${property.name}: ${text}`);
    }
  }
  if (preview.overflow) parts.push("…");
  const inside = parts.join(", ");
  if (isList) return `${description} [${inside}]`;
  if (description === "Object") return `{${inside}}`;
  return parts.length > 0 ? `${description} {${inside}}` : description;
}

function entryText(preview: Runtime.ObjectPreview): string {
  return partText({ type: preview.type, subtype: preview.subtype, value: preview.description });
}

function partText({ type, subtype, value = "" }: Previewed): string {
  if (type === "string") return JSON.stringify(cut(value, longestPart));
  if (type === "accessor") return "(getter)";
  if (type === "function") return "ƒ";
  return cut(value || subtype || type, longestPart);
}

/** The type of a value: its class for an object. */
export function typeText(value: Runtime.RemoteObject): string {
  if (value.subtype === "null") return "null";
  if (value.type === "function") return value.description?.startsWith("class") ? "class" : "function";
  if (value.type !== "object") return value.type;
  // "Array(3)" says more than "Array".
  const described = /^[\w$.]+(?:\(\d+\))?$/.exec(value.description ?? "");
  return described ? described[0] : (value.className ?? "object");
}

/**
 * The same for clients that show the values of Python's types, and of all others only the type: such values have no
 * type then, so that the value is shown.
 */
export function pythonTypeText(value: Runtime.RemoteObject): string | undefined {
  if (value.type === "string") return "str";
  if (value.type === "boolean") return "bool";
  if (value.type === "number") return /^-?\d{1,15}$/.test(value.description ?? "") ? "int" : "float";
  return value.type === "object" && value.subtype !== "null" ? typeText(value) : undefined;
}

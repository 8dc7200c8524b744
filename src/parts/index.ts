export { Part, type PartKind, type PartMaterial, type PartOptions } from "./part.ts";
export {
  isPartReference,
  type PartRecord,
  type PartReference,
  partRecordSchema,
  partReferenceSchema,
  partText,
} from "./record.ts";
export { unifiedDiff } from "./text-diff.ts";

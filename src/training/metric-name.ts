import { z } from "zod";
import { nearestNames } from "../base/nearest.ts";
import { metricGlossary } from "./metric-glossary.ts";

/** The name of a metric of training steps; one that does not exist is refused with those that are close. */
export const metricName = z.string().superRefine((name, context) => {
  if (Object.hasOwn(metricGlossary, name)) return;
  const near = nearestNames(name, Object.keys(metricGlossary));
  // Of a filter of the user's own nobody has heard yet when a guard is made.
  if (/^filtered\..+/.test(name) && !near.length) return;
  if (/^toolErrors\.\w+$/.test(name)) return;
  const advice = near.length ? `did you mean ${near.join(" or ")}?` : "see trainer.explain";
  context.addIssue({ code: "custom", message: `no such metric; ${advice}` });
});

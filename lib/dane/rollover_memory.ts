/** What is remembered of services between runs, so that a staged key goes live neither too early nor never. */
import * as v from "valibot";

const milliseconds = v.pipe(v.number(), v.finite(), v.minValue(0));

/** How long things have lasted is remembered, not since when: no clock that somebody sets can make a wait shorter. */
export const rolloverMemory = v.object({
  /** Of the run that looked last. */
  clock: v.object({ wall: v.pipe(v.string(), v.isoTimestamp()), uptime: milliseconds }),
  services: v.record(
    v.string(),
    v.object({
      /** Why this service held the switch back in that run. */
      problems: v.array(v.string()),
      /** TTLs that caches may still go by; `gone`: for how long no server has given it any more. */
      ttls: v.array(v.object({ ttl: milliseconds, gone: v.optional(milliseconds) })),
      /** For how long every server has been known to have the records of a staged key and of the live one. */
      announced: v.optional(v.object({ keyId: v.string(), lasted: milliseconds })),
    }),
  ),
});

/** See {@link rolloverMemory}. */
export type RolloverMemory = v.InferOutput<typeof rolloverMemory>;

/** Whether something is what was remembered. */
export const isRolloverMemory = (value: unknown): value is RolloverMemory => v.is(rolloverMemory, value);

/** What has been said, so that it is said at most once a day. Pure. */
import { day } from "../time.ts";
import type { Memory } from "./memory.ts";

type Told = Memory["told"];

/** Whether something was said within a day.
 *
 * @param told what is remembered
 * @param name the same for the same matter
 * @param now the time
 */
export const isTold = (told: Told, name: string, now: Date): boolean => Date.parse(told[name]) + day > +now;

/** What is remembered once this has been said too; what may be said again is forgotten.
 *
 * @param told what was remembered
 * @param names what is said now
 * @param now the time
 */
export const withTold = (told: Told, names: readonly string[], now: Date): Told =>
  Object.fromEntries([
    ...Object.entries(told).filter(([name]) => isTold(told, name, now)),
    ...names.map((name) => [name, now.toISOString()]),
  ]);

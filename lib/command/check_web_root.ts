/** Whether a file in the challenge directory is what the web server of each name shows: as the CA will ask for it. */
import pLimit from "p-limit";
import type { Config } from "../config/config.ts";
import { place, removePlaced } from "../disk/place.ts";
import type { World } from "../steps/session.ts";
import { type Finding, warnings } from "./finding.ts";

const patience = 10_000;
const atOnce = 8;

/** Puts a file there, fetches it by each name, and removes it.
 *
 * @param config the configuration
 * @param world reaches web servers
 * @throws {Failure} the directory can't be written to
 */
export async function webRootFindings({ domains, acme }: Config, world: World): Promise<Finding[]> {
  const token = crypto.randomUUID();
  const path = `${acme.challengeDir}/${token}`;
  const placed = place(path, new TextEncoder().encode(token), 0o644);
  using _tidy = world.onSignal(() => removePlaced(path, placed));
  const slots = pLimit(atOnce);
  const look = async (name: string) => {
    // RFC 8555 §8.3: on port 80; redirections are followed.
    const url = `http://${name.includes(":") ? `[${name}]` : name}/.well-known/acme-challenge/${token}`;
    const problem = await fetched(url, token, world);
    return problem ? [`http://${name}/.well-known/acme-challenge/ ${problem}`] : [];
  };
  try {
    const names = domains.filter((each) => !each.startsWith("*."));
    const found = await Promise.all(names.map((name) => slots(() => look(name))));
    const cure = `does the web server map it to "${acme.challengeDir}"?`;
    return warnings(found.flat().map((each) => `${each}: ${cure}`));
  } finally {
    removePlaced(path, placed);
  }
}

async function fetched(url: string, token: string, world: World): Promise<string | undefined> {
  try {
    const response = await world.fetch(url, { signal: AbortSignal.timeout(patience) });
    const text = await beginning(response, token.length + 1);
    if (!response.ok) return `answers with status ${response.status}`;
    return text === token ? undefined : "answers with something else than the file that is there";
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    let cause: Error = error;
    while (cause.cause instanceof Error) cause = cause.cause;
    return `can't be fetched from this machine: ${cause.message.replace(/^.*client error \(\w+\): /s, "")}`;
  }
}

/** As much of a body as is needed to tell whether it is the right one. */
async function beginning(response: Response, enough: number): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length >= enough) break;
  }
  return text;
}

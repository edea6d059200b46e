/** Every written name belongs to one line: which configuration it is stands in a small file beside it. */
import type { Config } from "../config/config.ts";
import { openOwn, tryLock, writeOver } from "../disk/lock.ts";
import { mayRead } from "../disk/granted.ts";
import { directoryOf, fileName } from "../disk/names.ts";
import { exists, read, realPath } from "../disk/read.ts";
import { syncDirectory } from "../disk/directory.ts";
import { Failure } from "../errors.ts";
import type { World } from "./world.ts";

/** How long another run may take to write its claim, milliseconds, and how often one looks. */
const [patience, interval] = [5_000, 50];

/** Claims the names that a line writes: those of both slots, and so of what is derived from them, in both directories.
 *
 * It is called under the line's lock, before anything else is changed. A crash leaves claims of this configuration, or none.
 *
 * @param config the line
 * @param world tells what was taken over; waits
 * @throws {Failure} of kind `config.claimed`: another configuration, which is still there, has one of them
 */
export async function claim(config: Config, world: Pick<World, "log" | "sleep">): Promise<void> {
  const own = realPath(config.file);
  const claims = claimFiles(config);
  for (const path of claims) {
    if (ownerOf(read(path)) === own) continue;
    const owner = await take(path, own, world);
    if (!owner) continue;
    if (!isGone(owner)) throw refusal(path, { owner, own, claims });
    world.log(`Took over "${namesOf(path)}" from "${owner}", which is gone`);
  }
}

/** The files that say whose a name is. */
function claimFiles({ dirs, files }: Config): string[] {
  const claims = [dirs.keys, dirs.certs].flatMap((directory) =>
    [files.live, files.staging].map((name) => `${directory}/.${name}.claim`)
  );
  return [...new Set(claims)];
}

/** What a claim is about, for people, such as `/etc/keys/live.*`. */
const namesOf = (claim: string): string =>
  `${directoryOf(claim)}/${fileName(claim).replace(/^\.(.*)\.claim$/, "$1.*")}`;

/** Takes a name that is free, or whose owner is gone; returns the owner before. Whoever else wants it has to wait. */
async function take(path: string, own: string, world: Pick<World, "sleep">): Promise<string | undefined> {
  using file = openOwn(path);
  for (let waited = 0; !tryLock(file, path); waited += interval) {
    if (waited >= patience) throw new Failure("run.locked", `Another run has "${path}"`, { path });
    await world.sleep(interval);
  }
  const owner = ownerOf(read(path));
  if (owner === own || owner && !isGone(owner)) return owner === own ? undefined : owner;
  writeOver(file, path, `${own}\n`);
  syncDirectory(directoryOf(path));
  return owner;
}

/** The configuration that a claim names; undefined: nobody has the name, or a power cut took the claim. */
function ownerOf(bytes: Uint8Array | undefined): string | undefined {
  const [line] = new TextDecoder().decode(bytes).split("\n", 1);
  return line.startsWith("/") ? line : undefined;
}

/** Where it can't be looked at it is taken to be there. */
function isGone(configuration: string): boolean {
  try {
    return mayRead(configuration) && !exists(configuration);
  } catch {
    return false;
  }
}

function refusal(path: string, { owner, own, claims }: { owner: string; own: string; claims: string[] }) {
  return new Failure("config.claimed", `"${namesOf(path)}" belongs to "${owner}": "${own}" names it too`, {
    path,
    cure: `name other files; where "${own}" has taken the place of "${owner}": rm ${claims.join(" ")}`,
  });
}

/** What a run works with: made once, and handed on as one thing. */
import type { Account } from "../acme/account.ts";
import type { Connection } from "../acme/connection.ts";
import type { Config } from "../config/config.ts";
import { exists } from "../disk/read.ts";
import { lock } from "../disk/lock.ts";
import { Failure } from "../errors.ts";
import type { Command } from "../line/decide.ts";
import type { Files } from "../line/files.ts";
import type { Line } from "../line/line.ts";
import { type Memory, type MemoryFile, openMemory, withoutFuture } from "../line/memory.ts";
import { type Paths, pathsOf } from "../line/paths.ts";
import { readLine } from "../line/read.ts";
import { makeDirectories, removeTemporaries } from "./install.ts";
import { recover } from "./recover.ts";
import { recoverDerived } from "./derived.ts";
import { claim } from "./claim.ts";
import { checkAccess, checkFiles, checkPermissions } from "./safety.ts";
import { removeStaleChallenges } from "./web_root.ts";
import type { World } from "./world.ts";

export type { World };

/** Opens the conversation with the configured CA, under the account that the account key has there. */
export interface Contact {
  account(session: Pick<Session, "config" | "memory" | "world">): Promise<Account>;
  /** The same without an account; its directory has been read. */
  connection(session: Pick<Session, "config" | "world">): Promise<Connection>;
  /** The same for what needs no directory: nothing has been asked yet. */
  bareConnection(session: Pick<Session, "config" | "world">): Connection;
}

/** What a run is told to do. */
export interface Options {
  command: Command;
  /** Whether hooks run (`-k`). */
  hooks: boolean;
  /** Whether the ledger's limits are set aside (`--force`). */
  force?: boolean;
  /** The way to the CA, loaded when it is needed. */
  contact: () => Promise<Contact>;
}

/** See above. */
export interface Session extends Omit<Options, "contact"> {
  readonly config: Config;
  readonly at: Paths;
  readonly memory: MemoryFile;
  readonly world: World;
  /** Both pairs, as they were read last. */
  files: Files;
  /** Reads the line as it is now. */
  read(): Promise<Line>;
  account(): Promise<Account>;
  connection(): Promise<Connection>;
  bareConnection(): Promise<Connection>;
}

/** Takes a line into hand: lock, memory, what an interrupted run left; then acts on it.
 *
 * @param config the line
 * @param options what the run is told to do
 * @param world the outside world
 * @param act what is done while the line is locked
 * @returns what `act` returns
 * @throws {Failure} nothing could be begun
 */
export async function withSession<T>(
  config: Config,
  options: Options,
  world: World,
  act: (session: Session) => Promise<T>,
): Promise<T> {
  checkFiles(config);
  await checkPermissions(config, options);
  if (options.command === "init") makeDirectories(config);
  checkBegun(config);
  const at = pathsOf(config);
  using _held = lock(at.lock, world);
  await claim(config, world);
  const memory = await openMemory(at.memory, world);
  for (const warning of checkAccess(config, options)) world.warn(warning);
  using _tidy = world.onSignal(() => removeStaleChallenges(config, memory));
  await removeTemporaries(config);
  removeStaleChallenges(config, memory);
  const { done, files, unreadable } = await recover(config, world.now(), memory.value);
  for (const line of done) world.log(line);
  for (const problem of unreadable) world.warn(`warning: ${problem}: it is no backup of anything`);
  memory.update({ contents: files.contents });
  return await act(makeSession(config, options, world, { memory, files }));
}

function makeSession(
  config: Config,
  options: Options,
  world: World,
  { memory, files: recovered }: { memory: MemoryFile; files: Files },
): Session {
  const { contact, ...told } = options;
  let unchanged: Files | undefined = recovered;
  const session: Session = {
    ...told,
    ...{ config, memory, world, at: pathsOf(config) },
    files: recovered,
    async read() {
      const { line, files } = await readLine(config, memory.value, world.now(), unchanged);
      [session.files, unchanged] = [files, undefined];
      if (believesClock(line, world.now()) && mendMemory(memory, line, world.now())) {
        return await session.read();
      }
      return line;
    },
    account: async () => await (await contact()).account(session),
    connection: async () => await (await contact()).connection(session),
    bareConnection: async () => (await contact()).bareConnection(session),
  };
  return session;
}

/** The CA's word that it is at least this late: the clock is not behind now, so it ran ahead when it wrote of the future. */
const believesClock = ({ live }: Line, now: Date): boolean =>
  live.kind === "certified" && live.certificate.notBefore <= now;

/** Returns whether anything that is remembered had to be put right; a key from the future counts from now. */
function mendMemory(memory: MemoryFile, { live, staging }: Line, now: Date): boolean {
  const created = [live, staging].flatMap((slot) =>
    slot.kind === "empty" ? [] : [[slot.key.keyId, slot.key.created.toISOString()]]
  );
  const known = { ...Object.fromEntries(created), ...memory.value.keys };
  const mended = withoutFuture({ ...memory.value, keys: known }, now);
  if (mended.keys === known) return false;
  memory.update(mended);
  return true;
}

/** Finishes or undoes an interrupted run, and nothing else: a server that starts needs a matching pair, whatever else needs
 * a hand.
 *
 * @param config the line
 * @param world told of what was done
 * @throws {Failure} there is no usable live key
 */
export async function recoverLine(config: Config, world: World): Promise<void> {
  checkFiles(config);
  checkBegun(config);
  const at = pathsOf(config);
  using _held = lock(at.lock, world);
  const memory = await openMemory(at.memory, world);
  const { done, files, unreadable } = await recover(config, world.now(), memory.value);
  for (const line of done) world.log(line);
  for (const problem of unreadable) world.warn(`warning: ${problem}: it is no backup of anything`);
  recoverDerived({ config, files, memory, world });
}

function checkBegun({ dirs }: Config): void {
  if (exists(dirs.keys)) return;
  throw new Failure("files.not-begun", `The directory "${dirs.keys}" does not exist`, { path: dirs.keys });
}

/** Looks at a line: no lock, no recovery, no network.
 *
 * @param config the line
 * @param world the time, and who is told what is wrong with the memory
 * @returns everything that a decision depends on, and what it is made of
 */
export async function look(
  config: Config,
  world: Pick<World, "now" | "warn">,
): Promise<{ line: Line; files: Files; memory: Memory }> {
  const { value } = await openMemory(pathsOf(config).memory, {
    now: world.now,
    warn: world.warn,
    readOnly: true,
  });
  return { ...await readLine(config, value, world.now()), memory: value };
}

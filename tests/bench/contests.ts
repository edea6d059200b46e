/** What is compared: the contestants of each comparison, and one run of each. */
import { openssl } from "../kit/pebble.ts";
import type { BenchCa } from "./ca.ts";
import { type Client, ourProgram, type Prepared } from "./clients.ts";
import { compare, type Contestant, type Extent, type Sample } from "./compare.ts";
import { type Lines, makeLines, oneByOne, together } from "./lines.ts";
import { type CommandLine, measure } from "./measure.ts";
import type { Cell } from "./results.ts";

/** Who can be asked for what is due; others renew whenever they are run. */
const isIdler = ({ name }: Client) => ["letsencrypt-tiny", "Python original", "certbot"].includes(name);

/** Prepares side by side: only what is measured has to wait for its turn. */
async function prepare(
  ca: BenchCa,
  clients: readonly Client[],
  roundTrip: number,
): Promise<Map<Client, Prepared>> {
  const far = await ca.at(roundTrip);
  const prepared = await Promise.all(clients.map(async (client) => {
    try {
      return [[client, await client.prepare(far)] as const];
    } catch (error) {
      console.error(
        `LEFT OUT: ${client.name} can't be prepared: ${error instanceof Error ? error.message : error}`,
      );
      return [];
    }
  }));
  return new Map(prepared.flat());
}

/** How far away the CA is, milliseconds there and back, and how far to go. */
type FarExtent = Extent & { roundTrip: number };

let domains = 0;
/** Never asked for before, so that the CA has to validate each. */
const freshDomain = () => `r${++domains}.example.org`;

/** One certificate with many names. */
export async function compareNames(
  ca: BenchCa,
  clients: readonly Client[],
  extent: FarExtent,
): Promise<Cell[]> {
  const contestants: Contestant[] = [];
  for (const [{ name }, prepared] of await prepare(ca, clients, extent.roundTrip)) {
    contestants.push({
      series: name,
      async run(size) {
        const names = Array.from({ length: size }, freshDomain);
        const { command, certificate } = await prepared.issue(names);
        const before = await ca.requests();
        const done = await measure(command, { timeout: extent.limit });
        if (!done) return undefined;
        const requests = await ca.requests() - before;
        await checkCertificate(certificate ? await Deno.readTextFile(certificate) : done.stdout, names);
        return { ...done, requests };
      },
    });
  }
  return await compare(`${extent.roundTrip} ms, names`, contestants, extent);
}

/** A client that is fast since it obtained something else would win. */
async function checkCertificate(chain: string, domains: readonly string[]): Promise<void> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, chain);
    const text = await openssl("x509", "-in", file, "-noout", "-ext", "subjectAltName");
    const found = [...text.matchAll(/DNS:([^,\s]+)/g)].map(([, name]) => name).sort().join();
    if (found !== domains.toSorted().join()) throw new Error(`The certificate has other names: ${found}`);
  } finally {
    await Deno.remove(file);
  }
}

/** A run with nothing to do: whoever says something has done something. */
async function idleRun(command: CommandLine, { limit }: Extent): Promise<Sample | undefined> {
  const done = await measure(command, { timeout: limit });
  if (done?.stdout) throw new Error(`There was something to do: ${done.stdout}`);
  return done;
}

/** `cron` with nothing to do. */
export async function compareIdle(
  ca: BenchCa,
  clients: readonly Client[],
  extent: Extent,
): Promise<Cell[]> {
  const empty = await Deno.makeTempFile({ suffix: ".ts" });
  const floor = { program: Deno.execPath(), args: ["run", "--no-config", empty] };
  const contestants: Contestant[] = [{
    series: "deno run of an empty file",
    run: () => idleRun(floor, extent),
  }];
  for (const [{ name }, { idle }] of await prepare(ca, clients.filter(isIdler), 0)) {
    if (!idle) continue;
    const command = await idle();
    await idleRun(command, extent);
    contestants.push({ series: name, run: () => idleRun(command, extent) });
  }
  const cells = await compare("nothing to do", contestants, extent);
  await Deno.remove(empty);
  return cells;
}

/** Many lines with nothing to do. */
export async function compareLines(
  ca: BenchCa,
  clients: readonly Client[],
  extent: Extent,
): Promise<Cell[]> {
  const near = await ca.at(0);
  const made = new Map<number, Lines>();
  const linesFor = async (count: number) => {
    const lines = made.get(count) ?? await makeLines(near, count);
    made.set(count, lines);
    return lines;
  };
  const contestants: Contestant[] = [{
    series: "letsencrypt-tiny",
    run: async (count) => await idleRun(together(await linesFor(count)), extent),
  }];
  for (const [{ name }, { program, idle, idleWith }] of await prepare(ca, clients.filter(isIdler), 0)) {
    if (program) {
      contestants.push({
        series: `${name}, each alone`,
        run: async (count) => await idleRun(oneByOne(await linesFor(count), program), extent),
      });
    }
    if (idle && idleWith) {
      await idle();
      contestants.push({ series: name, run: async (count) => await idleRun(await idleWith(count), extent) });
    }
  }
  return await compare("idle lines", contestants, extent);
}

/** Many lines that renew. */
export async function compareRenewals(ca: BenchCa, extent: FarExtent): Promise<Cell[]> {
  const far = await ca.at(extent.roundTrip);
  const made = new Map<number, Lines>();
  /** Each line has to know its account, as it does after its first certificate. */
  const settled = async (count: number) => {
    const lines = made.get(count) ?? await makeLines(far, count);
    if (!made.has(count)) {
      await lines.configure(freshDomain);
      const command = count === 1 ? oneByOne(lines, ourProgram) : together(lines);
      if (!await measure(command, { timeout: 5 * extent.limit })) {
        throw new Error("The first run takes too long");
      }
    }
    made.set(count, lines);
    await lines.configure(freshDomain);
    return lines;
  };
  const contestant = (series: string, command: (lines: Lines) => CommandLine): Contestant => ({
    series,
    async run(count) {
      const lines = await settled(count);
      const before = await ca.requests();
      const done = await measure(command(lines), { timeout: extent.limit });
      return done && { ...done, requests: await ca.requests() - before };
    },
  });
  return await compare(`${extent.roundTrip} ms, lines that renew`, [
    contestant("letsencrypt-tiny", together),
    contestant("letsencrypt-tiny, each alone", (lines) => oneByOne(lines, ourProgram)),
  ], extent);
}

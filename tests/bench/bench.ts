/** The benchmark: this program and its peers side by side; `deno task bench` starts it.
 *
 * `--quick` is a smoke test in a minute. `--markdown FILE`, `--svg FILE` and `--json FILE` keep what was found;
 * `--from FILE` shows a kept JSON again without measuring. `--parts`, `--clients`, `--delays`, `--names` and `--lines`
 * take comma-separated lists and narrow the run down.
 */
import { parseArgs } from "@std/cli/parse-args";
import { startBenchCa } from "./ca.ts";
import { type Client, clients as allClients } from "./clients.ts";
import { compareIdle, compareLines, compareNames, compareRenewals } from "./contests.ts";
import { endRunning } from "./measure.ts";
import { install, starts } from "./packages.ts";
import { plot } from "./plot.ts";
import type { Results } from "./results.ts";
import { formatResults } from "./table.ts";

const texts = ["markdown", "svg", "json", "from", "parts", "clients", "delays", "names", "lines"] as const;
type Options = { quick?: boolean } & Partial<Record<typeof texts[number], string>>;
const options = parseArgs(Deno.args, { boolean: ["quick"], string: [...texts] }) as Options;
const list = (given: string | undefined, normal: string, quick = normal) =>
  (given ?? (options.quick ? quick : normal)).split(",");
const parts = list(options.parts, "names,idle,lines,renewals");
const roundTrips = list(options.delays, "0,20,100,200", "20").map(Number);
const nameCounts = list(options.names, "1,10,50,100", "1").map(Number);
const lineCounts = list(options.lines, "1,10,100,1000", "1,10").map(Number);
const renewalCounts = lineCounts.filter((each) => each <= (options.quick ? 1 : 100));
const limit = 60_000;
const pace = { limit, runs: options.quick ? 1 : undefined };
const idlePace = { limit, runs: options.quick ? 3 : 20 };
/** How far away the CA is when many lines renew. */
const roundTrip = 100;

await show(options.from ? JSON.parse(await Deno.readTextFile(options.from)) : await bench());

async function show(results: Results): Promise<void> {
  const markdown = formatResults(results);
  console.log(markdown);
  if (options.json) await Deno.writeTextFile(options.json, `${JSON.stringify(results, null, 1)}\n`);
  if (options.markdown) await Deno.writeTextFile(options.markdown, markdown);
  if (options.svg) await Deno.writeTextFile(options.svg, plot(results));
}

async function bench(): Promise<Results> {
  const clients = await findClients();
  const [load] = Deno.loadavg();
  if (load > 0.5) {
    console.error(`WARNING: the machine is busy (load ${load.toFixed(1)}): figures will be too large`);
  }
  await using ca = await startBenchCa();
  // Servers and proxies are to end with this run, however it ends.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, async () => {
      endRunning();
      await ca[Symbol.asyncDispose]();
      Deno.exit(130);
    });
  }
  const has = (part: string) => parts.includes(part);
  const names: Results["names"] = [];
  if (has("names")) {
    for (const roundTrip of roundTrips) {
      const cells = await compareNames(ca, clients, { roundTrip, sizes: nameCounts, ...pace });
      names.push({ roundTrip, cells });
    }
  }
  return {
    date: new Date().toISOString(),
    load,
    cores: navigator.hardwareConcurrency,
    deno: Deno.version.deno,
    pebble: await pebbleVersion(),
    limit,
    clients: await Promise.all(clients.map(async ({ name, given, version }) => {
      return { name, given, version: await version() ?? "" };
    })),
    names,
    idle: has("idle") ? await compareIdle(ca, clients, { sizes: [1], ...idlePace }) : [],
    lines: has("lines") ? await compareLines(ca, clients, { sizes: lineCounts, ...pace }) : [],
    renewals: {
      roundTrip,
      cells: has("renewals") ? await compareRenewals(ca, { roundTrip, sizes: renewalCounts, ...pace }) : [],
    },
  };
}

async function findClients(): Promise<Client[]> {
  const wanted = allClients.filter(({ name }) => options.clients?.split(",").includes(name) ?? true);
  const missing: string[] = await starts("time") ? [] : ["time"];
  for (const each of wanted) if (each.package && !await each.version()) missing.push(each.package);
  await install(missing);
  if (!await starts("time")) {
    console.error("error: Debian's package time is missing: it measures CPU and memory");
    Deno.exit(1);
  }
  const found = [];
  for (const each of wanted) {
    if (await each.version()) found.push(each);
    else {
      const cure = each.package ? `install Debian's package ${each.package}` : "set ORIGINAL to its script";
      console.error(`LEFT OUT: ${each.name} is missing: ${cure}`);
    }
  }
  return found;
}

async function pebbleVersion(): Promise<string> {
  try {
    const args = ["--show", "--showformat=${Version}", "pebble"];
    const { stdout } = await new Deno.Command("dpkg-query", { args, stderr: "null" }).output();
    return new TextDecoder().decode(stdout) || "of unknown version";
  } catch {
    return "of unknown version";
  }
}

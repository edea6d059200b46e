/** What the benchmark's figures rest on: the delay, the choice of what runs, and how results are shown. */
import { assert, assertEquals } from "../kit/assert.ts";
import { compare, predict } from "./compare.ts";
import { serveDelayed } from "./delay_proxy.ts";
import { measure, median } from "./measure.ts";
import { starts } from "./packages.ts";
import { plot, spread } from "./plot.ts";
import type { Cell, Outcome, Results } from "./results.ts";
import { formatResults } from "./table.ts";

/** Sends back what it gets. */
function serveEcho() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const each of listener) each.readable.pipeTo(each.writable).catch(() => {});
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

/** How long it takes to send so many bytes, and to get them back, milliseconds. */
async function echo(connection: Deno.TcpConn, size = 1): Promise<number> {
  const begin = performance.now();
  const bytes = new Uint8Array(size).fill(7);
  const sending = (async () => {
    for (let done = 0; done < size;) done += await connection.write(bytes.subarray(done));
  })();
  const buffer = new Uint8Array(65_536);
  for (let got = 0; got < size;) got += (await connection.read(buffer))!;
  await sending;
  return performance.now() - begin;
}

function assertAbout(actual: number, expected: number): void {
  assert(actual > expected - 3 && actual < expected + 80, `${actual} instead of ${expected}`);
}

Deno.test("delay proxy: one round trip to connect, one for each answer, nothing for company or size", async () => {
  await using server = serveEcho();
  await using proxy = serveDelayed(server.port, 100);
  const connect = () => Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
  using first = await connect();
  assertAbout(await echo(first), 200);
  assertAbout(await echo(first), 100);

  const others = await Promise.all(Array.from({ length: 20 }, connect));
  const begin = performance.now();
  for (const each of await Promise.all(others.map((each) => echo(each)))) assertAbout(each, 200);
  assertAbout(performance.now() - begin, 200);
  others.forEach((each) => each.close());

  // A proxy that waits for each chunk in turn would need 64 chunks times 50 ms.
  assert(await echo(first, 4 << 20) < 1000);
});

Deno.test("delay proxy: an end of stream arrives after what was sent before it", async () => {
  await using server = serveEcho();
  await using proxy = serveDelayed(server.port, 40);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
  await connection.write(new Uint8Array(100));
  await connection.closeWrite();
  const begin = performance.now();
  let got = 0;
  for await (const chunk of connection.readable) got += chunk.length;
  assertEquals(got, 100);
  assertAbout(performance.now() - begin, 80);
});

// Debian's package `time` is the benchmark's own need, not that of the tests.
const ignore = !await starts("time");
if (ignore) console.error("measure() is not tested: Debian's package time is missing");
Deno.test("measure() counts what children use, and ends what takes too long", { ignore }, async () => {
  const shell = (script: string) => ({ program: "sh", args: ["-c", script] });
  const done = await measure(shell("sh -c 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done'; echo done"), {
    timeout: 20_000,
  });
  assertEquals(done?.stdout, "done\n");
  assert(done && done.cpu >= 10 && done.wall >= 10 && done.memory > 500_000, JSON.stringify(done));
  assertEquals(await measure(shell("sleep 30 & sleep 30"), { timeout: 100 }), undefined);
  const failure = await measure(shell("echo why >&2; exit 3"), { timeout: 9_000 }).catch((error) => error);
  assertEquals(failure.message, "sh ended with status 3: why\n");
});

const figures = (wall: number): Outcome => ({ runs: 3, wall, cpu: 50, memory: 12e6, requests: 9 });
const cells = (series: string, outcomes: [number, Outcome][]): Cell[] =>
  outcomes.map(([size, outcome]) => ({ series, size, outcome }));

Deno.test("predict() goes on as the last two figures do", () => {
  assertEquals(predict([], 10), 0);
  assertEquals(predict(cells("a", [[1, figures(1000)]]), 10), 5000);
  assertEquals(predict(cells("a", [[1, figures(1000)], [10, figures(1900)]]), 50), 5900);
  assertEquals(predict(cells("a", [[1, figures(1000)], [10, "slow"]]), 50), Infinity);
});

Deno.test("compare() takes turns, and keeps the slow from what is slower still", async () => {
  const turns: string[] = [];
  const contestant = (series: string, wall: (size: number) => number | undefined) => ({
    series,
    run(size: number) {
      turns.push(series + size);
      const took = wall(size);
      return Promise.resolve(took === undefined ? undefined : { wall: took, cpu: 1, memory: 1 });
    },
  });
  const found = await compare("test", [
    contestant("a", () => 5000),
    contestant("b", (size) => size === 1 ? 20_000 : undefined),
  ], { sizes: [1, 2, 3], limit: 60_000 });
  assertEquals(turns.join(" "), "a1 b1 a1 a1 a2 b2 a2 a2 a3 a3 a3");
  assertEquals(found.map((each) => typeof each.outcome === "string" ? each.outcome : each.outcome.wall), [
    ...[5000, 20_000],
    ...[5000, "slow"],
    ...[5000, "slow"],
  ]);
  assertEquals([median([3, 1, 2]), median([4, 1, 2, 3])], [2, 2.5]);
});

const results: Results = {
  date: "2026-11-24T10:00:00.000Z",
  cores: 2,
  load: 0,
  deno: "2.9.6",
  pebble: "2.4.0",
  limit: 60_000,
  clients: [{ name: "lego", version: "4.9.1", given: "CSR given" }],
  names: [{
    roundTrip: 0,
    cells: [
      ...cells("letsencrypt-tiny", [[1, figures(300)], [10, figures(400)]]),
      ...cells("lego", [[1, figures(6100)], [10, "slow"]]),
    ],
  }],
  idle: cells("certbot", [[1, figures(300)]]),
  lines: cells("letsencrypt-tiny", [[1, figures(100)], [1000, figures(12_345)]]),
  renewals: { roundTrip: 100, cells: cells("letsencrypt-tiny, each alone", [[1, "failed"]]) },
};

Deno.test("the table has a row for each client and a column for each size", () => {
  const text = formatResults(results);
  for (
    const row of [
      "| lego | 4.9.1 | CSR given |",
      "|  | n = 1 | n = 10 |",
      "| letsencrypt-tiny | 0.300 (9) | 0.400 (9) |",
      "| lego | 6.10 (9) | > 60 |",
      "| certbot | 0.300 | 0.050 | 12 |",
      "| letsencrypt-tiny | 0.100, 12 MB | 12.3, 12 MB |",
      "| letsencrypt-tiny, each alone | failed |",
    ]
  ) assert(text.split("\n").includes(row), `${row}\n${text}`);
});

Deno.test("the plot has a line for each series, and no label covers another", () => {
  const svg = plot(results);
  assertEquals(svg.match(/<g /g)?.length, 2);
  assertEquals(svg.match(/class="line s0"/g)?.length, 2);
  assertEquals(svg.match(/class="line more s6"/g)?.length, 1);
  assert(!/NaN|Infinity|undefined/.test(svg), svg);

  const labels = [10, 11, 12, 40].map((y) => ({ lines: ["name"], x: 100, y }));
  const ys = spread(labels, { top: 0, bottom: 100 }).map((each) => each.y).sort((a, b) => a - b);
  for (const [index, y] of ys.slice(1).entries()) assert(y - ys[index] >= 14.9, ys.join());
  assert(ys[0] >= 7.5, ys.join());
});

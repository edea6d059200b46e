/** What is remembered survives: this version's file, that of the first, and a clock that ran ahead; damage is set aside. */
import { assert, assertEquals, assertRejects } from "../kit/assert.ts";
import { emptyMemory, type Memory, openMemory, withoutFuture } from "../../lib/line/memory.ts";
import { parseMemory } from "../../lib/line/schema.ts";

const now = new Date("2027-03-01T12:00:00.000Z");
const before = "2027-02-01T00:00:00.000Z";
const [key, other] = ["a".repeat(64), "b".repeat(64)];

/** A file of the first version, with one of each kind of fact. */
const first = {
  version: 1,
  account: { directory: "https://ca.example/d", thumbprint: "t", url: "https://ca.example/a/1" },
  keys: { [key]: before },
  staged: { spki: other, since: before },
  observed: { spki: other, since: before, ttl: 3600_000, problems: ["ns1 has no TLSA"], told: before },
  served: key,
  revocations: [{ reason: 4, serial: "0102" }, { reason: 1, spki: key }],
  revoked: { "0a": "2027-04-01T00:00:00.000Z" },
  hooks: { certchange: "c", keychange: "k" },
  orders: {
    live: {
      url: "https://ca.example/o/1",
      directory: "https://ca.example/d",
      spki: key,
      domains: ["a.example"],
      tokens: ["token-token-token"],
    },
    staging: {
      url: "https://ca.example/o/2",
      directory: "https://ca.example/d",
      domains: ["a.example"],
      tokens: [],
    },
  },
  failures: { count: 2, last: before, notBefore: "2027-02-02T00:00:00.000Z" },
  contents: {
    keys: { hash: { spki: key, type: "ecdsa", length: 256 } },
    certificates: {
      hash: { spki: key, domains: ["a.example"], serial: "01", notBefore: before, notAfter: before },
    },
  },
};
const order = {
  slot: "live",
  directory: "https://ca.example/d",
  names: ["a.example"],
  delays: 0,
  outcome: "open",
};

/** The same in this version. */
const current = {
  version: 2,
  account: first.account,
  keys: first.keys,
  announced: { keyId: other, since: before },
  observed: { keyId: other, problems: ["ns1 has no TLSA"], told: before },
  served: key,
  revocations: [{ reason: 4, serial: "0102" }, { reason: 1, keyId: key }],
  revoked: first.revoked,
  hooks: first.hooks,
  orders: [
    {
      ...order,
      at: now.toISOString(),
      url: "https://ca.example/o/1",
      keyId: key,
      tokens: ["token-token-token"],
    },
    { ...order, at: now.toISOString(), url: "https://ca.example/o/2", slot: "staging", tokens: [] },
  ],
  failures: { count: 2, last: before, retryAfter: "2027-02-02T00:00:00.000Z" },
  told: {},
  // What files hold is read from them again.
  contents: { keys: {}, certificates: {} },
} as unknown as Memory;

/** Undefined members are as good as none. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

async function withFile(act: (path: string, warnings: string[]) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-" });
  try {
    await act(`${folder}/state.json`, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
const open = (path: string, warnings: string[], readOnly = false) =>
  openMemory(path, { now: () => now, warn: (text) => void warnings.push(text), readOnly });

Deno.test("the first version's file is read without loss", async () => {
  assertEquals(plain(parseMemory(first, now)), plain(current));
  const bare = { version: 1, keys: {}, hooks: {}, orders: {}, contents: { keys: {}, certificates: {} } };
  assertEquals(plain(parseMemory(bare, now)), plain(emptyMemory));
  await withFile(async (path, warnings) => {
    await Deno.writeTextFile(path, JSON.stringify(first));
    assertEquals([plain((await open(path, warnings)).value), warnings], [plain(current), []]);
  });
});

Deno.test("what is written is read, and is for nobody else's eyes", async () => {
  await withFile(async (path, warnings) => {
    const memory = await open(path, warnings);
    assertEquals(memory.value, emptyMemory);
    memory.update(current);
    assertEquals(plain((await open(path, warnings)).value), plain(current));
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
    const written = Deno.statSync(path).ino;
    memory.update({ served: current.served });
    assertEquals(Deno.statSync(path).ino, written, "the same facts are not written again");
    assertEquals(warnings, []);
  });
});

Deno.test("a member that was changed by hand is checked, though the file has a checksum", async () => {
  await withFile(async (path, warnings) => {
    (await open(path, warnings)).update(current);
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.replace(`"served": "${key}"`, `"served": "${other}"`));
    assertEquals((await open(path, warnings)).value.served, other);
    await Deno.writeTextFile(path, text.replace(`"served": "${key}"`, '"served": 5'));
    assertEquals((await open(path, warnings, true)).value, emptyMemory);
  });
});

Deno.test("a damaged file is set aside and told, but for who only looks; a newer one is refused", async () => {
  for (const damage of ["", "{", '"x"', "[]", "null", '{"version":2}', "\xff", "x".repeat(2_000_000)]) {
    await withFile(async (path, warnings) => {
      await Deno.writeTextFile(path, damage);
      assertEquals([(await open(path, warnings, true)).value, warnings], [emptyMemory, []]);
      assertEquals(await Deno.readTextFile(path), damage);
      assertEquals((await open(path, warnings)).value, emptyMemory);
      assert(/was damaged: moved to ".*state\.json\.bad"/.test(warnings[0]), warnings[0]);
      assertEquals(await Deno.readTextFile(`${path}.bad`), damage);
    });
  }
  await withFile(async (path, warnings) => {
    await Deno.writeTextFile(path, JSON.stringify({ ...current, version: 3 }));
    await assertRejects(() => open(path, warnings), /of version 3: this program knows versions 1 and 2 only/);
  });
});

Deno.test("withoutFuture(): nothing that is remembered has yet to happen", () => {
  assertEquals(withoutFuture(current, now), current);
  const later = "2037-01-01T00:00:00.000Z";
  const ahead = plain(current) as Memory;
  ahead.keys[key] =
    ahead.announced!.since =
    ahead.observed!.told =
    ahead.failures!.last =
      later;
  ahead.orders[0].at = ahead.told.ledger = later;
  const mended = withoutFuture(ahead, now);
  const instant = now.toISOString();
  assertEquals([mended.keys[key], mended.announced?.since, mended.observed?.told], [
    instant,
    instant,
    instant,
  ]);
  assertEquals([mended.orders[0].at, mended.told.ledger, mended.failures], [instant, instant, undefined]);
  // A few minutes are no reason.
  const soon = { ...current, served: key, keys: { [key]: new Date(+now + 60_000).toISOString() } };
  assertEquals(withoutFuture(soon, now), soon);
});

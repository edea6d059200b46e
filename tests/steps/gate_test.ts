/** A staged key goes live when DNS knows it everywhere, and the old record goes when the new key is served everywhere. */
import { assert, assertEquals } from "../kit/assert.ts";
import { parseConfig } from "../../lib/config/config.ts";
import { type Files, readFiles } from "../../lib/line/files.ts";
import { recordsFor, type TlsaRecord } from "../../lib/dane/records.ts";
import { decodeChain } from "../kit/issuer.ts";
import { makeLine, type Outcome, type Settings, type TestLine } from "../kit/line.ts";
import { type Entry, makeNames, type Names, tlsa } from "../kit/name_server.ts";
import { type ScriptedCa, startScriptedCa } from "../kit/scripted_ca.ts";

const hour = 3_600_000;
const silent = { exit: 0, out: [], err: [] };
const services = ["_443._tcp.www.example.org", "_25._tcp.mail.example.org"];
const section = `services = ${services.join(" ")}\nresolver = 127.0.0.53`;
const old: Settings = { head: "key-type = ecdsa\n", tlsa: section, domains: ["www.example.org"] };
const next: Settings = { ...old, head: "key-type = ecdsa\nkey-length = 384\n" };
const hosts: Entry[] = [
  { name: "www.example.org", type: "A", data: "192.0.2.80" },
  { name: "mail.example.org", type: "A", data: "192.0.2.25" },
  { name: "mail.example.org", type: "AAAA", data: "2001:db8::25" },
];

/** A line with a key in the zone, and the world around it. */
interface Scene extends AsyncDisposable {
  ca: ScriptedCa;
  line: TestLine;
  names: Names;
  cron(): Promise<Outcome>;
  status(): Promise<string[]>;
  files(): Promise<Files>;
  /** What the zone must hold of the live and the staged key, at each service. */
  records(): Promise<{ live: TlsaRecord[]; staging: TlsaRecord[] }>;
  /** Puts records into every server, or into some. */
  publish(records: TlsaRecord[], options?: { ttl?: number; at?: string[] }): void;
}

async function setScene(settings: Settings = {}): Promise<Scene> {
  const ca = await startScriptedCa();
  const line = await makeLine(ca, { ...old, ...settings });
  const names = makeNames(hosts);
  line.world = { exchangeDns: names.exchangeDns };
  const files = async () => await readFiles(parseConfig(await Deno.readTextFile(line.config), line.config));
  const scene: Scene = {
    ca,
    line,
    names,
    cron: () => line.run("-k", "cron"),
    status: async () => JSON.parse((await line.run("status", "--json")).out.join("\n")).notes,
    files,
    async records() {
      const { live, staging } = await files();
      const of = (spki?: string) => spki ? [{ usage: 3, selector: 1, matchingType: 1, data: spki }] : [];
      return { live: of(live.key?.key?.keyId), staging: of(staging.key?.key?.keyId) };
    },
    publish(records, { ttl = hour / 1000, at = [...names.servers.keys()] } = {}) {
      for (const address of at) {
        const kept = names.servers.get(address)!.filter((each) => each.type !== "TLSA");
        const made = services.flatMap((service) => records.map((record) => tlsa(service, record, ttl)));
        names.servers.set(address, [...kept, ...made]);
      }
    },
    [Symbol.asyncDispose]: () => ca[Symbol.asyncDispose](),
  };
  assertEquals((await line.run("-k", "init")).err, []);
  scene.publish((await scene.records()).live);
  return scene;
}

/** A scene in which a key is staged, and nobody knows it yet. */
async function staged(settings: Settings = {}): Promise<Scene> {
  const scene = await setScene(settings);
  await scene.line.configure({ ...next, ...settings });
  const { exit, out, err } = await scene.cron();
  assertEquals([exit, out.map((each) => each.split(" ")[0]), err], [0, ["Generated", "Obtained"], []]);
  return scene;
}

const hasKeyLength = async ({ files }: Scene) => (await files()).live.key?.key?.keyType.length;

Deno.test("the gate: not before every server knows both keys, and two TTLs more", async () => {
  await using scene = await staged();
  const { line, names, cron, publish } = scene;
  const { live, staging } = await scene.records();
  assertEquals(await scene.status(), ["staging key waits: DNS has not been asked yet"]);

  // Nobody knows it.
  names.asked.length = 0;
  const waits = (who: string, service: string) => `${who} has no TLSA for it at ${service}`;
  const everywhere = [
    "ns1.example.org (192.0.2.1)",
    "ns2.example.org (192.0.2.2)",
    "ns2.example.org (2001:db8::2)",
    "the resolver 127.0.0.53",
  ]
    .flatMap((who) => services.toSorted().map((service) => waits(who, service)));
  assertEquals(await cron(), {
    ...silent,
    out: everywhere.slice(0, 5).map((each) => `staging key waits: ${each}`),
  });
  assertEquals(await scene.status(), everywhere.map((each) => `staging key waits: ${each}`));
  assertEquals(names.asked.filter((each) => each.includes("2001:db8::2 ")).length, 2);
  assertEquals(await cron(), silent); // it is said once a day
  line.offset = 25 * hour;
  assertEquals((await cron()).out.length, 5);

  // One address of one server is behind: this alone is why.
  publish([...live, ...staging]);
  publish(live, { at: ["2001:db8::2"] });
  line.offset = 50 * hour;
  assertEquals(
    (await cron()).out,
    services.toSorted().map((each) => `staging key waits: ${waits(everywhere[4].split(" has ")[0], each)}`),
  );

  // All know it: two TTLs from now on.
  publish([...live, ...staging]);
  assertEquals(await cron(), silent);
  assert(
    /^staging key goes live after 20/.test((await scene.status())[0]),
    (await scene.status()).join(),
  );
  line.offset += 1.9 * hour;
  assertEquals(await cron(), silent);
  // A server forgets it: the clock starts again.
  publish(live, { at: ["192.0.2.1"] });
  line.offset += 0.2 * hour;
  assertEquals(await cron(), silent); // said already today
  publish([...live, ...staging]);
  line.offset += 0.1 * hour;
  assertEquals(await cron(), silent);
  line.offset += 1.9 * hour;
  assertEquals(await cron(), silent);
  assertEquals(await hasKeyLength(scene), 256);
  line.offset += 0.2 * hour;
  assertEquals(await cron(), { ...silent, out: ["Unstaged: the staging key and certificate are live now"] });
  assertEquals(await hasKeyLength(scene), 384);
  assertEquals(await cron(), silent);
});

Deno.test("the gate: the largest TTL that was ever seen, and staging-hours where they are longer", async () => {
  const settings = { timing: { "staging-hours": "30" } };
  await using scene = await staged(settings);
  const { live, staging } = await scene.records();
  scene.publish(live, { ttl: 20 * 3600 });
  await scene.cron();
  scene.publish([...live, ...staging], { ttl: 60 });
  assertEquals(await scene.cron(), silent);
  scene.line.offset = 39 * hour;
  assertEquals(await scene.cron(), silent);
  scene.line.offset = 41 * hour;
  assertEquals((await scene.cron()).out.length, 1);
});

const sha512 = async (spki: Uint8Array<ArrayBuffer>) => await recordsFor(spki, [[3, 1, 2]]);
const obstacles: [what: string, says: RegExp, change: (scene: Scene) => void | Promise<void>][] = [
  [
    "a name server is dead",
    /^ns2\.example\.org \(192\.0\.2\.2\) refuses the connection at _/,
    ({ names }) => void names.broken.set("192.0.2.2", "Connection refused (os error 111)"),
  ],
  [
    "a name server gives no answer",
    /^ns1\.example\.org \(192\.0\.2\.1\) gives no answer: lost at _/,
    ({ names }) => void names.broken.set("192.0.2.1", "lost"),
  ],
  [
    "the resolver is dead",
    /^the resolver 127\.0\.0\.53 refuses the connection at _/,
    ({ names }) => void names.broken.set("127.0.0.53", "Connection refused (os error 111)"),
  ],
  [
    "the zone is not signed",
    /^the resolver 127\.0\.0\.53 has not validated _.*: is the zone signed, and/,
    ({ names }) => void (names.isValidated = false),
  ],
  [
    "the resolver still has the old records",
    /^the resolver 127\.0\.0\.53 has no TLSA for it at _/,
    async (scene) => scene.publish((await scene.records()).live, { at: ["127.0.0.53"] }),
  ],
  [
    "the live key is not announced any more",
    /has no TLSA for the live key at _/,
    async (scene) => scene.publish((await scene.records()).staging),
  ],
  ["a stray digest of the old key alone", /has no TLSA 3 1 2 for it at _/, async (scene) => {
    const { live, staging } = await scene.records();
    const pem = await scene.line.read("certs/live.crt");
    scene.publish([...live, ...staging, ...await sha512(decodeChain(pem)[0].publicKey)]);
  }],
  ["a name server has no address", /^ns2\.example\.org has no address/, ({ names }) => {
    const entries = names.servers.get("127.0.0.53")!;
    names.servers.set("127.0.0.53", entries.filter((each) => !(each.name === "ns2.example.org")));
    names.delegation.splice(
      0,
      Infinity,
      ...names.delegation.filter((each) => each.name !== "ns2.example.org"),
    );
  }],
  ["the zone names no servers", /is in the zone example\.org, which names no servers/, ({ names }) => {
    const entries = names.servers.get("127.0.0.53")!;
    names.servers.set("127.0.0.53", entries.filter((each) => each.type !== "NS"));
  }],
];
for (const [what, says, change] of obstacles) {
  Deno.test(`the gate stays shut: ${what}`, async () => {
    await using scene = await staged();
    const { live, staging } = await scene.records();
    scene.publish([...live, ...staging]);
    await change(scene);
    const { exit, out } = await scene.cron();
    assertEquals(exit, 0);
    assert(
      out.length > 0 && out.every((each) => says.test(each.replace("staging key waits: ", ""))),
      out.join("\n"),
    );
    scene.line.offset = 1000 * hour;
    await scene.cron();
    assertEquals(await hasKeyLength(scene), 256);
  });
}

Deno.test("the gate: a machine without IPv6 believes what the same server says over IPv4, but somebody has to say it", async () => {
  await using scene = await staged();
  const { live, staging } = await scene.records();
  scene.publish([...live, ...staging]);
  scene.names.broken.set("2001:db8::2", "connect EADDRNOTAVAIL");
  scene.names.broken.set("192.0.2.2", "connect ENETUNREACH");
  const { out } = await scene.cron();
  assertEquals(out.length, 4); // two services, two addresses
  assert(
    out.every((each) => / can't be reached from here: no route leads to it at _/.test(each)),
    out.join("\n"),
  );
  scene.names.broken.delete("192.0.2.2");
  assertEquals(await scene.cron(), silent);
  scene.line.offset = 3 * hour;
  assertEquals((await scene.cron()).out, ["Unstaged: the staging key and certificate are live now"]);
});

Deno.test("what DNS says reaches neither terminal nor state, status or check as it is", async () => {
  await using scene = await staged();
  const evil = "\x1b]0;owned\x07\u202e.example.org";
  scene.names.servers.get(scene.names.resolver)!.push({ name: "example.org", type: "NS", data: evil });
  scene.line.world.peerCertificate = () => Promise.reject(new Error(evil));
  const outcomes = [
    await scene.cron(),
    await scene.line.run("status"),
    await scene.line.run("status", "--json"),
    await scene.line.run("check"),
  ];
  const told = [
    ...outcomes.flatMap(({ out, err }) => [...out, ...err]),
    await scene.line.read("keys/.live.state.json"),
  ];
  assert(told.filter((each) => each.includes("owned")).length >= 5, told.join("\n"));
  // deno-lint-ignore no-control-regex
  const raw = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]|\\u00|\\u202e/;
  assertEquals(told.filter((each) => raw.test(each)), []);
});

Deno.test("the gate can't be asked: the staging key waits, and live is renewed all the same", async () => {
  await using scene = await staged({ tlsa: `services = ${services.join(" ")}\nresolver = 127.0.0.53` });
  scene.line.world.exchangeDns = () => {
    throw new TypeError("a bug, say");
  };
  scene.line.offset = 20 * 24 * hour;
  const { exit, out, err } = await scene.cron();
  assertEquals([exit, err, out[0]], [0, [], "staging key waits: DNS can't be asked: a bug, say"]);
  assert(out[1].startsWith("Obtained live certificate"), out.join("\n"));
});

Deno.test("a chain with something else in its file doesn't keep the gate from being asked", async () => {
  await using scene = await staged();
  const path = `${scene.line.folder}/certs/live.crt`;
  const dh = "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n";
  await Deno.writeTextFile(path, await Deno.readTextFile(path) + dh);
  const { live, staging } = await scene.records();
  scene.publish([...live, ...staging]);
  assertEquals(await scene.cron(), silent);
});

Deno.test("the gate follows an alias to where the records really stand", async () => {
  await using scene = await staged();
  const { live, staging } = await scene.records();
  scene.publish([]);
  for (const entries of scene.names.servers.values()) {
    for (const service of services) entries.push({ name: service, type: "CNAME", data: "_dane.example.org" });
    entries.push(...[...live, ...staging].map((record) => tlsa("_dane.example.org", record)));
  }
  assertEquals(await scene.cron(), silent);
  scene.line.offset = 3 * hour;
  assertEquals((await scene.cron()).out.length, 1);
  assertEquals(await hasKeyLength(scene), 384);
});

Deno.test("meanwhile the old key's certificate is renewed as usual, and check = served asks no DNS for the switch", async () => {
  await using scene = await staged();
  scene.line.offset = 20 * 24 * hour;
  const { out } = await scene.cron();
  assert(out.some((each) => each.startsWith("Obtained live certificate")), out.join("\n"));
  assertEquals(await hasKeyLength(scene), 256);
  await scene.line.configure({ ...next, tlsa: `${section}\ncheck = off` });
  const asked = scene.names.asked.length;
  const { out: done } = await scene.cron();
  assertEquals(done.map((each) => each.split(" ").slice(0, 2).join(" ")), ["Unstaged: the", "Obtained live"]);
  assertEquals(scene.names.asked.length, asked);
});

/** Servers that present what they read at their last reload. */
async function withServers(scene: Scene): Promise<{ reloaded: Map<string, boolean> }> {
  const reloaded = new Map([["192.0.2.80", true], ["192.0.2.25", true], ["2001:db8::25", true]]);
  const before = decodeChain(await scene.line.read("certs/live.crt"))[0].certificate;
  scene.line.world.peerCertificate = async ({ address, port }, name, protocol) => {
    assertEquals([name, protocol], port === 25 ? ["mail.example.org", "smtp"] : ["www.example.org", "tls"]);
    const isNew = reloaded.get(address);
    if (isNew === undefined) throw new Error("Connection refused");
    return isNew ? decodeChain(await scene.line.read("certs/live.crt"))[0].certificate : before;
  };
  scene.line.isHurried = true;
  return { reloaded };
}

Deno.test("a server that keeps the old key: the hook counts as failed, and the record stays until it reloads", async () => {
  await using scene = await setScene();
  const hooks = await scene.line.makeHooks();
  await scene.line.configure({ ...old, hooks });
  const { reloaded } = await withServers(scene);
  // Nobody knows yet what is served: it is looked at before anything is announced.
  reloaded.delete("192.0.2.25");
  assertEquals((await scene.cron()).exit, 3);
  assertEquals((await scene.line.hookLog()).filter((each) => each.startsWith("/")), ["/certchange"]);
  reloaded.set("192.0.2.25", true);
  assertEquals((await scene.cron()).exit, 0);
  assertEquals((await scene.line.hookLog()).filter((each) => each.startsWith("/")), [
    "/certchange",
    "/keychange",
  ]);
  await scene.line.configure({ ...next, hooks });
  await scene.cron();
  const { live, staging } = await scene.records();
  scene.publish([...live, ...staging]);
  assertEquals(await scene.cron(), silent);
  reloaded.set("2001:db8::25", false);
  scene.line.offset = 3 * hour;
  await scene.line.hookLog();
  const ran = async () => (await scene.line.hookLog()).filter((each) => each.startsWith("/"));
  const first = await scene.cron();
  assertEquals(first, {
    exit: 3,
    out: ["Unstaged: the staging key and certificate are live now"],
    err: [
      "error: The new key is not served everywhere: mail.example.org:25 (2001:db8::25) serves another key",
      "hint: reload that server; until the next run finds it served, old TLSA records stay and no new ones come",
    ],
  });
  assertEquals(await ran(), ["/certchange"]);
  // As long as a server may have the old key, its record is to stay.
  const told = (await scene.line.run("tlsa")).out.map((each) => each.split(" ").at(-1));
  assertEquals(new Set(told), new Set([...live, ...staging].map(({ data }) => data)));
  const found = (await scene.line.run("check")).out;
  assert(!found.some((each) => each.includes("remove it")), found.join("\n"));
  reloaded.delete("192.0.2.80");
  const second = await scene.cron();
  assertEquals([second.exit, second.err[0].replace(/^.*everywhere: /, "")], [
    3,
    "www.example.org:443 (192.0.2.80) can't be looked at: Connection refused, and 1 more",
  ]);
  assertEquals(await ran(), ["/certchange"]);
  reloaded.set("2001:db8::25", true).set("192.0.2.80", true);
  assertEquals(await scene.cron(), silent);
  assertEquals(await ran(), ["/certchange", "/keychange"]);
  // Renewing for the same key asks nobody.
  reloaded.clear();
  assertEquals((await scene.line.run("-k", "renew")).exit, 0);
  assertEquals(await ran(), ["/certchange"]);
});

Deno.test("check: silent where all is well, else one line for each finding, with its cure", async () => {
  await using scene = await setScene();
  const { line, names } = scene;
  const { reloaded } = await withServers(scene);
  const honest = line.world.peerCertificate!;
  // The web server of every name; and a CA that doesn't say by which name CAA records know it.
  const [newNonce, newAccount, newOrder] = ["a", "b", "c"].map((each) =>
    new URL(each, scene.ca.directory).href
  );
  const directory = JSON.stringify({ newNonce, newAccount, newOrder });
  line.world.fetch = ((url: string) =>
    Promise.resolve(
      url === scene.ca.directory
        ? new Response(directory, { headers: { "content-type": "application/json" } })
        : new Response(Deno.readFileSync(`${scene.ca.challengeDir}/${url.split("/").at(-1)}`)),
    )) as typeof fetch;
  const check = () => line.run("check");
  assertEquals(await check(), silent);
  const { live } = await scene.records();
  const [leaf] = decodeChain(await line.read("certs/live.crt"));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", leaf.certificate)).toHex();
  const cases: [
    what: string,
    says: RegExp[],
    change: () => void | Promise<void>,
    undo?: () => void | Promise<void>,
    exit?: 2,
  ][] = [
    [
      "a leftover",
      [/^TLSA 3 1 1 0{16}… at _25.* is for no key of this line: remove it$/, /_443/],
      () => scene.publish([...live, { ...live[0], data: "00".repeat(32) }]),
    ],
    [
      "3 0 1",
      [/^TLSA 3 0 1 .* names a certificate, which changes with each renewal: write 3 1 1$/, /_443/],
      () => scene.publish([...live, { usage: 3, selector: 0, matchingType: 1, data: digest }]),
    ],
    [
      "usage 1",
      [/^TLSA 1 1 1 .* has usage 1, which mail servers ignore/, /_443/],
      () => scene.publish([...live, { ...live[0], usage: 1 }]),
    ],
    ["a long TTL", [/^TLSA records have a TTL of 48 hours/], () => scene.publish(live, { ttl: 48 * 3600 })],
    [
      "no record at one server",
      [
        /^ns1.* has no TLSA for the live key at .*: publish what the action tlsa prints$/,
        /_443/,
      ],
      () => scene.publish([], { at: ["192.0.2.1"] }),
      undefined,
      2,
    ],
    [
      "no validation",
      [/^the resolver .* has not validated/, /_443/],
      () => void (names.isValidated = false),
      () => void (names.isValidated = true),
    ],
    [
      "the wrong key served",
      [
        /^www\.example\.org:443 \(192\.0\.2\.80\) serves another key: reload that server$/,
      ],
      async () => {
        const foreign = decodeChain(await Deno.readTextFile(scene.ca.caFile))[0].certificate;
        line.world.peerCertificate = (server, ...args) =>
          server.address === "192.0.2.80" ? Promise.resolve(foreign) : honest(server, ...args);
      },
      () => void (line.world.peerCertificate = honest),
      2,
    ],
    [
      "a server that is down",
      [/^mail\.example\.org:25 \(192\.0\.2\.25\) can't be looked at: /],
      () => void reloaded.delete("192.0.2.25"),
      () => void reloaded.set("192.0.2.25", true),
    ],
    ["an open key", [/live\.key" is readable by others/], async () => {
      await Deno.chmod(`${line.folder}/keys/live.key`, 0o644);
      await Deno.chmod(`${line.folder}/keys`, 0o755);
    }, async () => {
      await Deno.chmod(`${line.folder}/keys/live.key`, 0o600);
      await Deno.chmod(`${line.folder}/keys`, 0o710);
    }],
    [
      "a certificate that nobody renewed",
      [/^the live certificate expires .*: run cron and read what it says$/],
      () => void (line.offset = 26 * 24 * hour),
      () => void (line.offset = 0),
    ],
    [
      "one that is about to end",
      [/^the live certificate expires .*: run cron and read what it says$/],
      () => void (line.offset = 28 * 24 * hour),
      () => void (line.offset = 0),
      2,
    ],
    [
      "a hook that failed",
      [/^post-certchange has not succeeded since its files changed/, /^post-keychange/],
      async () => {
        await line.configure({ ...old, hooks: await line.makeHooks() });
      },
      () => line.configure(old),
    ],
  ];
  for (const [what, says, change, undo, level = 1] of cases) {
    await change();
    const { exit, out, err } = await check();
    assertEquals([what, exit, out.length, err], [what, level, says.length, []], out.join("\n"));
    out.sort();
    for (const [i, pattern] of says.entries()) assert(pattern.test(out[i]), `${what}: ${out.join("\n")}`);
    await undo?.();
    scene.publish(live);
    assertEquals(await check(), silent, what);
  }
});

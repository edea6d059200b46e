/** Every DNS answer is somebody else's: what is not the answer to our question is none. */
import { Buffer } from "node:buffer";
import packet from "dns-packet";
import fc from "../kit/fast_check.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../kit/assert.ts";
import { ask, DnsError, follow, isUnroutable, nameIn, signaturesOf, tlsaIn } from "../../lib/dane/dns.ts";
import { exchangeDns } from "../../lib/dane/peer.ts";
import { addresses, resolverOf } from "../../lib/dane/resolver.ts";
import { makeNames } from "../kit/name_server.ts";

const server = { address: "192.0.2.1", port: 53 };
type Parts = Record<string, unknown>;

/** A server that answers as it is told. */
const answering = (change: (answer: Parts) => Parts | Uint8Array) => ({
  exchangeDns(_: unknown, message: Uint8Array<ArrayBuffer>) {
    const { id, questions } = packet.streamDecode(Buffer.from(message))!;
    const answer = { type: "response", id, flags: packet.AUTHORITATIVE_ANSWER, questions, answers: [] };
    const changed = change(answer);
    const bytes = changed instanceof Uint8Array ? changed : packet.encode(changed);
    return Promise.resolve(new Uint8Array([bytes.length >> 8, bytes.length & 255, ...bytes]));
  },
});

const wrong: [what: string, says: string, change: (answer: Parts) => Parts | Uint8Array][] = [
  ["another id", "answers another question", (answer) => ({ ...answer, id: (answer.id as number) ^ 1 })],
  ["a query", "answers another question", (answer) => ({ ...answer, type: "query" })],
  [
    "another name",
    "answers another question",
    (answer) => ({ ...answer, questions: [{ name: "b.org", type: "A" }] }),
  ],
  [
    "another type",
    "answers another question",
    (answer) => ({ ...answer, questions: [{ name: "a.org", type: "NS" }] }),
  ],
  ["no question", "answers another question", (answer) => ({ ...answer, questions: [] })],
  [
    "a truncated answer",
    "sends a part of its answer only",
    (answer) => ({ ...answer, flags: packet.TRUNCATED_RESPONSE }),
  ],
  ["SERVFAIL", "answers SERVFAIL", (answer) => ({ ...answer, flags: 2 })],
  ["REFUSED", "answers REFUSED", (answer) => ({ ...answer, flags: 5 })],
  ["nothing", "sends a damaged answer", () => new Uint8Array()],
  ["eleven bytes", "sends a damaged answer", () => new Uint8Array(11)],
  [
    "a record that is cut off",
    "sends a damaged answer",
    (answer) =>
      packet.encode({ ...answer, answers: [{ name: "a.org", type: "A", data: "192.0.2.9" }] }).subarray(
        0,
        -3,
      ),
  ],
  ["a name that points to itself", "sends a damaged answer", (answer) => {
    const bytes = packet.encode(answer);
    return new Uint8Array([...bytes.subarray(0, 6), 0, 1, ...bytes.subarray(8), 0xc0, bytes.length, 0, 1]);
  }],
];
for (const [what, says, change] of wrong) {
  Deno.test(`ask() refuses ${what}`, async () => {
    await assertRejects(
      () => ask(answering(change), server, { name: "a.org", type: "A" }),
      (error: unknown) => {
        assert(error instanceof DnsError, String(error));
        assertEquals(error.message, says);
        return true;
      },
    );
  });
}

Deno.test("ask() takes any bytes, and ends with an answer or a DnsError", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), fc.boolean(), async (bytes, isFitting) => {
      const system = answering((answer) => {
        if (!isFitting) return bytes;
        const head = packet.encode(answer);
        return new Uint8Array([...head.subarray(0, 6), 0, 3, 0, 3, 0, 3, ...head.subarray(12), ...bytes]);
      });
      try {
        const answer = await ask(system, server, { name: "a.org", type: "TLSA" });
        follow(answer, "a.org", "TLSA").records.forEach(tlsaIn);
      } catch (error) {
        assert(error instanceof DnsError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("follow() goes along aliases, in no circle and not for ever", () => {
  const alias = (name: string, data: string) => ({ name, type: "CNAME", ttl: 1, data });
  const record = { name: "c", type: "A", ttl: 1, data: "192.0.2.9" };
  const answers = [alias("a", "b"), alias("b", "c"), record];
  assertEquals(follow({ answers }, "A", "A"), {
    aliases: answers.slice(0, 2),
    name: "c",
    records: [record],
  });
  const says = /more than 8 aliases/;
  for (
    const loop of [
      [alias("a", "a")],
      [alias("a", "b"), alias("b", "a")],
      Array.from(
        { length: 50 },
        (_, i) => alias(`${i}`, `${i + 1}`),
      ).concat(alias("a", "0")),
    ]
  ) {
    try {
      follow({ answers: loop }, "a", "A");
      assert(false, "no error");
    } catch (error) {
      assert(error instanceof DnsError && says.test(error.message), String(error));
    }
  }
});

Deno.test("follow(): eight aliases, not nine", () => {
  const chain = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ name: `${i}`, type: "CNAME", ttl: 1, data: `${i + 1}` }));
  assertEquals(follow({ answers: chain(8) }, "0", "A").name, "8");
  assertThrows(() => follow({ answers: chain(9) }, "0", "A"), /more than 8 aliases/);
});

Deno.test("ask(): a TTL is a week at most, and nothing with its highest bit", async () => {
  const ttlOf = async (ttl: number) => {
    const answers = [{ name: "a.org", type: "A", ttl, data: "192.0.2.9" }];
    const network = answering((answer) => ({ ...answer, answers }));
    return (await ask(network, server, { name: "a.org", type: "A" })).answers[0].ttl;
  };
  for (
    const [ttl, counts] of [[0, 0], [3600, 3600], [604_801, 604_800], [0x7fffffff, 604_800], [0x80000000, 0]]
  ) {
    assertEquals(await ttlOf(ttl), counts);
  }
});

Deno.test("ask(): a resolver is asked to recurse and for AD, a server for the zone is not", async () => {
  const flags: unknown[] = [];
  const network = {
    exchangeDns(_: unknown, message: Uint8Array<ArrayBuffer>) {
      const { flag_rd, flag_ad, flag_cd } = packet.streamDecode(Buffer.from(message))!;
      flags.push([flag_rd, flag_ad, flag_cd]);
      return Promise.reject(new Error("lost"));
    },
  };
  for (const options of [{}, { recursive: true }, { recursive: true, isCheckingDisabled: true }]) {
    await assertRejects(
      () => ask(network, server, { name: "a.org", type: "A" }, options),
      /gives no answer: lost/,
    );
  }
  assertEquals(flags, [[false, false, false], [true, true, false], [true, true, true]]);
});

Deno.test("isUnroutable(): no way to it, but a host that does not answer is not that, unless IPv6 leads nowhere", () => {
  const error = (code: string) => Object.assign(new Error(), { code });
  const rows: [string, string, boolean][] = [
    ["ENETUNREACH", "192.0.2.1", true],
    ["EADDRNOTAVAIL", "2001:db8::1", true],
    ["EAFNOSUPPORT", "2001:db8::1", true],
    ["EHOSTUNREACH", "2001:db8::1", true],
    ["EHOSTUNREACH", "192.0.2.1", false],
    ["ECONNREFUSED", "2001:db8::1", false],
  ];
  for (const [code, address, expected] of rows) {
    assertEquals(isUnroutable(error(code), address), expected, code);
  }
  assertEquals(isUnroutable("ENETUNREACH", "192.0.2.1"), false);
});

Deno.test("signaturesOf(): those of the very records", () => {
  const record = (type: string, name: string, typeCovered: string) => ({
    name,
    type,
    ttl: 1,
    data: { typeCovered },
  });
  const answers = [
    record("RRSIG", "a", "TLSA"),
    record("RRSIG", "b", "TLSA"),
    record("RRSIG", "a", "A"),
    record("SIG", "a", "TLSA"),
    { ...record("RRSIG", "a", ""), data: null },
  ];
  assertEquals(signaturesOf({ answers }, "a", "TLSA"), [answers[0]]);
});

Deno.test("tlsaIn() and nameIn() read what is whole", () => {
  const record = (data: unknown) => ({ name: "a", type: "TLSA", ttl: 1, data });
  assertEquals(
    tlsaIn(record({ usage: 3, selector: 1, matchingType: 1, certificate: Buffer.from("ab", "hex") })),
    {
      ...{ usage: 3, selector: 1, matchingType: 1 },
      data: "ab",
    },
  );
  for (const data of [null, 1, "x", {}, { usage: 3, selector: 1, matchingType: 1 }]) {
    assertEquals(tlsaIn(record(data)), undefined);
  }
  assertEquals(nameIn(record("NS1.Example.org.")), "ns1.example.org");
});

Deno.test("addresses() finds those of both families, at the end of aliases", async () => {
  const names = makeNames([
    { name: "www.example.org", type: "CNAME", data: "host.example.org" },
    { name: "host.example.org", type: "A", data: "192.0.2.80" },
  ]);
  const resolver = resolverOf({ resolver: { address: names.resolver, port: 53 } });
  assertEquals(await addresses(names, resolver, "ns2.example.org"), ["192.0.2.2", "2001:db8::2"]);
  assertEquals(await addresses(names, resolver, "www.example.org"), ["192.0.2.80"]);
  await assertRejects(() => addresses(names, resolver, "none.example.org"), /has no address/);
});

/** A server on a port of its own, that does something with each connection. */
async function withServer(serve: (conn: Deno.Conn) => Promise<void>, use: (port: number) => Promise<void>) {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const conn of listener) serve(conn).catch(() => {}).finally(() => conn.close());
  })().catch(() => {});
  await use(listener.addr.port);
  listener.close();
  await serving;
}

Deno.test("over TCP: an answer in pieces is put together; a hang, a close and a stream end in an error", async () => {
  const query = new Uint8Array(20).map((_, i) => i);
  query[1] = 18; // the length of what follows
  const ask = (port: number) => exchangeDns({ address: "127.0.0.1", port }, query);
  const pause = () => new Promise((resolve) => setTimeout(resolve, 10));
  await withServer(async (conn) => {
    const bytes = new Uint8Array(100);
    const size = await conn.read(bytes);
    for (const byte of bytes.subarray(0, size!)) {
      await conn.write(new Uint8Array([byte]));
      await pause();
    }
  }, async (port) => assertEquals(await ask(port), query));
  await withServer(async (conn) => void await conn.write(new Uint8Array([0, 9, 1])), async (port) => {
    await assertRejects(() => ask(port), /closed/);
  });
  await withServer(() => new Promise((resolve) => setTimeout(resolve, 6000)), async (port) => {
    const begin = performance.now();
    await assertRejects(() => ask(port), { name: "TimeoutError" });
    assert(performance.now() - begin < 5900);
  });
});

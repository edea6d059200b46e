/** What `check` sees of a line without [tlsa] from where users are: port 443 of each name, and the challenge files. */
import { makeNames } from "../kit/name_server.ts";
import { assert, assertEquals } from "../kit/assert.ts";
import { decodeChain } from "../kit/issuer.ts";
import { makeLine, type TestLine } from "../kit/line.ts";
import { type ScriptedCa, startScriptedCa } from "../kit/scripted_ca.ts";

const day = 86_400_000;
const silent = { exit: 0, out: [], err: [] };
const names = ["www.example.org", "mail.example.org"];
const head = "key-type = ecdsa\n";

/** A CA that says by which name CAA records know it. */
function directoryOf({ directory }: { directory: string }): Response {
  const [newNonce, newAccount, newOrder] = ["nonce", "account", "order"].map((each) =>
    new URL(`/${each}`, directory).href
  );
  const body = JSON.stringify({ newNonce, newAccount, newOrder, meta: { caaIdentities: ["ca.example"] } });
  return new Response(body, { headers: { "content-type": "application/json" } });
}

type Der = Uint8Array<ArrayBuffer>;

/** A line whose names have addresses, servers and a web root. */
async function scene(ca: ScriptedCa) {
  const line = await makeLine(ca, { head, domains: names });
  assertEquals((await line.run("init")).exit, 0);
  const dns = makeNames(names.map((name, i) => ({ name, type: "A", data: `192.0.2.8${i}` })));
  const serves = new Map<string, Der>();
  const shows = new Map<string, () => Response | Promise<Response>>();
  const current = async () => decodeChain(await line.read("certs/live.crt"))[0].certificate as Der;
  const reload = async () => {
    for (const i of names.keys()) serves.set(`192.0.2.8${i}`, await current());
  };
  line.world = {
    // The system's resolver, whatever its address is.
    exchangeDns({ port, address }, message) {
      const asked = dns.servers.has(address) ? address : dns.resolver;
      return dns.exchangeDns({ port, address: asked }, message);
    },
    peerCertificate({ address, port }) {
      const der = port === 443 ? serves.get(address) : undefined;
      return der ? Promise.resolve(der) : Promise.reject(new Error("connect ECONNREFUSED"));
    },
  };
  // Only for check: renew needs the CA.
  const check = async () => {
    const { world } = line;
    const fetchFile = (url: string) => {
      const { host, pathname, protocol } = new URL(url);
      if (url === ca.directory) return Promise.resolve(directoryOf(ca));
      assert(protocol === "http:" && pathname.startsWith("/.well-known/acme-challenge/"), url);
      const file = `${ca.challengeDir}/${pathname.split("/").at(-1)}`;
      return Promise.resolve(shows.get(host)?.() ?? new Response(Deno.readFileSync(file)));
    };
    line.world = { ...world, fetch: fetchFile as typeof fetch };
    try {
      return await line.run("check");
    } finally {
      line.world = world;
    }
  };
  await reload();
  return { line, serves, shows, reload, check, current, dns };
}

Deno.test("check without [tlsa]: what port 443 of each name serves", async () => {
  await using ca = await startScriptedCa();
  const { line, serves, reload, check, current } = await scene(ca);
  assertEquals(await check(), silent);
  const first = await current();

  assertEquals((await line.run("renew")).exit, 0);
  const { exit, out } = await check();
  assertEquals([exit, out.length], [1, 2]);
  assert(
    /^www\.example\.org:443 \(192\.0\.2\.80\) serves an earlier certificate, valid until 20.*: reload that server$/
      .test(out[0]),
    out[0],
  );
  await reload();
  assertEquals(await check(), silent);

  serves.delete("192.0.2.81");
  const down = await check();
  assertEquals([down.exit, down.out], [1, [
    "mail.example.org:443 (192.0.2.81) can't be looked at: connect ECONNREFUSED: is it up?",
  ]]);

  const other: TestLine = await makeLine(ca, { head, domains: ["mail.example.org"] });
  assertEquals((await other.run("init")).exit, 0);
  serves.set("192.0.2.81", decodeChain(await other.read("certs/live.crt"))[0].certificate as Der);
  assertEquals(await check(), {
    exit: 1,
    out: [
      "mail.example.org:443 (192.0.2.81) serves another key: reload that server, or does another one answer for it?",
    ],
    err: [],
  });
  serves.set("192.0.2.80", decodeChain(await other.read("certs/live.crt"))[0].certificate as Der);
  const wrong = await check();
  assertEquals([wrong.exit, wrong.out[0]], [
    2,
    "www.example.org:443 (192.0.2.80) serves a certificate for mail.example.org: is it the server of that name?",
  ]);

  // A server that never reloads: its users see a certificate that has expired.
  await reload();
  serves.set("192.0.2.80", first);
  line.offset = 31 * day;
  const old = await check();
  assertEquals(old.exit, 2);
  const expired = /^www\.example\.org:443 .* serves a certificate that expired 20.*: reload that server$/;
  assert(old.out.some((each) => expired.test(each)), old.out.join("\n"));
});

Deno.test("check puts a file into the challenge directory, fetches it by each name, and removes it", async () => {
  await using ca = await startScriptedCa();
  const { shows, check, line } = await scene(ca);
  const url = "http://mail.example.org/.well-known/acme-challenge/";
  const cure = `does the web server map it to "${ca.challengeDir}"?`;
  const refused = () =>
    Promise.reject(new TypeError("fetch failed", { cause: new Error("connection refused") }));
  const rows: [() => Response | Promise<Response>, string][] = [
    [() => new Response("no", { status: 404 }), "answers with status 404"],
    [() => new Response("<html>".repeat(1000)), "answers with something else than the file that is there"],
    [() => new Response(""), "answers with something else than the file that is there"],
    [refused, "can't be fetched from this machine: connection refused"],
  ];
  for (const [answer, says] of rows) {
    shows.set("mail.example.org", answer);
    assertEquals(await check(), { exit: 1, out: [`${url} ${says}: ${cure}`], err: [] });
    assertEquals([...Deno.readDirSync(ca.challengeDir)], []);
  }
  shows.clear();
  assertEquals(await check(), silent);
  // A directory that can't be written to is what the next renewal stumbles over.
  await line.configure({ head, domains: names, challengeDir: `${line.folder}/nowhere` });
  const { exit, out } = await check();
  assertEquals([exit, out.length], [2, 2], out.join("\n"));
});

Deno.test("check asks every server whether CAA lets the CA issue", async () => {
  await using ca = await startScriptedCa();
  const { check, dns, line } = await scene(ca);
  const publish = (value: string, at = [...dns.servers.keys()]) => {
    for (const address of at) {
      const kept = dns.servers.get(address)!.filter(({ type }) => type !== "CAA");
      const caa = { name: "example.org", type: "CAA", data: { flags: 0, tag: "issue", value } };
      dns.servers.set(address, value ? [...kept, caa] : kept);
    }
  };
  publish("ca.example");
  assertEquals(await check(), silent);
  publish("other.example");
  const cure = "the next certificate may be refused";
  assertEquals(await check(), {
    exit: 1,
    out: [`CAA of example.org has no "issue" for ca.example: ${cure}`],
    err: [],
  });
  publish("ca.example");
  publish("other.example", ["192.0.2.2"]);
  const { exit, out } = await check();
  assertEquals([exit, out.length, out[0].includes("192.0.2.2")], [1, 1, true], out.join("\n"));
  const { account } = JSON.parse(await line.read("keys/.live.state.json"));
  publish(`ca.example; accounturi=${account.url}; validationmethods=http-01`);
  assertEquals(await check(), silent);
  publish("ca.example; validationmethods=dns-01");
  assertEquals((await check()).out, [
    `CAA of example.org has no "issue" that fits: one is for the validation methods dns-01: ${cure}`,
  ]);
});

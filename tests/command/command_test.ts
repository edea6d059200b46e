/** What an administrator sees when something is wrong: one clear line, the exit status, nothing lost. */
import { main } from "../../lib/command/cli.ts";
import { actionNames } from "../../lib/command/actions.ts";
import { parseArguments } from "../../lib/command/arguments.ts";
import { helpOn, usage } from "../../lib/command/help.ts";
import { realSystem } from "../../lib/command/world.ts";
import { assertEquals } from "../kit/assert.ts";
import { freePort, openssl, type Pebble, startPebble } from "../kit/pebble.ts";
import { makeLine, type Settings, type TestLine } from "../kit/line.ts";

const silent = { exit: 0, out: [], err: [] };
const ecdsa: Settings = { head: "key-type = ecdsa\n" };
const write = (path: string, text: string | Uint8Array, mode = 0o600) => {
  Deno.writeFileSync(path, typeof text === "string" ? new TextEncoder().encode(text) : text);
  Deno.chmodSync(path, mode);
};

/** Everything below a folder that a failed run must leave as it is, by path: content and permissions. */
function snapshot(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const { name, isDirectory, isSymlink } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    // What a run may note down: its own lock and state.
    if (/\.(lock|state\.json)$/.test(name)) continue;
    if (isDirectory) { for (const [each, value] of snapshot(path)) found.set(each, value); }
    const { mode, mtime } = Deno.lstatSync(path);
    const content = isSymlink
      ? Deno.readLinkSync(path)
      : isDirectory
      ? ""
      : Deno.readFileSync(path).toBase64();
    found.set(path, `${mode!.toString(8)} ${isDirectory ? "" : mtime} ${content}`);
  }
  return found;
}

/** What differs from run to run, by name. */
const plain = (folder: string) => (text: string) =>
  text.replaceAll(folder, "FOLDER")
    .replace(/localhost:\d+/, "localhost:PORT")
    .replace(/\bd\d+\.example\.org/, "DOMAIN")
    .replace(/key [0-9a-f]{16}…/, "key HASH…")
    .replace(/pid \d+, since [0-9TZ:.-]+/, "pid PID, since TIME");

interface Case {
  what: string;
  /** Brings about what is wrong; returns what puts it right again. */
  harm(line: TestLine, pebble: Pebble): void | (() => void) | Promise<void | (() => void)>;
  /** Default: `cron`. */
  args?: string[];
  exit: number;
  /** What standard error says; `FOLDER` stands for the line's. */
  err: string[];
  out?: string[];
  /** The line works again once it is put right. */
  works?: false;
}

const damaged = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
const chmod = (path: string, mode: number) => (line: TestLine) => {
  const before = Deno.statSync(`${line.folder}/${path}`).mode! & 0o7777;
  Deno.chmodSync(`${line.folder}/${path}`, mode);
  return () => Deno.chmodSync(`${line.folder}/${path}`, before);
};
const replace = (path: string, text: string | Uint8Array) => (line: TestLine) => {
  const file = `${line.folder}/${path}`;
  const before = Deno.readFileSync(file);
  write(file, text);
  return () => write(file, before);
};
const remove = (path: string) => (line: TestLine) => {
  const file = `${line.folder}/${path}`;
  const before = Deno.readFileSync(file);
  Deno.removeSync(file);
  return () => write(file, before);
};
const config = (settings: Settings) => async (line: TestLine) => {
  const before = Deno.readFileSync(line.config);
  await line.configure({ ...ecdsa, ...settings });
  return () => write(line.config, before);
};

const cases: Case[] = [
  {
    what: "configuration missing",
    harm: remove("line.conf"),
    exit: 2,
    err: ["error: FOLDER/line.conf: The configuration file does not exist"],
  },
  {
    what: "configuration is binary",
    harm: replace("line.conf", new Uint8Array([0xff, 0xfe, 0, 1])),
    exit: 2,
    err: ["error: FOLDER/line.conf: The configuration file is not UTF-8 text"],
  },
  {
    what: "configuration is huge",
    harm: replace("line.conf", new Uint8Array(2 << 20)),
    exit: 2,
    err: ['error: FOLDER/line.conf: "FOLDER/line.conf" is larger than 1048576 bytes'],
  },
  {
    what: "configuration is a device",
    harm(line) {
      Deno.renameSync(line.config, `${line.folder}/kept`);
      Deno.symlinkSync("/dev/zero", line.config);
      return () => Deno.renameSync(`${line.folder}/kept`, line.config);
    },
    exit: 2,
    err: ['error: FOLDER/line.conf: "FOLDER/line.conf" is not a regular file'],
  },
  {
    what: "configuration is empty",
    harm: replace("line.conf", ""),
    exit: 2,
    err: [
      'error: FOLDER/line.conf: Key "domains" is missing before the first section',
      'error: FOLDER/line.conf: Key "account-key" is missing in section [acme]',
      'error: FOLDER/line.conf: Key "challenge-dir" is missing in section [acme]',
    ],
  },
  {
    what: "a wrong line in the configuration",
    harm: config({ head: "key-length = 1024\n" }),
    exit: 2,
    err: ['error: FOLDER/line.conf:3: key-length must be 2048, 3072 or 4096: current value is "1024"'],
  },
  {
    what: "no challenge directory",
    harm: (line) => line.configure({ ...ecdsa, challengeDir: `${line.folder}/nowhere` }),
    exit: 2,
    err: [
      'error: FOLDER/line.conf: challenge-dir does not exist: "FOLDER/nowhere"',
      "hint: create it, and let the web server map /.well-known/acme-challenge/ to it",
    ],
    works: false,
  },
  {
    what: "the challenge directory is a file",
    harm: (line) => line.configure({ ...ecdsa, challengeDir: line.config }),
    exit: 2,
    err: [
      'error: FOLDER/line.conf: challenge-dir is not a directory: "FOLDER/line.conf"',
      "hint: create it, and let the web server map /.well-known/acme-challenge/ to it",
    ],
    works: false,
  },
  {
    what: "a path that flags can't express",
    harm: config({ files: "dh-params = /etc/my keys/dh.pem\n" }),
    args: ["permissions"],
    exit: 2,
    err: [
      `error: FOLDER/line.conf: Deno's flags can't express "/etc/my keys/dh.pem", with a comma or white space`,
      "hint: choose another path, or run with --allow-all",
    ],
  },
  {
    what: "a hook that is not there",
    harm: config({ hooks: "post-certchange = /nonexistent/hook" }),
    args: ["-k", "cron"],
    exit: 2,
    err: ['error: FOLDER/line.conf: post-certchange does not exist: "/nonexistent/hook"'],
  },
  {
    what: "a hook that is not executable",
    async harm(line) {
      const mend = await config({ hooks: `post-keychange = ${line.folder}/hook` })(line);
      write(`${line.folder}/hook`, "#!/bin/sh\n", 0o644);
      return mend;
    },
    args: ["-k", "cron"],
    exit: 2,
    err: [
      'error: FOLDER/line.conf: post-keychange is not executable: "FOLDER/hook"',
      "hint: chmod +x FOLDER/hook",
    ],
  },
  {
    what: "a hook that everybody may write to",
    async harm(line) {
      const mend = await config({ hooks: `post-keychange = ${line.folder}/hook` })(line);
      write(`${line.folder}/hook`, "#!/bin/sh\n", 0o757);
      return mend;
    },
    args: ["-k", "cron"],
    exit: 4,
    err: ['error: Everybody may write to "FOLDER/hook" (0757)', "hint: chmod o-w FOLDER/hook"],
  },
  {
    what: "a hook with a bad interpreter",
    async harm(line) {
      const mend = await config({ hooks: `post-certchange = ${line.folder}/hook` })(line);
      write(`${line.folder}/hook`, "#!/nonexistent/sh\r\n", 0o755);
      return mend;
    },
    args: ["-k", "cron"],
    exit: 3,
    err: [
      'error: Cannot run the hook "FOLDER/hook": No such file or directory (os error 2)',
      "hint: is the interpreter in its first line there, and has it Unix line ends?",
    ],
  },
  {
    what: "a key directory that everybody may write to",
    harm: chmod("keys", 0o777),
    exit: 4,
    err: ['error: Everybody may write to "FOLDER/keys" (0777)', "hint: chmod o-w FOLDER/keys"],
  },
  {
    what: "a key that everybody may write to",
    harm: chmod("keys/live.key", 0o602),
    exit: 4,
    err: ['error: Everybody may write to "FOLDER/keys/live.key"', "hint: chmod o-w FOLDER/keys/live.key"],
  },
  {
    what: "a key that everybody may read",
    harm(line) {
      chmod("keys", 0o711)(line);
      return chmod("keys/live.key", 0o644)(line);
    },
    exit: 0,
    err: ['warning: "FOLDER/keys/live.key" is readable by others (0644): chmod o-r FOLDER/keys/live.key'],
  },
  {
    what: "the account key is gone",
    harm: remove("account.key"),
    args: ["renew"],
    exit: 4,
    err: ['error: There is no account key "FOLDER/account.key"', "hint: run init to create one"],
  },
  {
    what: "the account key is damaged",
    harm: replace("account.key", damaged),
    args: ["renew"],
    exit: 4,
    err: ['error: Cannot use the account key "FOLDER/account.key": the private key is damaged'],
  },
  {
    what: "the account key is the live key",
    harm: (line) => replace("account.key", Deno.readFileSync(`${line.folder}/keys/live.key`))(line),
    args: ["renew"],
    exit: 2,
    err: [
      'error: FOLDER/line.conf: the account key "FOLDER/account.key" is the live key too',
      "hint: name another file: init creates it",
    ],
  },
  {
    what: "the live key is gone",
    harm: remove("keys/live.key"),
    exit: 4,
    err: [
      'error: The live key "FOLDER/keys/live.key" is gone and no backup fits "FOLDER/certs/live.crt"',
      "hint: found live certificate for key HASH…; put the key back, or move all files away and run init for a new key",
    ],
  },
  {
    what: "the live key is damaged",
    harm: replace("keys/live.key", damaged),
    args: ["renew"],
    exit: 4,
    err: [
      'error: The live key "FOLDER/keys/live.key" is damaged and no backup fits "FOLDER/certs/live.crt"',
      "hint: found live key (damaged), live certificate for key HASH…; put the key back, or move all files away and run init for a new key",
    ],
  },
  {
    what: "the live key is encrypted",
    async harm(line) {
      const key = `${line.folder}/keys/live.key`;
      const encrypted = `${line.folder}/encrypted`;
      await openssl("pkcs8", "-topk8", "-in", key, "-out", encrypted, "-passout", "pass:x");
      return replace("keys/live.key", Deno.readFileSync(encrypted))(line);
    },
    exit: 4,
    err: [
      'error: Cannot use "FOLDER/keys/live.key": the key is encrypted; this tool needs an unencrypted key',
    ],
  },
  {
    what: "the state is of a newer version",
    harm: replace("keys/.live.state.json", '{"version": 3}'),
    exit: 4,
    err: [
      "error: The state file is of version 3: this program knows versions 1 and 2 only",
      "hint: use the newer program that wrote it",
    ],
  },
  {
    what: "the state is damaged",
    harm: replace("keys/.live.state.json", '{"version": 1, "keys"'),
    exit: 0,
    err: [
      'The state file "FOLDER/keys/.live.state.json" was damaged: moved to "FOLDER/keys/.live.state.json.bad"; hooks run once more, and a revocation that was under way has to be asked for again',
    ],
  },
  {
    what: "the state is huge",
    harm: replace("keys/.live.state.json", " ".repeat(2 << 20)),
    exit: 0,
    err: [
      'The state file "FOLDER/keys/.live.state.json" was damaged: moved to "FOLDER/keys/.live.state.json.bad"; hooks run once more, and a revocation that was under way has to be asked for again',
    ],
  },
  {
    what: "the directory of the backups is gone",
    harm: (line) => Deno.removeSync(`${line.folder}/backups`, { recursive: true }),
    args: ["renew"],
    exit: 0,
    err: [],
    out: ["Obtained live certificate for DOMAIN: asked for"],
  },
  {
    what: "another run is active",
    async harm(line) {
      const file = await Deno.open(`${line.folder}/keys/.live.lock`, { write: true });
      await file.lock(true);
      return () => file.close();
    },
    exit: 75,
    err: ["error: Another run is active (pid PID, since TIME)"],
  },
  {
    what: "nobody answers at the CA's address",
    harm: (line) => config({ directory: `https://localhost:${freePort()}/dir` })(line),
    args: ["renew"],
    exit: 75,
    err: ["error: Cannot reach the CA localhost:PORT: connection refused"],
  },
  {
    what: "the CA's name is unknown",
    harm: config({ directory: "https://ca.invalid/dir" }),
    args: ["renew"],
    exit: 75,
    err: ["error: Cannot reach the CA ca.invalid: name not known"],
  },
  {
    what: "the CA's TLS certificate is from nobody known",
    harm: (line, pebble) =>
      config({ directory: pebble.directory, caFile: `${line.folder}/certs/live.crt` })(line),
    args: ["renew"],
    exit: 1,
    err: [
      "error: The TLS certificate of localhost:PORT is not trusted: invalid peer certificate: UnknownIssuer",
      "hint: set ca-file if this is a private CA",
    ],
  },
  {
    what: "something else than an ACME server",
    harm: (line, pebble) => config({ directory: pebble.directory.replace("/dir", "/root") })(line),
    args: ["renew"],
    exit: 1,
    err: [
      "error: The CA localhost:PORT answered /root with status 404",
      "hint: is directory in section [acme] right?",
    ],
  },
  {
    what: "the certificate directory is gone",
    harm(line) {
      Deno.renameSync(`${line.folder}/certs`, `${line.folder}/elsewhere`);
      return () => Deno.renameSync(`${line.folder}/elsewhere`, `${line.folder}/certs`);
    },
    exit: 4,
    err: [
      'error: No such directory writing "FOLDER/certs/.live.claim"',
      "hint: run init to create it",
    ],
  },
  {
    what: "a line that was never begun",
    harm(line) {
      Deno.removeSync(`${line.folder}/keys`, { recursive: true });
    },
    exit: 4,
    err: ['error: The directory "FOLDER/keys" does not exist', "hint: run init to begin this line"],
    works: false,
  },
  {
    what: "a link that leads nowhere",
    harm(line) {
      Deno.renameSync(`${line.folder}/certs/live.crt`, `${line.folder}/kept`);
      Deno.symlinkSync(`${line.folder}/nowhere`, `${line.folder}/certs/live.crt`);
      return () => Deno.renameSync(`${line.folder}/kept`, `${line.folder}/certs/live.crt`);
    },
    exit: 4,
    err: ['error: "FOLDER/certs/live.crt" is a symbolic link that leads nowhere'],
  },
];

Deno.test("bad input: one clear line, the exit status, nothing lost, and the next run works", async (test) => {
  await using pebble = await startPebble();
  for (const each of cases) {
    await test.step(each.what, async () => {
      const line = await makeLine(pebble, ecdsa);
      assertEquals((await line.run("init")).exit, 0);
      const mend = await each.harm(line, pebble);
      const before = snapshot(line.folder);
      const outcome = await line.run(...each.args ?? ["cron"]);
      assertEquals({
        ...outcome,
        out: outcome.out.map(plain(line.folder)),
        err: outcome.err.map(plain(line.folder)),
      }, {
        exit: each.exit,
        out: each.out ?? [],
        err: each.err,
      });
      if (each.exit !== 0) assertEquals(snapshot(line.folder), before);
      await mend?.();
      if (each.works !== false) assertEquals(await line.run("cron"), silent);
    });
  }
});

Deno.test("a wrong command line: what is wrong, the usage, and exit 2", async () => {
  const wrong: [string[], string][] = [
    [[], "An action is needed"],
    [["help", "corn"], 'Unknown action "corn": did you mean "cron"?'],
    [["-c", "a", "-c", "", "cron"], "A configuration file is needed: -c CONFIG"],
    [["-c", "a"], "An action is needed"],
    [["-c", "a", "corn"], 'Unknown action "corn": did you mean "cron"?'],
    [["-c", "a", "x"], 'Unknown action "x"'],
    [["-c", "a", "cron", "renew"], 'One action at a time: "renew" is too much'],
    [["-c", "a", "--hook", "cron"], 'Unknown option "--hook": did you mean "--hooks"?'],
    [["-c", "a", "-x", "cron"], 'Unknown option "-x"'],
    [["-c", "a", "--no-hooks", "cron"], 'Unknown option "--no-hooks": did you mean "--hooks"?'],
    [["-c", "a", "--json", "tlsa"], "--json is for status and plan only"],
    [["-c", "a", "--format", "json", "cron"], "--format is for tlsa only"],
    [["-c", "a", "--format", "xml", "tlsa"], '--format must be zone, nsupdate, json: current value is "xml"'],
    [["-c", "a", "--format", "", "tlsa"], '--format must be zone, nsupdate, json: current value is ""'],
    [["-c", "a", "--json", "cron"], "--json is for status and plan only"],
    [["-c", "a", "--jitter", "5", "renew"], "--jitter is for cron only"],
    [
      ["-c", "a", "--days", "soon", "plan"],
      '--days must be a number of days from 0 to 3660: current value is "soon"',
    ],
    [
      ["-c", "a", "--jitter", "soon", "cron"],
      '--jitter must be a number of minutes from 0 to 1440: current value is "soon"',
    ],
    [
      ["-c", "a", "--jitter", "1441", "cron"],
      '--jitter must be a number of minutes from 0 to 1440: current value is "1441"',
    ],
  ];
  for (const [args, message] of wrong) {
    const err: string[] = [];
    const exit = await main(args, { ...realSystem(), warn: (line) => void err.push(line) });
    assertEquals([exit, err], [2, [`error: ${message}`, ...usage()]]);
  }
});

Deno.test("--help and --version go to standard output, exit 0", async () => {
  for (
    const [args, first] of [[["--help"], "Usage: "], [["-h"], "Usage: "], [["help"], "Usage: "], [
      ["--version"],
      "letsencrypt-tiny/",
    ], [["-v"], "letsencrypt-tiny/"]] as const
  ) {
    const out: string[] = [];
    assertEquals(await main(args, { ...realSystem(), log: (line) => void out.push(line) }), 0);
    assertEquals(out[0].startsWith(first), true);
    assertEquals(out.filter((line) => line.length > 80), []);
  }
});

Deno.test("what there is to say of one action, however it is asked for", async () => {
  const asked = [["help", "tlsa"], ["--help", "tlsa"], ["tlsa", "-h"], ["-c", "x", "tlsa", "--help"]];
  for (const args of asked) {
    const out: string[] = [];
    assertEquals(await main(args, { ...realSystem(), log: (line) => void out.push(line) }), 0);
    assertEquals(out, helpOn("tlsa"));
  }
  assertEquals(helpOn("tlsa").slice(0, 5), [
    "Usage: letsencrypt-tiny -c CONFIG [-k] tlsa",
    "",
    "Print the TLSA records that the zone must hold now.",
    "",
    "  --format FORMAT     one of zone, nsupdate, json; the first unless given",
  ]);
  for (const name of actionNames) assertEquals(helpOn(name).filter((line) => line.length > 80), []);
});

Deno.test("without -c the configurations of /etc/letsencrypt-tiny are meant", () => {
  const parsed = parseArguments(["-k", "cron"]);
  assertEquals("configs" in parsed && parsed.configs, ["/etc/letsencrypt-tiny"]);
});

Deno.test("without -k a hook that is due is named, in one line, as long as it is", async () => {
  await using pebble = await startPebble();
  const line = await makeLine(pebble, ecdsa);
  assertEquals((await line.run("init")).out.at(-1)!.startsWith("Obtained"), true);
  await line.configure({ ...ecdsa, hooks: await line.makeHooks() });
  const told = ["post-certchange is due: -k runs it", "post-keychange is due: -k runs it"];
  assertEquals(await line.run("cron"), { ...silent, out: told });
  assertEquals((await line.run("renew")).out.slice(1), told);
  assertEquals(await line.run("recover"), silent);
  assertEquals(await line.run("-k", "cron"), silent);
  assertEquals(await line.run("cron"), silent);
});

Deno.test("before init, what only reads says so, and creates nothing", async () => {
  await using pebble = await startPebble();
  const line = await makeLine(pebble, ecdsa);
  const before = snapshot(line.folder);
  assertEquals(await line.run("status"), {
    exit: 0,
    out: [
      "line: needs a hand",
      "note           there is no live key: run init",
      "",
      "due now        nothing",
    ],
    err: [],
  });
  assertEquals(await line.run("tlsa"), {
    exit: 4,
    out: [],
    err: [`error: There is no live key in "${line.folder}/keys"`, "hint: run init to begin this line"],
  });
  assertEquals(snapshot(line.folder), before);
});

Deno.test("status and tlsa: for people, for programs, and what they promise each other", async () => {
  await using pebble = await startPebble();
  const settings = {
    ...ecdsa,
    domains: ["a.example.org", "b.example.org"],
    timing: { "staging-hours": "2" },
  };
  const line = await makeLine(pebble, settings);
  await line.run("init");
  await line.configure({ ...settings, head: "key-type = ecdsa\nkey-length = 384\n" });
  assertEquals((await line.run("cron")).exit, 0);

  const { out } = await line.run("status", "--json");
  const status = JSON.parse(out.join("\n"));
  const [live, staging] = [status.live.key.spkiSha256, status.staging.key.spkiSha256];
  assertEquals(await line.run("tlsa"), {
    exit: 0,
    out: settings.domains.flatMap((domain) =>
      [live, staging].map((key) => `_443._tcp.${domain}. IN TLSA 3 1 1 ${key}`)
    ),
    err: [],
  });
  const spki = await openssl("pkey", "-in", `${line.folder}/keys/live.key`, "-pubout");
  const der = Uint8Array.fromBase64(spki.replace(/-----.*-----/g, ""));
  assertEquals(new Uint8Array(await crypto.subtle.digest("SHA-256", der)).toHex(), live);
  const hours = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 3_600_000;
  assertEquals(Math.abs(hours(status.staging.key.created, status.unstageAfter) - 2) < 0.01, true);
  assertEquals(status.verdict, "waiting");
  assertEquals(Object.keys(status), [
    ...["config", "verdict", "reasons", "live", "staging", "hooksDue", "unstageAfter"],
    ...["due", "next", "notes"],
  ]);
  assertEquals(Object.keys(status.live.certificate), [
    ...["path", "domains", "issuer", "notBefore", "notAfter", "daysLeft", "serial", "renewAfter"],
  ]);
  assertEquals(hours(status.live.certificate.renewAfter, status.live.certificate.notAfter), 15 * 24);
  // What jq's fromdate can read, and nothing else.
  const instants = out.join().match(/\d{4}-\d\d-\d\dT[^"]*/g)!;
  assertEquals(instants.filter((each) => !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(each)), []);

  // The staging key is in the plan, and nothing is to be done before it.
  const plan = JSON.parse((await line.run("plan", "--days", "1", "--json")).out.join("\n"));
  assertEquals(plan.map(({ config, due }: { config: string; due: string[] }) => [config, due]), [
    [line.config, ["unstage"]],
  ]);
  assertEquals((await line.run("plan", "--days", "0.01")).out, ["Nothing is to be done in 0.01 days"]);

  // What status says is due is what cron does.
  line.offset = 3 * 3_600_000;
  const due = JSON.parse((await line.run("status", "--json")).out.join("\n")).due;
  assertEquals(due, ["unstage"]);
  assertEquals((await line.run("cron")).out, ["Unstaged: the staging key and certificate are live now"]);
});

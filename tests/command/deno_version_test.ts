/** An old Deno says which version is needed, and nothing else. */
import { assertEquals } from "../kit/assert.ts";
import { outcome, testConfig } from "../kit/line.ts";

const entries = ["init", "renew", "cron", "letsencrypt_tiny"];

/** An entry script as a Deno of another version would see it. */
async function under(version: string, entry: string) {
  const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-" });
  try {
    const disguise = `${folder}/disguise.ts`;
    await Deno.writeTextFile(
      disguise,
      `Object.defineProperty(Deno, "version", { value: { ...Deno.version, deno: "${version}" } });`,
    );
    const path = new URL(`../../scripts/${entry}.ts`, import.meta.url).pathname;
    const args = ["run", "--config", testConfig, "--cached-only", "--allow-all", "--preload", disguise, path];
    return await outcome(
      new Deno.Command(Deno.execPath(), {
        args: [...args, "-c", `${folder}/nothing`, ...entry === "letsencrypt_tiny" ? ["cron"] : []],
        stdout: "piped",
        stderr: "piped",
        env: { NO_COLOR: "1" },
      }).spawn(),
    ).then(({ exit, out, err }) => ({ exit, out, err: err.map((line) => line.replace(folder, "FOLDER")) }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("an old Deno: one line names the version that is needed", async () => {
  for (
    const [version, entry] of [["1.46.3", "init"], ["2.8.3", "renew"], ["2.0.6", "cron"], [
      "2.1.9",
      "letsencrypt_tiny",
    ]]
  ) {
    assertEquals(await under(version, entry), {
      exit: 4,
      out: [],
      err: [
        `error: Deno 2.9 or newer is needed: this is ${version}`,
        "hint: deno upgrade, or take the executable that deno task compile makes elsewhere",
      ],
    });
  }
});

Deno.test("a Deno that is new enough goes on to the configuration", async () => {
  for (const version of ["2.9.0", "2.10.1", "3.0.0-rc.1"]) {
    assertEquals(await under(version, "cron"), {
      exit: 2,
      out: [],
      err: ["error: FOLDER/nothing: The configuration file does not exist"],
    });
  }
});

Deno.test("each entry script looks at the version before it loads anything else, which needs nothing itself", async () => {
  const imports = async (path: string) =>
    (await Deno.readTextFile(new URL(`../../${path}`, import.meta.url))).match(/^import .*/gm) ?? [];
  for (const entry of entries) {
    assertEquals((await imports(`scripts/${entry}.ts`))[0], 'import "../lib/command/deno_version.ts";');
  }
  assertEquals(await imports("lib/command/deno_version.ts"), []);
});

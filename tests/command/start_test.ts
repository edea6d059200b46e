/** An old Deno says which version is needed, before it stumbles over anything else. */
import { start } from "../../lib/command/start.ts";
import { assertEquals, assertRejects } from "../kit/assert.ts";

/** The beginning as a Deno of another version would see it. */
async function under(version: string): Promise<{ exit?: number; said: string }> {
  const real = { version: Deno.version, exit: Deno.exit, writeSync: Deno.stderr.writeSync };
  let exit: number | undefined;
  let said = "";
  try {
    Object.defineProperty(Deno, "version", { value: { ...real.version, deno: version }, configurable: true });
    Deno.exit = (code) => {
      exit ??= code;
      throw new Error("the end");
    };
    Deno.stderr.writeSync = (bytes) => {
      said += new TextDecoder().decode(bytes);
      return bytes.length;
    };
    await assertRejects(() => start(["-c", "/nonexistent/file", "cron"]), /the end/);
  } finally {
    Object.defineProperty(Deno, "version", { value: real.version, configurable: true });
    Deno.exit = real.exit;
    Deno.stderr.writeSync = real.writeSync;
  }
  return { exit, said };
}

Deno.test("an old Deno: one line names the version that is needed", async () => {
  for (const version of ["1.46.3", "2.8.3"]) {
    assertEquals(await under(version), {
      exit: 4,
      said: `error: Deno 2.9 or newer is needed: this is ${version}\n` +
        "hint: deno upgrade, or take the executable that deno task compile makes elsewhere\n",
    });
  }
});

Deno.test("a Deno that is new enough goes on to the configuration", async () => {
  for (const version of ["2.9.0", "2.10.1", "3.0.0-rc.1"]) {
    assertEquals(await under(version), {
      exit: 2,
      said: "error: /nonexistent/file: The configuration file does not exist\n",
    });
  }
});

Deno.test("the entry scripts and the beginning load nothing that an old Deno could fail on", async () => {
  const source = async (path: string) => await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
  for (const name of ["init", "renew", "cron", "letsencrypt_tiny"]) {
    const imports = (await source(`scripts/${name}.ts`)).match(/^import .*/gm);
    assertEquals(imports, ['import { start } from "../lib/command/start.ts";']);
  }
  assertEquals((await source("lib/command/start.ts")).match(/^(import|export .* from) /gm), null);
});

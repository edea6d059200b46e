/** What reaches the terminal: printable text, whoever wrote it. */
import { main } from "../../lib/command/cli.ts";
import { harmless, jsonLines } from "../../lib/command/terminal.ts";
import { realSystem } from "../../lib/command/world.ts";
import { assert, assertEquals } from "../kit/assert.ts";
import { makeLine } from "../kit/line.ts";
import { startScriptedCa } from "../kit/scripted_ca.ts";

// Colour, the window's title, a line of its own, right to left, invisible, a C1 control, half a character.
const evil = "\x1b[31m\x1b]0;title\x07\r\nhint: run this\u202egpj.exe\u200b\x9b31m\ud800";
const escaped =
  "\\u{1b}[31m\\u{1b}]0;title\\u{7}\\u{d}\\u{a}hint: run this\\u{202e}gpj.exe\\u{200b}\\u{9b}31m\\u{d800}";

function listener() {
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  return { said, world: { ...realSystem(), log: say, warn: say, progress: say } };
}

Deno.test("log, warning and progress: nothing acts on a terminal, and no line can be forged", () => {
  const { said, world } = listener();
  const { log, warn, progress } = harmless(world);
  for (const say of [log, warn, progress]) say(`ACME says ${evil} ü 漢 🎉`);
  assertEquals(said, Array(3).fill(`ACME says ${escaped} ü 漢 🎉`));
});

Deno.test("a long error is cut between words, so that no link leads elsewhere; what is printed for programs is whole", () => {
  const { said, world } = listener();
  const link = `https://ca.example/pause?token=${"x".repeat(3000)}`;
  const { log, warn } = harmless(world);
  warn(`see ${link}`);
  const long = `see ${`${link} `.repeat(30)}`;
  warn(long);
  log(long);
  assertEquals([said[0], said[2]], [`see ${link}`, long]);
  assertEquals(said[1].replaceAll(link, "LINK"), "see LINK LINK LINK LINK LINK LINK …");
});

Deno.test("JSON stays JSON", () => {
  const value = { text: evil, "\u202e": [`🎉${evil}`] };
  const lines = jsonLines(value);
  assertEquals(lines.filter((line) => /[^ -~🎉]/u.test(line)), []);
  assertEquals(JSON.parse(lines.join("\n")), value);
});

Deno.test("the command: arguments, and what it finds on disk", async () => {
  const { said, world } = listener();
  assertEquals(await main(["-c", "x", evil], world), 2);
  assertEquals(said[1], `error: Unknown action "${escaped}"`);
  await using ca = await startScriptedCa();
  const line = await makeLine(ca);
  const config = `${line.folder}/${evil.replaceAll(/[/\ud800]/g, "")}.conf`;
  await Deno.rename(line.config, config);
  line.config = config;
  const { exit, out } = await line.run("status", "--json");
  assertEquals([exit, JSON.parse(out.join("\n")).config], [0, config]);
  assertEquals(out.filter((each) => /[^ -~]/.test(each)), []);
  await Deno.writeTextFile(config, "domains\n");
  const { err } = await line.run("cron");
  assert(err[0].includes("\\u{1b}[31m") && !/[^ -~]/.test(err[0]), err[0]);
});

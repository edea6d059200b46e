/** What is written from the program's tables is up to date, and what reads it understands it. */
import { actionNames } from "../../lib/command/actions.ts";
import { texts } from "../../scripts/dev/texts/texts.ts";
import { assertEquals } from "../kit/assert.ts";

const root = new URL("../../", import.meta.url);
const path = (file: string) => new URL(file, root).pathname;

async function run(program: string, ...args: string[]) {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return { success, lines: text.split("\n").filter((line) => line) };
}

async function has(program: string): Promise<boolean> {
  const isThere = await run("sh", "-c", `command -v ${program}`).then(({ success }) => success);
  if (!isThere) console.error(`SKIPPED: what is written for ${program} needs it`);
  return isThere;
}

Deno.test("README, manual and completions are as deno task texts writes them", async () => {
  for (const [file, text] of Object.entries(texts())) {
    assertEquals((await Deno.readTextFile(path(file))).split("\n"), text.split("\n"), file);
  }
});

Deno.test({
  name: "the manual: mandoc finds nothing wrong, and each action is in it",
  ignore: !await has("mandoc"),
  async fn() {
    const manual = path("scripts/letsencrypt-tiny.8");
    assertEquals(await run("mandoc", "-T", "lint", manual), { success: true, lines: [] });
    const { lines } = await run("mandoc", "-T", "ascii", manual);
    const text = lines.join("\n").replaceAll(new RegExp(`.${String.fromCharCode(8)}`, "g"), ""); // bold
    assertEquals(actionNames.filter((name) => !new RegExp(`^ {5}${name}( |$)`, "m").test(text)), []);
  },
});

/** What a shell would offer for the last of these words. */
const bash = (...words: string[]) =>
  run(
    "bash",
    "-c",
    'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _letsencrypt_tiny; ' +
      'printf "%s\\n" "${COMPREPLY[@]}"',
    "bash",
    path("scripts/completions/letsencrypt-tiny.bash"),
    "letsencrypt-tiny",
    ...words,
  );
const fish = (...words: string[]) =>
  run(
    "fish",
    "--no-config",
    "-c",
    `source ${path("scripts/completions/letsencrypt-tiny.fish")}; complete -C ${
      JSON.stringify(["letsencrypt-tiny", ...words].join(" "))
    }`,
  );
/** zsh completes only where somebody types: what it adds is written down. */
const zsh = async (...words: string[]) => {
  const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-zsh-" });
  await Deno.writeTextFile(
    `${folder}/.zshrc`,
    `fpath=(${path("scripts/completions")} $fpath)
autoload -U compinit
compinit -u -d ${folder}/dump
bindkey "^I" complete-word
compadd() {
  if [[ " $* " != *" -"[OAD]* ]] { local -a found; builtin compadd -A found "$@"; print -rl -- $found >> ${folder}/found }
  builtin compadd "$@"
}
comppostfuncs=(ended)
ended() { : > ${folder}/ended }
zle-line-init() { : > ${folder}/ready }
zle -N zle-line-init
`,
  );
  const typed = JSON.stringify(["letsencrypt-tiny", ...words].join(" "));
  const script = `zmodload zsh/zpty
export ZDOTDIR=${folder}
zpty shell zsh -i
integer wait
await() { until [[ -e ${folder}/$1 || wait++ -gt 400 ]] { sleep 0.05 } }
await ready
zpty -w -n shell ${typed}$'\\t'
await ended
zpty -d shell
cat ${folder}/found`;
  try {
    return await run("zsh", "-f", "-c", script);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
};

const shells = { bash, fish, zsh };
for (const [shell, complete] of Object.entries(shells)) {
  Deno.test({
    name: `completions for ${shell}: actions, the options that go with each, and their values`,
    ignore: !await has(shell),
    async fn() {
      const offers = async (...words: string[]) => {
        const { success, lines } = await complete(...words);
        assertEquals(success, true, lines.join("\n"));
        return lines.map((line) => line.split("\t")[0]);
      };
      const actions = await offers("");
      assertEquals(actionNames.filter((name) => !actions.includes(name)), [], actions.join(" "));
      assertEquals((await offers("stat")).some((each) => each.startsWith("status")), true);
      const its = async (action: string) =>
        (await offers(action, "--")).filter((each) =>
          ["--jitter", "--json", "--metrics", "--format"].includes(each)
        ).sort();
      assertEquals([...new Set(await its("status"))], ["--json", "--metrics"]);
      assertEquals([...new Set(await its("cron"))], ["--jitter"]);
      const formats = await offers("tlsa", "--format", "");
      assertEquals(
        ["zone", "nsupdate", "json"].filter((each) => formats.includes(each)),
        ["zone", "nsupdate", "json"],
      );
    },
  });
}

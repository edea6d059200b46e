/** Everything that is written from the program's tables: `deno task texts` writes it, and a test compares. */
import { bash, fish, zsh } from "./completions.ts";
import { manual } from "./manual.ts";
import { updateReadme } from "./readme.ts";

const root = new URL("../../../", import.meta.url);
const read = (path: string) => Deno.readTextFileSync(new URL(path, root));

/** What each file should hold, by its path in the checkout. */
export const texts = (): Record<string, string> => ({
  "README.md": updateReadme(read("README.md")),
  "scripts/letsencrypt-tiny.8": manual(read("scripts/letsencrypt-tiny.conf.sample")),
  "scripts/completions/letsencrypt-tiny.bash": bash(),
  "scripts/completions/_letsencrypt-tiny": zsh(),
  "scripts/completions/letsencrypt-tiny.fish": fish(),
});

if (import.meta.main) {
  for (const [path, text] of Object.entries(texts())) Deno.writeTextFileSync(new URL(path, root), text);
}

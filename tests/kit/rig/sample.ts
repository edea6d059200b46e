/** The hooks that we ship, as an administrator sets them up: copied, their settings filled in, nothing else changed. */

/** Copies a sample hook and fills in its settings.
 *
 * @param name in `scripts/`, without `.sample`
 * @param target the hook
 * @param settings the assignments at its head that differ, as the shell reads them
 */
export async function installSample(
  name: string,
  target: string,
  settings: Record<string, string>,
): Promise<void> {
  let text = await Deno.readTextFile(new URL(`../../../scripts/hooks/${name}.sample`, import.meta.url));
  for (const [setting, value] of Object.entries(settings)) {
    const line = new RegExp(`^${setting}=.*$`, "m");
    if (!line.test(text)) throw new Error(`${name}.sample has no setting "${setting}"`);
    text = text.replace(line, () => `${setting}=${value}`);
  }
  await writeHook(target, text);
}

/** Writes a program. */
export async function writeHook(target: string, text: string): Promise<void> {
  await Deno.writeTextFile(target, text);
  await Deno.chmod(target, 0o755);
}

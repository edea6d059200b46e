/** The Debian packages that a benchmark needs. */

/** Whether a program starts. */
export async function starts(program: string): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: ["--version"], stdin: "null", stdout: "null", stderr: "null" })
      .output();
    return true;
  } catch {
    return false;
  }
}

/** Installs packages as root, or says which are missing.
 *
 * @param packages their names
 */
export async function install(packages: readonly string[]): Promise<void> {
  if (packages.length === 0) return;
  if (Deno.uid() !== 0) {
    console.error(`Missing, so left out; as root: apt-get install ${packages.join(" ")}`);
    return;
  }
  console.error(`Installing Debian's packages ${packages.join(", ")}`);
  const apt = async (...args: string[]) => {
    const command = new Deno.Command("apt-get", {
      args: ["-qq", "-o", "DPkg::Lock::Timeout=120", ...args],
      env: { DEBIAN_FRONTEND: "noninteractive" },
      stdin: "null",
      stdout: "null",
    });
    return (await command.spawn().status).success;
  };
  try {
    await apt("update");
    // One by one, so that a package that isn't to be had costs no other.
    for (const each of packages) {
      if (!await apt("install", "-y", "--no-install-recommends", each)) {
        console.error(`No package ${each}: left out`);
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.error(`There is no apt-get: ${packages.join(", ")} left out`);
  }
}

/** A real file system in a file, whose power fails: what has not been flushed by then is gone. */
import { run } from "./strace.ts";

/** How each is made and mounted: written back as late as possible, without what ext4 does for careless programs. */
export const fileSystems = {
  ext4: { size: "32M", make: ["mkfs.ext4", "-q"], options: "commit=300,noauto_da_alloc" },
  xfs: { size: "320M", make: ["mkfs.xfs", "-q"], options: "" },
  btrfs: { size: "128M", make: ["mkfs.btrfs", "-q"], options: "commit=300" },
};
export type FileSystemType = keyof typeof fileSystems;

/** See above. */
export class FileSystem implements AsyncDisposable {
  private constructor(
    readonly type: FileSystemType,
    private readonly image: string,
    readonly folder: string,
  ) {}

  /** Makes one in a folder of its own.
   *
   * @param type which
   * @param parent where image and folder lie
   * @throws {Error} it can't be made or mounted here
   */
  static async make(type: FileSystemType, parent: string): Promise<FileSystem> {
    const { size, make: [program, ...args] } = fileSystems[type];
    const image = `${parent}/${type}.img`;
    await run("truncate", "-s", size, image);
    await run(program, ...args, image);
    const found = new FileSystem(type, image, `${parent}/${type}`);
    await Deno.mkdir(found.folder);
    await found.mount();
    return found;
  }

  private mount(): Promise<void> {
    const { options } = fileSystems[this.type];
    return run("mount", "-o", ["loop", ...options ? [options] : []].join(), this.image, this.folder);
  }

  private async unmount(): Promise<void> {
    for (let i = 0;; i++) {
      try {
        return await run("umount", this.folder);
      } catch (error) {
        if (i === 20) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50)); // somebody is about to end
      }
    }
  }

  /** All that was written is on disk. */
  flush(): Promise<void> {
    return run("sync", "-f", this.folder);
  }

  /** What the disk has got by now is what is found afterwards. */
  async cutPower(): Promise<void> {
    await run("cp", "--sparse=auto", this.image, `${this.image}.cut`);
    await this.unmount(); // which flushes to the image that is thrown away
    await Deno.rename(`${this.image}.cut`, this.image);
    await this.mount();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unmount();
    await Deno.remove(this.image);
  }
}

/** Why one of a type can't be had here; undefined: it can. */
export async function whyNot(type: FileSystemType): Promise<string | undefined> {
  const folder = await Deno.makeTempDir({ prefix: "letsencrypt-tiny-" });
  try {
    await using _ = await FileSystem.make(type, folder);
  } catch (error) {
    return (error as Error).message.trim().split("\n").at(-1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A CA that is further away: a TCP proxy that adds a round-trip time, and nothing else.
 *
 * Each chunk is held back for half the round trip in its direction, and what a new connection sends first for one
 * round trip more, which is TCP's handshake. Chunks wait side by side, not one after the other, so neither connections
 * nor throughput are limited. A process of its own, so that it takes no turn of the event loop from what is measured.
 */

/** A running proxy. */
export interface DelayProxy extends AsyncDisposable {
  port: number;
}

/** Serves in this process.
 *
 * @param target the port that connections go to, on 127.0.0.1
 * @param roundTrip milliseconds
 */
export function serveDelayed(target: number, roundTrip: number): DelayProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  const accepting = (async () => {
    for await (const client of listener) void forward(client, { target, roundTrip, open });
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const each of open) close(each);
      await accepting;
    },
  };
}

/** Starts the proxy as a process, which ends with this one.
 *
 * @param target the port that connections go to, on 127.0.0.1
 * @param roundTrip milliseconds
 */
export async function startDelayProxy(target: number, roundTrip: number): Promise<DelayProxy> {
  const child = new Deno.Command(Deno.execPath(), {
    // deno-fmt-ignore
    args: ["run", "--no-config", "--no-lock", "--allow-net=127.0.0.1", import.meta.filename!, String(target), String(roundTrip)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const port = Number(new TextDecoder().decode(value));
  if (!port) throw new Error("The delay proxy does not start");
  return {
    port,
    async [Symbol.asyncDispose]() {
      await child.stdin.close();
      await reader.cancel();
      await child.status;
    },
  };
}

interface Forwarding {
  target: number;
  roundTrip: number;
  open: Set<Deno.TcpConn>;
}

async function forward(client: Deno.TcpConn, { target, roundTrip, open }: Forwarding): Promise<void> {
  const connected = performance.now() + roundTrip;
  const both = [client];
  open.add(client);
  try {
    const server = await Deno.connect({ hostname: "127.0.0.1", port: target });
    both.push(server);
    open.add(server);
    // Nagle's algorithm would add waits of its own.
    for (const each of both) each.setNoDelay(true);
    const pace = { notBefore: connected, delay: roundTrip / 2 };
    await Promise.all([pump(client, server, pace), pump(server, client, pace)]);
  } catch { /* one side has gone: so does the other */ }
  for (const each of both) {
    close(each);
    open.delete(each);
  }
}

/** Reads on while earlier chunks wait; a chunk's instant is fixed when it arrives. */
async function pump(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  { notBefore, delay }: { notBefore: number; delay: number },
): Promise<void> {
  let sent = Promise.resolve();
  const later = (act: () => Promise<unknown>) => {
    const due = Math.max(performance.now(), notBefore) + delay;
    sent = sent.then(async () => {
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      await act();
    });
    sent.catch(() => close(from));
  };
  const buffer = new Uint8Array(65_536);
  for (let size = await from.read(buffer); size !== null; size = await from.read(buffer)) {
    const chunk = buffer.slice(0, size);
    later(async () => {
      for (let done = 0; done < chunk.length;) done += await to.write(chunk.subarray(done));
    });
  }
  later(() => to.closeWrite());
  await sent;
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch { /* it is closed */ }
}

if (import.meta.main) {
  const [target, roundTrip] = Deno.args.map(Number);
  console.log(serveDelayed(target, roundTrip).port);
  // Standard input ends with the process that started this one, however that ends.
  for await (const _ of Deno.stdin.readable);
  Deno.exit();
}

import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface ForgetfulProxy {
  port: number;
  /** Nothing comes through the open connections any more, and nothing closes them. New ones work. */
  forget(): void;
  stop(): void;
}

/** A path through something that drops its state, as a NAT or a failed-over host does. */
export async function startForgetfulProxy(targetPort: number): Promise<ForgetfulProxy> {
  const all: Socket[] = [];
  let live: Socket[] = [];
  const server = createServer({ noDelay: true }, (client) => {
    const target = connect({ port: targetPort, host: "127.0.0.1", noDelay: true });
    client.on("error", () => target.destroy()).on("close", () => target.destroy());
    target.on("error", () => client.destroy()).on("close", () => client.destroy());
    client.pipe(target);
    target.pipe(client);
    live.push(client, target);
    all.push(client, target);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    forget() {
      for (const socket of live) socket.unpipe().removeAllListeners("close").resume();
      live = [];
    },
    stop() {
      for (const socket of all) socket.destroy();
      server.close();
    },
  };
}

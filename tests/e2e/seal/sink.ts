import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/** Counts what arrives: TCP connections with the first request path, and UDP packets. Nothing is answered. */
export interface Sink {
  readonly url: string;
  readonly udpPort: number;
  readonly paths: ReadonlySet<string>;
  connections(): number;
  packets(): number;
  close(): Promise<void>;
}

export async function openSink(): Promise<Sink> {
  const paths = new Set<string>();
  let connections = 0;
  let packets = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on("error", () => undefined);
    socket.once("data", (bytes) => {
      const path = /^[A-Z]+ \/([^ ?]*)/.exec(bytes.toString("latin1"))?.[1];
      if (path !== undefined) paths.add(path);
      socket.end("HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const udp = createSocket("udp4");
  udp.on("message", () => (packets += 1));
  await new Promise<void>((resolve) => udp.bind(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the sink has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    udpPort: udp.address().port,
    paths,
    connections: () => connections,
    packets: () => packets,
    close: async () => {
      udp.close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

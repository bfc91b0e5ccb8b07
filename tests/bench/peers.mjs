/** Two known servers for shared text, in memory: `node peers.mjs y-websocket|hocuspocus PORT`. Prints a line when ready. */

import http from "node:http";

const [kind, port] = process.argv.slice(-2);

if (kind === "hocuspocus") {
  const { Server } = await import("@hocuspocus/server");
  await new Server({ port: Number(port), address: "127.0.0.1", quiet: true, debounce: 60_000 }).listen();
} else {
  const { WebSocketServer } = await import("ws");
  const { setupWSConnection } = await import("@y/websocket-server/utils");
  const sockets = new WebSocketServer({ noServer: true });
  sockets.on("connection", setupWSConnection);
  const server = http.createServer();
  server.on("upgrade", (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (ws) => sockets.emit("connection", ws, request));
  });
  await new Promise((resolve) => server.listen(Number(port), "127.0.0.1", resolve));
}
console.log("ready");

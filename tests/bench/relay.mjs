/** Node's Socket.IO as its guide shows it: who points is relayed to the others of the room. `node relay.mjs PORT`. */

import { Server } from "socket.io";

const port = Number(process.argv.at(-1));
const server = new Server(port, { cors: { origin: "*" }, transports: ["websocket"] });
server.on("connection", (socket) => {
  const { room } = socket.handshake.auth;
  socket.join(room);
  socket.on("point", (point) => socket.to(room).emit("pointed", { by: socket.id, ...point }));
});
console.log("ready");

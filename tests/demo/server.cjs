// What everybody starts with: a server that greets every client, and a page that answers and leaves.
// Prints its port; ends when the page says that its WebSocket has closed.
"use strict";
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { server: WebSocketServer } = require("websocket");

const everyMs = Number(process.argv[2] || 3000);
const page = fs.readFileSync(path.join(__dirname, "page.html"));
const server = http.createServer((request, response) => {
  if (request.url === "/left") {
    response.end(() => process.exit(0));
    return;
  }
  response.setHeader("Content-Type", "text/html");
  response.end(page);
});

new WebSocketServer({ httpServer: server }).on("request", (request) => {
  const connection = request.accept(null, request.origin);
  let told = 0;
  const timer = setInterval(() => connection.sendUTF(`hello ${++told}`), everyMs);
  connection.on("message", (message) => console.log(`got ${message.utf8Data}`));
  connection.on("close", () => clearInterval(timer));
});

server.listen(Number(process.argv[3] || 0), () => console.log(server.address().port));

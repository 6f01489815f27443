// One stream of changes for all pages of a browser: browsers open few connections to one host.
"use strict";

const KINDS = ["ready", "changed", "lost", "beat", "end", "signed_out"];
const SILENT_PORT = 45000;
const streams = new Map();

function open(address) {
  const stream = { source: new EventSource(address), ports: new Map(), ready: false };
  for (const kind of KINDS) {
    stream.source.addEventListener(kind, (event) => {
      stream.ready = kind !== "end" && kind !== "signed_out";
      tell(stream, { kind, data: event.data ? JSON.parse(event.data) : null });
      if (kind === "signed_out") close(address);
    });
  }
  stream.source.addEventListener("error", () => {
    stream.ready = false;
    // A response that is no stream ends it for good; the pages try again when they see fit.
    const dead = stream.source.readyState === EventSource.CLOSED;
    tell(stream, { kind: dead ? "dead" : "broken", data: null });
    if (dead) close(address);
  });
  streams.set(address, stream);
  return stream;
}

function tell(stream, message) {
  for (const port of stream.ports.keys()) port.postMessage(message);
}

function close(address) {
  const stream = streams.get(address);
  if (stream) stream.source.close();
  streams.delete(address);
}

function leave(port) {
  for (const [address, stream] of streams) {
    stream.ports.delete(port);
    if (!stream.ports.size) close(address);
  }
}

self.addEventListener("connect", (event) => {
  const port = event.ports[0];
  port.addEventListener("message", ({ data }) => {
    if (data.leave) return leave(port);
    const stream = streams.get(data.follow) || open(data.follow);
    const isNew = !stream.ports.has(port);
    stream.ports.set(port, Date.now());
    if (isNew && stream.ready) port.postMessage({ kind: "ready", data: null });
  });
  port.start();
});

setInterval(() => {
  for (const stream of streams.values())
    for (const [port, seen] of stream.ports) if (Date.now() - seen > SILENT_PORT) leave(port);
}, 15000);

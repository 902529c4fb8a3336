// Refuses every connection that leads off this machine.
const dgram = require("node:dgram");
const net = require("node:net");

const isHere = (host) =>
  host === undefined || host === "localhost" || host === "::1" || /^127\./.test(host);
const refuse = (host) =>
  Object.assign(new Error(`${host} is not on this machine`), { code: "ENETUNREACH" });

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const [first] = Array.isArray(args[0]) ? args[0] : args;
  const host = typeof first === "object" ? first.host : args[1];
  if (typeof first === "object" && first.path) return connect.apply(this, args);
  if (typeof host === "string" && !isHere(host)) {
    process.nextTick(() => this.destroy(refuse(host)));
    return this;
  }
  return connect.apply(this, args);
};

const send = dgram.Socket.prototype.send;
dgram.Socket.prototype.send = function (...args) {
  const host = args.findLast((arg) => typeof arg === "string" && net.isIP(arg));
  if (isHere(host)) return send.apply(this, args);
  const told = args.at(-1);
  if (typeof told === "function") process.nextTick(told, refuse(host));
};

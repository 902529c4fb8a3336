// What OpenClaw's client library makes of the gateway; one JSON object is printed.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const packages = createRequire(`${process.env.OPENCLAW_PACKAGES}/index.js`);
const load = (name) => import(pathToFileURL(packages.resolve(name)).href);
const { GatewayClient } = await load("@openclaw/gateway-client");
const sessionKey = "agent:main:main";
const said = { gaps: [] };
const events = [];
let heard = () => {};

const connected = Promise.withResolvers();
const client = new GatewayClient({
  url: process.env.GATEWAY_URL,
  token: process.env.GATEWAY_TOKEN,
  minProtocol: 4,
  maxProtocol: 4,
  scopes: ["operator.admin"],
  onHelloOk: connected.resolve,
  onConnectError: connected.reject,
  onGap: (gap) => said.gaps.push(gap),
  onEvent: (event) => {
    events.push(event);
    heard();
  },
});
client.start();
const hello = await connected.promise;
said.hello = [hello.type, hello.protocol, hello.auth.role];

// Waits for the first event that is looked for.
const until = (isIt) =>
  new Promise((resolve) => {
    heard = () => {
      const found = events.find(isIt);
      if (found) resolve(found);
    };
    heard();
  });

said.health = (await until((event) => event.event === "health")).payload.ok;
const { agents, defaultId } = await client.request("agents.list", {});
said.agents = [agents.map((agent) => agent.id), defaultId];

said.sent = await client.request("chat.send", {
  sessionKey, message: "how is the tide?", idempotencyKey: "k1",
});
const chatIs = (state) => (event) => event.event === "chat" && event.payload.state === state;
// The test lets the model go on when it reads this line.
const delta = await until(chatIs("delta"));
console.log(JSON.stringify(delta.payload.message.content[0].text));
const last = await until(chatIs("final"));
said.final = [last.payload.runId, last.payload.message.content[0].text];

const chats = events.filter((event) => event.event === "chat").map((event) => event.payload);
said.runs = [...new Set(chats.map((chat) => chat.runId))];
said.streamed = chats.map((chat) => chat.deltaText ?? "").join("");
const told = events.filter((event) => event.event === "agent").map((event) => event.payload);
said.lifecycle = told.filter((event) => event.stream === "lifecycle").map((event) => event.data.phase);
said.assistant = told.filter((event) => event.stream === "assistant").at(-1).data.text;

said.again = await client.request("chat.send", {
  sessionKey, message: "how is the tide?", idempotencyKey: "k1",
});
const history = await client.request("chat.history", { sessionKey, limit: 10 });
const text = (content) => (typeof content === "string" ? content : content[0].text);
said.history = history.messages.map((message) => [message.role, text(message.content)]);
said.session = [history.sessionInfo.key, history.sessionInfo.sessionId === history.sessionId];

try {
  await client.request("nosuch.method", {});
} catch (err) {
  said.refused = [err.gatewayCode, err.message];
}
await client.stopAndWait();
console.log(JSON.stringify(said));

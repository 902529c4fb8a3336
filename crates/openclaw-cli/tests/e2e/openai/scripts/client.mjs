// What OpenAI's own client for Node makes of the gateway; one JSON object is printed.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const packages = createRequire(`${process.env.OPENAI_PACKAGES}/index.js`);
const { default: OpenAI, APIError } = await import(pathToFileURL(packages.resolve("openai")).href);
const client = new OpenAI({ maxRetries: 0 });
const tool = {
  name: "get_weather",
  description: "Tells the weather.",
  parameters: { type: "object", properties: { city: { type: "string" } } },
};
const chatTools = [{ type: "function", function: tool }];
const tools = [{ type: "function", strict: false, ...tool }];
const model = "openclaw";
const said = {};

said.models = [];
for await (const one of client.models.list()) said.models.push(one.id);
said.model = (await client.models.retrieve("openclaw/default")).id;

let messages = [{ role: "user", content: "hi" }];
said.chat = (await client.chat.completions.create({ model, messages })).choices[0].message.content;

const chunks = await client.chat.completions.create({
  model, messages, stream: true, stream_options: { include_usage: true },
});
said.chat_streamed = "";
for await (const chunk of chunks) {
  said.chat_streamed += chunk.choices[0]?.delta?.content ?? "";
  if (chunk.usage) said.chat_usage = chunk.usage.total_tokens > 0;
}

messages = [{ role: "user", content: "weather?" }];
const first = await client.chat.completions.create({ model, messages, tools: chatTools });
const asked = first.choices[0].message;
const call = asked.tool_calls[0];
said.chat_finish = first.choices[0].finish_reason;
said.chat_call = [call.function.name, JSON.parse(call.function.arguments)];
messages.push(asked, { role: "tool", tool_call_id: call.id, content: "rain" });
const second = await client.chat.completions.create({ model, messages, tools: chatTools });
said.chat_told = second.choices[0].message.content;

messages = [{ role: "user", content: "weather?" }];
const runner = client.chat.completions.stream({ model, messages, tools: chatTools });
const streamed = (await runner.finalMessage()).tool_calls[0];
said.chat_streamed_call = [streamed.function.name, JSON.parse(streamed.function.arguments)];

const response = await client.responses.create({ model, input: "hi" });
said.response = response.output_text;
const again = await client.responses.create({
  model, input: "and?", previous_response_id: response.id,
});
said.response_again = again.output_text;

const events = client.responses.stream({ model, input: "hi" });
let deltas = "";
for await (const event of events) {
  if (event.type === "response.output_text.delta") deltas += event.delta;
}
const final = await events.finalResponse();
said.response_streamed = [deltas, final.output_text, final.status];

const called = await client.responses.create({ model, input: "weather?", tools });
const item = called.output.at(-1);
said.response_call = [item.type, item.name, JSON.parse(item.arguments)];
const told = await client.responses.create({
  model,
  tools,
  previous_response_id: called.id,
  input: [{ type: "function_call_output", call_id: item.call_id, output: "rain" }],
});
said.response_told = told.output_text;

const last = await client.responses.stream({ model, input: "weather?", tools }).finalResponse();
const one = last.output.at(-1);
said.response_streamed_call = [one.type, one.name, JSON.parse(one.arguments)];

try {
  await client.chat.completions.create({ model: "gpt-5", messages });
} catch (err) {
  if (!(err instanceof APIError)) throw err;
  said.refused = [err.status, err.type, err.param, err.code];
}

console.log(JSON.stringify(said));

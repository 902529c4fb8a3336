"""What OpenAI's own client for Python makes of the gateway; one JSON object is printed."""

import json

from openai import APIStatusError, OpenAI

client = OpenAI(max_retries=0)
TOOL = {
    "name": "get_weather",
    "description": "Tells the weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
CHAT_TOOLS = [{"type": "function", "function": TOOL}]
TOOLS = [{"type": "function", **TOOL}]
said = {}

said["models"] = [model.id for model in client.models.list()]
said["model"] = client.models.retrieve("openclaw/default").id

messages = [{"role": "user", "content": "hi"}]
chat = client.chat.completions.create(model="openclaw", messages=messages)
said["chat"] = chat.choices[0].message.content

stream = client.chat.completions.create(
    model="openclaw", messages=messages, stream=True, stream_options={"include_usage": True}
)
text, usage = "", None
for chunk in stream:
    for choice in chunk.choices:
        text += choice.delta.content or ""
    usage = chunk.usage or usage
said["chat_streamed"] = text
said["chat_usage"] = usage.total_tokens > 0

messages = [{"role": "user", "content": "weather?"}]
first = client.chat.completions.create(model="openclaw", messages=messages, tools=CHAT_TOOLS)
call = first.choices[0].message.tool_calls[0]
said["chat_finish"] = first.choices[0].finish_reason
said["chat_call"] = [call.function.name, json.loads(call.function.arguments)]
messages.append(first.choices[0].message)
messages.append({"role": "tool", "tool_call_id": call.id, "content": "rain"})
second = client.chat.completions.create(model="openclaw", messages=messages, tools=CHAT_TOOLS)
said["chat_told"] = second.choices[0].message.content

messages = [{"role": "user", "content": "weather?"}]
with client.chat.completions.stream(model="openclaw", messages=messages, tools=CHAT_TOOLS) as stream:
    for _ in stream:
        pass
    final = stream.get_final_completion()
call = final.choices[0].message.tool_calls[0]
said["chat_streamed_call"] = [call.function.name, json.loads(call.function.arguments)]

response = client.responses.create(model="openclaw", input="hi")
said["response"] = response.output_text
again = client.responses.create(
    model="openclaw", input="and?", previous_response_id=response.id
)
said["response_again"] = again.output_text

with client.responses.stream(model="openclaw", input="hi") as stream:
    deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
    final = stream.get_final_response()
said["response_streamed"] = ["".join(deltas), final.output_text, final.status]

first = client.responses.create(model="openclaw", input="weather?", tools=TOOLS)
call = first.output[-1]
said["response_call"] = [call.type, call.name, json.loads(call.arguments)]
second = client.responses.create(
    model="openclaw",
    previous_response_id=first.id,
    input=[{"type": "function_call_output", "call_id": call.call_id, "output": "rain"}],
    tools=TOOLS,
)
said["response_told"] = second.output_text

with client.responses.stream(model="openclaw", input="weather?", tools=TOOLS) as stream:
    for _ in stream:
        pass
    call = stream.get_final_response().output[-1]
said["response_streamed_call"] = [call.type, call.name, json.loads(call.arguments)]

try:
    client.chat.completions.create(model="gpt-5", messages=messages)
except APIStatusError as err:
    said["refused"] = [err.status_code, err.type, err.param, err.code]

print(json.dumps(said))

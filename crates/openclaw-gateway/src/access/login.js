// Logs a browser in: with the code in the address, with a session that it still has, or by hand.
"use strict";

const message = document.getElementById("message");
const form = document.getElementById("login");
const inside = document.getElementById("inside");
const UNREACHABLE = "The gateway cannot be reached. Start it with: openclaw gateway run";

/** Calls an address of the gateway; returns null when the gateway does not answer. */
async function call(method, path, body) {
  try {
    return await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
    });
  } catch {
    return null;
  }
}

function show(text, part) {
  message.textContent = text;
  form.hidden = part !== form;
  inside.hidden = part !== inside;
}

/** Says why the gateway refused. */
function reason(response) {
  if (response === null) return UNREACHABLE;
  if (response.status === 429) {
    return `Too many attempts. Try again in ${response.headers.get("Retry-After")} seconds.`;
  }
  return "That did not work: the link was used or is older than ten minutes, or the secret is wrong.";
}

function describe(status) {
  const list = document.getElementById("status");
  const rows = [
    ["Version", status.version],
    ["Started", new Date(status.startedAt).toLocaleString()],
    ["Agents", status.agents.join(", ")],
    ["Sessions", String(status.sessions)],
  ];
  list.replaceChildren(
    ...rows.flatMap(([name, value]) => {
      const term = document.createElement("dt");
      const text = document.createElement("dd");
      term.textContent = name;
      text.textContent = value;
      return [term, text];
    }),
  );
}

async function enter() {
  let response = await call("GET", "/status");
  if (response?.status === 401) {
    const refreshed = await call("POST", "/auth/refresh");
    // Another tab of this browser may have been quicker; its cookies are ours, too.
    if (refreshed?.ok || refreshed?.status === 409) response = await call("GET", "/status");
  }
  if (response === null) return show(UNREACHABLE);
  if (!response.ok) return show("You are not logged in.", form);
  describe(await response.json());
  show("You are logged in.", inside);
}

async function logIn(credential) {
  const response = await call("POST", "/auth/login", credential);
  if (response?.ok) return enter();
  show(reason(response), form);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = document.getElementById("secret");
  const secret = field.value;
  field.value = "";
  void logIn({ secret });
});

document.getElementById("logout").addEventListener("click", async () => {
  const response = await call("POST", "/auth/logout");
  show(response === null ? UNREACHABLE : "You are logged out.", form);
});

const code = new URLSearchParams(location.hash.slice(1)).get("t");
// The code must not stay in the address or the history, whatever comes of it.
history.replaceState(null, "", location.pathname);
void (code === null ? enter() : logIn({ code }));

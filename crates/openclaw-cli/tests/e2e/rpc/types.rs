//! The TypeScript types of the reference, under the eyes of the TypeScript compiler.

use std::fs;
use std::path::{Path, PathBuf};

use openclaw_core::env::Env;
use openclaw_testkit::{TestHome, skip_note};

/// Where `tsc` is, as `cargo xtask test` says.
const TSC: &str = "OPENCLAW_FOREIGN_TSC";

/// What a client may write.
const GOOD: &str = r#"
import type { Method, Notification, Output, Params, Request, Response } from "./openclaw";

declare function call<M extends Method>(method: M, params: Params<M>): Promise<Output<M>>;

export async function use(): Promise<string> {
  const { sessionKey } = await call("session.create", { agentId: "main" });
  const { content } = await call("session.message", { sessionKey, content: "hello" });
  const page = await call("events.list", { cursor: "0", limit: 10 });
  for (const event of page.events) {
    if (event.kind === "ToolCalled") {
      const tool: string = event.data.tool;
      console.log(tool, event.position);
    }
  }
  await call("tools.list", {});
  return content;
}

export function hear(message: Notification): string {
  switch (message.method) {
    case "session.event":
      return message.params.cursor;
    case "session.delta":
      return message.params.text;
    default:
      return "";
  }
}

export function read(response: Response<"session.end">): number {
  if (response.error) {
    return response.error.code;
  }
  return response.result.seq;
}

export const request: Request<"session.end"> = {
  jsonrpc: "2.0",
  id: null,
  method: "session.end",
  params: { sessionKey: "agent:main:main" },
};
"#;

/// What none may, each on its own.
const BAD: [&str; 5] = [
    r#"call("session.drop", {})"#,
    r#"call("session.message", { sessionKey: "agent:main:main" })"#,
    r#"call("session.create", { agent: "main" })"#,
    r#"call("session.end", { sessionKey: 1 })"#,
    r#"call("session.end", { sessionKey: "agent:main:main" }).then((output) => output.nothing)"#,
];

fn tsc(test: &str) -> Option<PathBuf> {
    let found = Env::from_process().get_os(TSC).map(PathBuf::from);
    if found.is_none() {
        skip_note(
            test,
            "run `cargo xtask test`, which installs the TypeScript compiler",
        );
    }
    found
}

fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openclaw.d.ts")
}

#[tokio::test]
async fn the_compiler_takes_the_types_and_what_follows_from_them_and_nothing_else() {
    let Some(tsc) = tsc("rpc::types") else {
        return;
    };
    let home = TestHome::new();
    let folder = home.path();
    fs::copy(reference(), folder.join("openclaw.d.ts")).unwrap();
    fs::write(folder.join("good.ts"), GOOD).unwrap();
    let head = r#"import type { Method, Output, Params } from "./openclaw";
declare function call<M extends Method>(method: M, params: Params<M>): Promise<Output<M>>;
"#;
    for (n, bad) in BAD.iter().enumerate() {
        let text = format!("{head}export const bad = {bad};\n");
        fs::write(folder.join(format!("bad{n}.ts")), text).unwrap();
    }
    let check = |files: Vec<String>| {
        let command = home.command("node").arg(&tsc);
        let options = [
            "--noEmit", "--strict", "--target", "es2022", "--module", "nodenext",
        ];
        let more = ["--exactOptionalPropertyTypes", "--lib", "es2022,dom"];
        command.args(options).args(more).args(files).run()
    };
    let path = |name: &str| folder.join(name).display().to_string();
    let good = check(vec![path("openclaw.d.ts"), path("good.ts")]).await;
    drop(good.assert_code(0));
    let names: Vec<String> = (0..BAD.len())
        .map(|n| path(&format!("bad{n}.ts")))
        .collect();
    let bad = check(names).await;
    for (n, line) in BAD.iter().enumerate() {
        let error = format!("bad{n}.ts(3,");
        assert!(bad.stdout.contains(&error), "{line} is taken: {bad}");
    }
}

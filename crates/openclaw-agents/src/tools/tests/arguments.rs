//! Arguments that do not fit.

use openclaw_providers::Arguments;
use serde_json::{Value, json};

use super::super::{CallRefused, ToolRegistry};
use super::Bench;

/// Returns what a model is told of arguments.
fn told(tool: &str, arguments: &Value) -> String {
    let err = ToolRegistry::standard()
        .validate(tool, arguments)
        .unwrap_err();
    err.model_text()
}

#[test]
fn no_tool_takes_an_argument_that_it_does_not_know() {
    let tools = ToolRegistry::standard();
    for spec in tools.specs() {
        assert_eq!(
            spec.parameters["additionalProperties"], false,
            "{}",
            spec.name
        );
        let refused = tools.check(&spec.name, &json!({ "unheardOf": 1 }));
        let Err(CallRefused::Arguments(message)) = refused else {
            panic!("{} takes anything", spec.name);
        };
        assert!(message.contains("unknown field `unheardOf`"), "{message}");
    }
}

#[test]
fn every_tool_of_this_crate_is_there() {
    let tools = ToolRegistry::standard();
    for name in [
        "apply_patch",
        "edit",
        "exec",
        "find",
        "grep",
        "ls",
        "read",
        "write",
    ] {
        assert!(tools.names().contains(&name), "{name}");
    }
}

#[test]
fn an_error_says_which_argument_and_what_it_takes() {
    insta::assert_snapshot!(
        told("read", &json!({ "path": 1, "ofset": 2, "limit": "all" })),
        @"the arguments of `read` do not fit: `path`: expected a string, found a number; `limit`: expected a whole number, found a string; unknown field `ofset`, perhaps `offset` is meant; there are `path`, `offset`, `limit`, `cursor`, `optional`"
    );
    insta::assert_snapshot!(told("read", &json!({})), @"the arguments of `read` do not fit: `path` is missing");
    insta::assert_snapshot!(told("read", &json!({ "file_path": "a" })), @"the arguments of `read` do not fit: unknown field `file_path`, perhaps `path` is meant; there are `path`, `offset`, `limit`, `cursor`, `optional`; `path` is missing");
    insta::assert_snapshot!(told("edit", &json!({ "path": "a", "edits": [{ "oldText": 1 }] })), @"the arguments of `edit` do not fit: `edits[0]`: `newText` is missing; `edits[0].oldText`: expected a string, found a number");
    insta::assert_snapshot!(told("find", &json!({ "pattern": "*", "kind": "socket" })), @r#"the arguments of `find` do not fit: `kind`: expected one of "file", "folder", "link""#);
    insta::assert_snapshot!(told("read", &json!({ "path": "a", "offset": -1 })), @"the arguments of `read` do not fit: `offset`: expected a number from 0 on");
    // The schema takes this for a whole number, and the tool does not.
    insta::assert_snapshot!(told("read", &json!({ "path": "a", "offset": 1.0 })), @"the arguments of `read` do not fit: offset: expected a whole number from 0 on, found a number");
    insta::assert_snapshot!(told("read", &json!({ "path": "a", "offset": 1.5 })), @"the arguments of `read` do not fit: `offset`: expected a whole number, found a number");
    insta::assert_snapshot!(told("read", &json!([])), @"the arguments of `read` do not fit: expected an object, found an array");
    insta::assert_snapshot!(told("nothing", &json!({})).split(';').next().unwrap(), @"there is no tool `nothing`");
}

#[test]
fn arguments_that_are_no_json_are_told_of_by_their_beginning() {
    let cut = Arguments::parse(r#"{"path": "a"#).to_object();
    insta::assert_snapshot!(told("read", &Value::Object(cut)), @r#"the arguments of `read` are no JSON object: {\"path\": \"a"#);
}

#[test]
fn an_error_is_short_whatever_the_arguments_are() {
    let long = "x\n".repeat(500_000);
    let many: Value = (0..20_000)
        .map(|n| (format!("field{n}"), json!(n)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    for arguments in [
        json!({ "path": 1, &long: 1 }),
        json!({ "path": [&long], "offset": &long, "limit": { &long: &long } }),
        json!({ "path": deep }),
        many,
        Value::Object(Arguments::parse(&long).to_object()),
        Value::String(long.clone()),
    ] {
        let told = told("read", &arguments);
        assert!(
            told.len() < 3000 && !told.contains('\n'),
            "{} bytes",
            told.len()
        );
    }
    // As long as it is of the right type, it may be long.
    let written =
        ToolRegistry::standard().validate("write", &json!({ "path": "a", "content": long }));
    assert!(written.is_ok());
}

#[tokio::test]
async fn more_variables_than_a_command_can_have_are_refused_before_anything_runs() {
    let bench = Bench::new().await;
    let env: serde_json::Map<String, Value> =
        (0..300).map(|n| (format!("V{n}"), json!("x"))).collect();
    let said = bench
        .refused("exec", json!({ "command": "true", "env": env }))
        .await;
    assert_eq!(
        said,
        "`env` has 300 variables, and at most 256 are set; put them into a file"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_is_reached_through_a_link_is_shown_and_used_as_it_is() {
    let bench = Bench::new().await;
    bench.put(&[("good/run.sh", "true")]);
    std::os::unix::fs::symlink("good", bench.path("cur")).unwrap();
    let tool = bench.tools.get("exec").unwrap();
    let params = json!({ "command": "sh run.sh", "workdir": "cur" });
    let (_, command) = tool.would_run(&params, &bench.cx).unwrap();
    assert_eq!(command.cwd, Some(bench.path("good")));
}

//! The example of a program that has a gateway inside.

#[path = "../../examples/embed.rs"]
#[expect(
    dead_code,
    reason = "what it does with its gateway is done here instead"
)]
mod example;

use openclaw_gateway::agents::TaskScope;
use openclaw_testkit::rpc::RpcClient;
use serde_json::json;

#[tokio::test]
async fn the_example_answers() {
    let (folder, scope) = (tempfile::tempdir().unwrap(), TaskScope::new());
    let gateway = example::gateway(folder.path()).unwrap();
    let client: RpcClient = crate::running(gateway, &scope).await;
    let params = json!({ "sessionKey": "agent:main:main", "content": "what do you remember" });
    let answer = client.call("session.message", params).await.unwrap();
    assert!(answer.unwrap()["content"].is_string());
    assert_eq!(scope.close(std::time::Duration::from_secs(5)).await, 0);
}

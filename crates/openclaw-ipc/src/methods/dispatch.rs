//! From a request to its handler and back.

use std::future::Future;

use openclaw_core::Kind;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::{METHODS, Method, MethodInfo};
use crate::jsonrpc::{Params, RpcError};

/// A set of handlers, and what they have in common.
pub trait Handlers: Sync {
    /// What a handler knows about the call beyond its params: above all, who is calling.
    type Cx: Sync;
    /// What a handler fails with; the conversion decides what the caller may see of it.
    type Error: Into<RpcError> + Send;

    /// Decides whether the caller may use the method.
    ///
    /// # Security
    /// [`dispatch`](super::dispatch) asks before it looks at the params, so this is the one scope
    /// check and it cannot be passed by.
    fn authorize(&self, cx: &Self::Cx, method: &MethodInfo) -> Result<(), Self::Error>;

    /// Decides whether the caller is told that there is no such method; everybody is, unless it
    /// counts as a call.
    fn authorize_unknown(&self, _cx: &Self::Cx) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// The handler of one method.
///
/// ```
/// use openclaw_ipc::methods::{Handle, Handlers, MethodInfo, NoParams, ToolsList, ToolsListOutput};
/// use openclaw_ipc::RpcError;
///
/// struct Rpc;
/// impl Handlers for Rpc {
///     type Cx = ();
///     type Error = RpcError;
///     fn authorize(&self, _: &(), _: &MethodInfo) -> Result<(), RpcError> {
///         Ok(())
///     }
/// }
/// impl Handle<ToolsList> for Rpc {
///     async fn handle(&self, _: &(), _: NoParams) -> Result<ToolsListOutput, RpcError> {
///         Ok(ToolsListOutput { tools: Vec::new() })
///     }
/// }
/// ```
pub trait Handle<M: Method>: Handlers {
    /// Does what the method promises.
    fn handle(
        &self,
        cx: &Self::Cx,
        params: M::Params,
    ) -> impl Future<Output = Result<M::Output, Self::Error>> + Send;
}

/// Calls the handler of one method; the table has decided which.
pub(super) async fn call<M: Method, H: Handle<M>>(
    handlers: &H,
    cx: &H::Cx,
    params: Params,
) -> Result<Box<RawValue>, RpcError> {
    let method = const { &MethodInfo::of::<M>() };
    handlers.authorize(cx, method).map_err(Into::into)?;
    let params = params.decode(fields_of::<M>)?;
    let output = handlers.handle(cx, params).await.map_err(Into::into)?;
    to_raw_value(&output).map_err(|err| {
        tracing::error!(method = M::NAME, error = %err, "an output is no JSON");
        RpcError::new(Kind::Internal, "the output could not be written")
    })
}

/// Returns the names of a method's params, in the order in which they are declared.
fn fields_of<M: Method>() -> Vec<String> {
    let mut generator = SchemaGenerator::default();
    let schema = <M::Params as JsonSchema>::json_schema(&mut generator);
    let fields = schema.get("properties").and_then(Value::as_object);
    let names = fields.into_iter().flatten().map(|(name, _)| name.clone());
    names.collect()
}

/// Says that there is no such method, and which there are.
pub(super) fn unknown<H: Handlers>(handlers: &H, cx: &H::Cx, method: &str) -> RpcError {
    if let Err(refused) = handlers.authorize_unknown(cx) {
        return refused.into();
    }
    let names: Vec<&str> = METHODS.iter().map(|method| method.name).collect();
    RpcError::method_not_found(method).with_hint(format!("call one of {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use serde_json::json;

    use super::*;
    use crate::jsonrpc::{self, Requests};
    use crate::methods::{self, Scope};

    /// Answers every method with the output of its example and notes what it was asked.
    struct Examples {
        seen: Mutex<Vec<Value>>,
        allowed: Scope,
    }

    impl Handlers for Examples {
        type Cx = ();
        type Error = RpcError;

        fn authorize(&self, (): &(), method: &MethodInfo) -> Result<(), RpcError> {
            if method.scope <= self.allowed {
                return Ok(());
            }
            Err(RpcError::new(
                Kind::Denied,
                format!("needs {}", method.scope.as_str()),
            ))
        }
    }

    impl<M: Method> Handle<M> for Examples {
        async fn handle(&self, (): &(), params: M::Params) -> Result<M::Output, RpcError> {
            self.seen.lock().push(serde_json::to_value(params).unwrap());
            Ok(serde_json::from_str(M::EXAMPLE.output).unwrap())
        }
    }

    async fn call(
        allowed: Scope,
        method: &str,
        params: Params,
    ) -> (Result<String, RpcError>, Vec<Value>) {
        let handlers = Examples {
            seen: Mutex::default(),
            allowed,
        };
        let future = methods::dispatch(&handlers, &(), method, params);
        let outcome = sendable(future).await;
        (
            outcome.map(|json| json.get().to_owned()),
            handlers.seen.into_inner(),
        )
    }

    /// A gateway answers calls in tasks of their own, which may move between threads.
    const fn sendable<F: Future + Send>(future: F) -> F {
        future
    }

    fn object(json: &Value) -> Params {
        json.as_object().unwrap().clone().into()
    }

    #[tokio::test]
    async fn every_method_takes_and_gives_what_its_example_says() {
        for method in METHODS {
            let params: Value = serde_json::from_str(method.example.params).unwrap();
            let output: Value = serde_json::from_str(method.example.output).unwrap();
            let (outcome, seen) = call(Scope::Admin, method.name, object(&params)).await;
            assert_eq!(
                serde_json::from_str::<Value>(&outcome.unwrap()).unwrap(),
                output
            );
            assert_eq!(seen, [params]);
        }
    }

    #[tokio::test]
    async fn a_caller_without_the_scope_reaches_no_handler_and_learns_nothing_of_the_params() {
        let (outcome, seen) =
            call(Scope::Read, "session.message", object(&json!({"odd": 1}))).await;
        assert_eq!(
            outcome,
            Err(RpcError::new(Kind::Denied, "needs operator.write"))
        );
        assert_eq!(seen, Vec::<Value>::new());
    }

    #[tokio::test]
    async fn params_that_do_not_fit_reach_no_handler() {
        for (method, params, message) in [
            ("session.history", json!({}), "`sessionKey` is missing"),
            (
                "session.history",
                json!({"sessionKey": "agent:main:main", "limit": 0}),
                "limit: a page has 1 to 1000 entries, not 0",
            ),
            (
                "session.history",
                json!({"sessionKey": "../../etc/passwd"}),
                "sessionKey: a session key has the form `agent:<agentId>:<rest>`",
            ),
            (
                "agent.status",
                json!({"agentId": ["main"]}),
                "agentId: expected a string, found an array",
            ),
            ("agent.list", json!({"all": true}), "unknown field `all`"),
            (
                "tools.execute",
                json!({"tool": "ls", "params": []}),
                "params: expected an object, found an array",
            ),
        ] {
            let (outcome, seen) = call(Scope::Admin, method, object(&params)).await;
            let error = outcome.unwrap_err();
            assert_eq!((error.code, error.message.as_str()), (-32602, message));
            assert_eq!(seen, Vec::<Value>::new());
        }
    }

    #[tokio::test]
    async fn no_method_takes_a_field_that_it_does_not_know() {
        for method in METHODS {
            let mut params: Value = serde_json::from_str(method.example.params).unwrap();
            params["unheardOf"] = json!(1);
            let (outcome, seen) = call(Scope::Admin, method.name, object(&params)).await;
            let error = outcome.unwrap_err();
            let expected = "unknown field `unheardOf`";
            assert_eq!((error.code, error.message.as_str()), (-32602, expected));
            assert_eq!(seen, Vec::<Value>::new(), "{}", method.name);
        }
        let file = json!({"kind": "photo", "mime": "image/png", "data": "", "path": "/etc/passwd"});
        let params =
            json!({"sessionKey": "agent:main:main", "content": "x", "attachments": [file]});
        let (outcome, seen) = call(Scope::Admin, "session.message", object(&params)).await;
        let message = outcome.unwrap_err().message;
        assert_eq!(message, "attachments[0]: unknown field `path`");
        assert_eq!(seen, Vec::<Value>::new());
    }

    #[tokio::test]
    async fn looking_for_methods_can_be_refused_like_a_call() {
        struct Tired;
        impl Handlers for Tired {
            type Cx = ();
            type Error = RpcError;

            fn authorize(&self, (): &(), _: &MethodInfo) -> Result<(), RpcError> {
                self.authorize_unknown(&())
            }

            fn authorize_unknown(&self, (): &()) -> Result<(), RpcError> {
                Err(RpcError::new(Kind::Limited, "too many calls"))
            }
        }
        impl<M: Method> Handle<M> for Tired {
            async fn handle(&self, (): &(), _: M::Params) -> Result<M::Output, RpcError> {
                panic!("{} was called", M::NAME)
            }
        }
        for method in ["session.drop", "agent.list", "__proto__"] {
            let outcome = methods::dispatch(&Tired, &(), method, Params::default()).await;
            let error = outcome.unwrap_err();
            assert_eq!(
                error,
                RpcError::new(Kind::Limited, "too many calls"),
                "{method}"
            );
        }
    }

    #[tokio::test]
    async fn an_attachment_that_is_not_base64_is_named_and_not_quoted() {
        let file = json!({"kind": "photo", "mime": "image/png", "data": "sk-secret!"});
        let params =
            json!({"sessionKey": "agent:main:main", "content": "x", "attachments": [file]});
        let error = call(Scope::Admin, "session.message", object(&params))
            .await
            .0
            .unwrap_err();
        assert_eq!(error.data.field.as_deref(), Some("attachments[0].data"));
        assert!(
            error.message.starts_with("attachments[0].data: not base64"),
            "{error}"
        );
        assert!(!error.message.contains("secret"));
    }

    #[tokio::test]
    async fn an_unknown_method_gets_the_names_of_the_known_ones() {
        let error = call(Scope::Admin, "session.drop", Params::default())
            .await
            .0
            .unwrap_err();
        assert_eq!(
            (error.code, error.message.as_str()),
            (-32601, "no method `session.drop`")
        );
        assert!(
            error
                .data
                .hint
                .unwrap()
                .starts_with("call one of session.create, session.message,")
        );
    }

    async fn call_by_position(
        method: &str,
        params: &Value,
    ) -> (Result<String, RpcError>, Vec<Value>) {
        let text = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let Requests::One(Ok(request)) = jsonrpc::parse(text.to_string().as_bytes()) else {
            panic!("the envelope is fine");
        };
        call(Scope::Admin, &request.method, request.params).await
    }

    #[tokio::test]
    async fn params_by_position_stand_for_the_fields_in_their_order() {
        for (method, by_position, by_name) in [
            ("tools.list", json!([]), json!({})),
            (
                "session.history",
                json!(["agent:main:main", 4, 10]),
                json!({"sessionKey": "agent:main:main", "cursor": 4, "limit": 10}),
            ),
            (
                "session.history",
                json!(["agent:main:main", null, 10]),
                json!({"sessionKey": "agent:main:main", "limit": 10}),
            ),
            (
                "session.message",
                json!(["agent:main:main", "hello", null, "once"]),
                json!({"sessionKey": "agent:main:main", "content": "hello", "idempotencyKey": "once"}),
            ),
        ] {
            let (outcome, seen) = call_by_position(method, &by_position).await;
            outcome.unwrap();
            assert_eq!(seen, [by_name], "{method} {by_position}");
        }
    }

    #[tokio::test]
    async fn params_by_position_that_do_not_fit_are_invalid() {
        for (method, params, message) in [
            ("tools.list", json!([1]), "the method takes no params"),
            (
                "session.end",
                json!(["agent:main:main", "done", 3]),
                "3 params are given by position, and the method takes 2",
            ),
            (
                "session.message",
                json!([null, "hello"]),
                "`sessionKey` is missing",
            ),
            (
                "session.message",
                json!(["agent:main:main"]),
                "`content` is missing",
            ),
        ] {
            let (outcome, seen) = call_by_position(method, &params).await;
            let error = outcome.unwrap_err();
            assert_eq!((error.code, error.message.as_str()), (-32602, message));
            assert_eq!(seen, Vec::<Value>::new());
        }
    }

    #[test]
    fn the_positions_are_those_of_the_reference() {
        fn positions<M: Method>() -> (&'static str, Vec<String>) {
            (M::NAME, fields_of::<M>())
        }
        let schema = crate::reference::schema();
        for (name, positions) in [
            positions::<methods::SessionMessage>(),
            positions::<methods::EventsSubscribe>(),
            positions::<methods::ToolsExecute>(),
            positions::<methods::ToolsList>(),
        ] {
            let params = schema["methods"][name]["params"]["$ref"].as_str().unwrap();
            let fields = schema
                .pointer(params.trim_start_matches('#'))
                .unwrap()
                .get("properties");
            let fields = fields.and_then(Value::as_object);
            let fields: Vec<&String> = fields.into_iter().flatten().map(|(key, _)| key).collect();
            assert_eq!(positions.iter().collect::<Vec<_>>(), fields, "{name}");
        }
    }
}

//! `image`: has a model that can see look at a picture.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_core::provenance::Mark;
use openclaw_http::fetch::{Cut, Fetcher};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::web::from_host;
use super::{Effect, Needs, Tool, ToolCx, ToolError, ToolOutput, Touch};
use crate::world::Picture;

/// The most bytes of a picture; what the model APIs take is not more.
const MAX_BYTES: u64 = 5 * 1024 * 1024;
/// The longest question.
const MAX_PROMPT: usize = 8 * 1024;

/// Has a picture of the workspace or of the web looked at.
#[derive(Clone, Debug, Default)]
pub struct ImageTool {
    fetcher: Fetcher,
}

/// The arguments of `image`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageArgs {
    /// A file of the workspace, or an http(s) URL: PNG, JPEG, GIF or WebP.
    image: String,
    /// What to find out; a description, if nothing is asked.
    prompt: Option<String>,
}

impl ImageTool {
    /// Reads pictures of the web by `fetcher`, as far as its other bounds go.
    pub fn new(fetcher: &Fetcher) -> Self {
        let mut bounds = *fetcher.bounds();
        bounds.bytes = usize::try_from(MAX_BYTES).unwrap_or(bounds.bytes);
        Self {
            fetcher: fetcher.clone().with_bounds(bounds),
        }
    }

    /// Returns the bytes of a picture and where they come from, if that is not the workspace.
    async fn bytes(&self, place: &str, cx: &ToolCx) -> Result<(Vec<u8>, Vec<Mark>), ToolError> {
        if !is_of_web(place) {
            return Ok((cx.workspace.read(place, MAX_BYTES).await?, Vec::new()));
        }
        let fetched = self.fetcher.get(place, &cx.stop).await.map_err(|err| {
            let hint = err.hint().map(|hint| format!("; {hint}"));
            ToolError::ForModel(format!("{err}{}", hint.unwrap_or_default()))
        })?;
        let host = fetched.url.host_str().unwrap_or_default();
        match (fetched.cut, fetched.status) {
            (Cut::Whole, 200..300) => Ok((fetched.body.to_vec(), vec![from_host(host)])),
            (Cut::TooLong, 200..300) => {
                let why = format!("the picture has more than {MAX_BYTES} bytes");
                Err(ToolError::ForModel(why))
            }
            (_, status) => Err(ToolError::ForModel(format!(
                "{host} answered with status {status}"
            ))),
        }
    }
}

#[async_trait]
impl Tool for ImageTool {
    const NAME: &'static str = "image";
    const DESCRIPTION: &'static str = "Look at a picture: a file of the workspace or a public URL. \
        Returns in words what a model that can see makes of it, by your prompt.";
    const TOUCH: Touch = Touch::Reads;
    const EFFECT: Effect = Effect::Read;
    const NEEDS: Needs = Needs::Eyes;
    type Args = ImageArgs;

    fn addresses(params: &Value) -> Vec<String> {
        let place = params.get("image").and_then(Value::as_str);
        place
            .filter(|place| is_of_web(place.trim()))
            .map(str::to_owned)
            .into_iter()
            .collect()
    }

    async fn run(&self, args: ImageArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let prompt = args.prompt.unwrap_or_default();
        let prompt = match prompt.trim() {
            "" => "Describe what this picture shows.",
            prompt if prompt.len() > MAX_PROMPT => {
                let why = "`prompt` may have at most 8 KiB";
                return Err(ToolError::ForModel(why.to_owned()));
            }
            prompt => prompt,
        };
        let (bytes, marks) = self.bytes(args.image.trim(), cx).await?;
        let mime = mime(&bytes).ok_or_else(|| {
            let why = "that is no picture that a model can see; PNG, JPEG, GIF and WebP are";
            ToolError::ForModel(why.to_owned())
        })?;
        let picture = Picture {
            mime: mime.to_owned(),
            base64: STANDARD.encode(&bytes),
            prompt: prompt.to_owned(),
            meter: cx.world.meter.clone(),
            stop: cx.stop.clone(),
        };
        let looked = cx.world.doors.look(&cx.caller, picture).await?;
        Ok(ToolOutput {
            result: json!({ "model": looked.model, "text": looked.text }),
            marks,
            calls: looked.calls,
            ..ToolOutput::text("")
        })
    }
}

/// Tells whether a picture is one of the web, and not a file.
fn is_of_web(place: &str) -> bool {
    let lower = place.to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

/// Returns the media type of a picture, by how it begins.
fn mime(bytes: &[u8]) -> Option<&'static str> {
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    match bytes {
        _ if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => Some("image/png"),
        _ if bytes.starts_with(b"\xff\xd8\xff") => Some("image/jpeg"),
        _ if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") => Some("image/gif"),
        _ if is_webp => Some("image/webp"),
        _ => None,
    }
}

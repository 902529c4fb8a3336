//! The method about the gateway's log.

use std::io;

use openclaw_config::LogLevel;
use openclaw_core::Kind;
use openclaw_core::log_files::{LogFiles, LogPage, LogPlace, PageSize};
use openclaw_ipc::methods::{LineLevel, LogLine, LogsTail, LogsTailOutput, LogsTailParams};
use openclaw_ipc::{Handle, RpcError};
use serde_json::{Map, Value};
use tokio::task;

use super::{CallCx, Rpc, logged};
use crate::logs::{self, LEVEL, LogFilter, members};

/// How many bytes of lines are enough for a page.
const ENOUGH: usize = 1 << 20;

/// What is told of a line by itself.
const TIME: &str = "time";
const MODULE: &str = "module";
const MESSAGE: &str = "message";

impl Handle<LogsTail> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: LogsTailParams,
    ) -> Result<LogsTailOutput, RpcError> {
        let place = params.cursor.as_deref().map(place).transpose()?;
        let size = PageSize {
            lines: usize::try_from(params.limit.unwrap_or_default().get()).unwrap_or(usize::MAX),
            bytes: ENOUGH,
        };
        let filter = LogFilter {
            level: params.level.map(level),
            session: params.session_key.map(|key| key.to_string()),
            run: params.run_id.map(|run| run.to_string()),
        };
        let files = self.log_files()?;
        let read = move || page(&files, place, size, &filter);
        let (page, reset) = self.read_log(read).await?;
        Ok(LogsTailOutput {
            lines: page.lines.iter().map(|text| line(text)).collect(),
            next_cursor: page.end.map(|end| end.to_string()),
            more: page.more,
            reset,
        })
    }
}

impl Rpc {
    /// Returns the files that the gateway's log is in.
    pub(crate) fn log_files(&self) -> Result<LogFiles, RpcError> {
        let home = self.home_with("log file")?;
        Ok(logs::files(&home.config.logging, &home.state))
    }

    /// Reads the log off the async threads.
    pub(crate) async fn read_log<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, RpcError> {
        let read = task::spawn_blocking(read).await;
        let read = read.map_err(io::Error::other).flatten();
        read.map_err(|err| logged(&err, Kind::Unavailable, "the log cannot be read"))
    }
}

/// Returns a page, and whether it begins anew.
fn page(
    files: &LogFiles,
    place: Option<LogPlace>,
    size: PageSize,
    filter: &LogFilter,
) -> io::Result<(LogPage, bool)> {
    let wanted = |line: &str| filter.takes(&members(line));
    if let Some(place) = place
        && let Some(page) = files.page_after(place, size, wanted)?
    {
        return Ok((page, false));
    }
    Ok((files.last_page(size, wanted)?, place.is_some()))
}

fn place(cursor: &str) -> Result<LogPlace, RpcError> {
    cursor.parse().map_err(|_no_place| {
        RpcError::new(Kind::Invalid, "the cursor is none of this log's")
            .with_field("cursor")
            .with_hint("pass the `nextCursor` of an earlier answer, or leave it out")
    })
}

const fn level(level: LineLevel) -> LogLevel {
    match level {
        LineLevel::Error => LogLevel::Error,
        LineLevel::Warn => LogLevel::Warn,
        LineLevel::Info => LogLevel::Info,
        LineLevel::Debug => LogLevel::Debug,
        LineLevel::Trace => LogLevel::Trace,
    }
}

fn line(text: &str) -> LogLine {
    let mut fields = members(text);
    if fields.is_empty() {
        return LogLine {
            time: None,
            level: None,
            module: None,
            message: text.to_owned(),
            fields,
        };
    }
    LogLine {
        time: taken(&mut fields, TIME),
        level: taken(&mut fields, LEVEL),
        module: taken(&mut fields, MODULE),
        message: taken(&mut fields, MESSAGE).unwrap_or_default(),
        fields,
    }
}

fn taken(fields: &mut Map<String, Value>, name: &str) -> Option<String> {
    match fields.remove(name)? {
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

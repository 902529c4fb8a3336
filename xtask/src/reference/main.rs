//! Writes every reference page into the folder that is named on the command line.
//!
//! `cargo xtask codegen` builds and runs this program; it stands apart because it links the crates
//! that it describes, which takes far longer to compile than all other chores together.
#![forbid(unsafe_code)]

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

/// One page: its file name and what writes it.
struct Page {
    name: &'static str,
    text: fn() -> String,
}

const PAGES: &[Page] = &[
    Page {
        name: "rpc.md",
        text: openclaw_ipc::reference::markdown,
    },
    Page {
        name: "openclaw.d.ts",
        text: openclaw_ipc::reference::typescript,
    },
    Page {
        name: "rpc.schema.json",
        text: || format!("{:#}\n", openclaw_ipc::reference::schema()),
    },
];

#[expect(
    clippy::print_stderr,
    reason = "the program is run by `cargo xtask codegen`, which shows this"
)]
fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: xtask-reference FOLDER");
        return ExitCode::from(2);
    };
    let written = fs::create_dir_all(&folder).and_then(|()| {
        PAGES
            .iter()
            .try_for_each(|page| fs::write(folder.join(page.name), (page.text)()))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("cannot write into {}: {err}", folder.display());
            ExitCode::FAILURE
        }
    }
}

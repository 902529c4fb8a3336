//! Every recorded answer of `fixtures/sse`, decoded whole and in pieces.

use std::path::{Path, PathBuf};
use std::{fs, thread};

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::event::StreamEvent;
use crate::fold::{Completion, Fold};
use crate::request::Request;
use crate::wire::{Decode, Party, Pipe};
use crate::{PROVIDERS, Reach};
use crate::{anthropic, google, ollama, openai, responses};

/// What came of an answer: what was streamed, and what it adds up to.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<StreamEvent>,
    pub(crate) result: Result<Completion, String>,
}

/// One wire format with its recorded answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api {
    pub(crate) name: &'static str,
    pub(crate) decode: fn(&[&[u8]]) -> Outcome,
}

pub(crate) const APIS: &[Api] = &[
    Api {
        name: "anthropic-messages",
        decode: |pieces| decode(pieces, anthropic::decode::Decoder::new(&request())),
    },
    Api {
        name: "openai-completions",
        decode: |pieces| decode(pieces, openai::decode::Decoder::new(&request())),
    },
    Api {
        name: "openai-responses",
        decode: |pieces| decode(pieces, responses::decode::Decoder::new(&request())),
    },
    Api {
        name: "google-generative-ai",
        decode: |pieces| decode(pieces, google::decode::Decoder::new(&request())),
    },
    Api {
        name: "ollama",
        decode: |pieces| decode(pieces, ollama::decode::Decoder::new(&request())),
    },
];

impl Api {
    /// Returns the files of this API, and those of Azure that are in the same format.
    pub(crate) fn files(self) -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sse");
        let azure = format!("azure-{}", self.name);
        let files = [self.name, &azure]
            .into_iter()
            .filter_map(|name| fs::read_dir(folder.join(name)).ok())
            .flatten();
        let mut files = files.map(|file| file.unwrap().path()).collect::<Vec<_>>();
        files.sort();
        assert!(!files.is_empty(), "no answers of {}", self.name);
        files
    }
}

fn request() -> Request {
    Request {
        model: "asked-for".into(),
        ..Request::default()
    }
}

fn decode(pieces: &[&[u8]], decoder: impl Decode) -> Outcome {
    let party = Party { id: "test".into() };
    let mut pipe = Pipe::new(party, decoder);
    let mut events = Vec::new();
    let mut fold = Fold::new("test".into());
    let mut take = |pipe: &mut Pipe<_>| {
        while let Some(event) = pipe.pop()? {
            fold.push(&event)?;
            events.push(event);
        }
        Ok(())
    };
    let streamed = pieces.iter().try_for_each(|piece| {
        if !pipe.is_finished() {
            pipe.push(piece);
        }
        take(&mut pipe)
    });
    let streamed = streamed.and_then(|()| {
        if !pipe.is_finished() {
            pipe.end();
        }
        take(&mut pipe)
    });
    let result = streamed.and_then(|()| fold.finish());
    Outcome {
        events,
        result: result.map_err(|error| format!("{error:?}")),
    }
}

/// Cuts bytes at these places.
pub(crate) fn pieces<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let cuts = cuts.iter().map(|cut| cut.index(bytes.len() + 1));
    let mut cuts = cuts.chain([bytes.len()]).collect::<Vec<_>>();
    cuts.sort_unstable();
    let mut from = 0;
    let pieces = cuts.into_iter().map(|to| {
        let piece = &bytes[from..to];
        from = to;
        piece
    });
    pieces.collect()
}

#[test]
fn every_api_over_http_has_its_decoder_here() {
    for spec in PROVIDERS.iter().filter(|spec| spec.reach == Reach::Http) {
        let format = spec.api.strip_prefix("azure-").unwrap_or(spec.api);
        let here = APIS.iter().any(|api| api.name == format);
        assert!(here, "no decoder of {format} in fixtures.rs");
    }
}

#[test]
fn every_answer_is_decoded_as_recorded() {
    for api in APIS {
        for file in api.files() {
            let bytes = fs::read(&file).unwrap();
            let folder = file.parent().unwrap().file_name().unwrap();
            let (folder, name) = (folder.display(), file.file_stem().unwrap().display());
            let outcome = (api.decode)(&[&bytes]);
            insta::assert_debug_snapshot!(format!("{folder}__{name}"), outcome.result);
        }
    }
}

#[test]
fn every_answer_is_the_same_for_every_cut_in_two_and_for_single_bytes() {
    thread::scope(|scope| {
        for api in APIS {
            scope.spawn(|| {
                for file in api.files() {
                    let bytes = fs::read(&file).unwrap();
                    let whole = (api.decode)(&[&bytes]);
                    for at in 0..=bytes.len() {
                        let (head, tail) = bytes.split_at(at);
                        assert_eq!((api.decode)(&[head, tail]), whole, "{file:?} cut at {at}");
                    }
                    let single = bytes.chunks(1).collect::<Vec<_>>();
                    assert_eq!((api.decode)(&single), whole, "{file:?} byte by byte");
                }
            });
        }
    });
}

proptest! {
    #[test]
    fn every_answer_is_the_same_for_any_cuts(
        (api, file) in select(APIS).prop_flat_map(|api| (Just(api), select(api.files()))),
        cuts in prop::collection::vec(any::<Index>(), 0..40),
    ) {
        let bytes = fs::read(file).unwrap();
        prop_assert_eq!((api.decode)(&pieces(&bytes, &cuts)), (api.decode)(&[&bytes]));
    }
}

//! Every recorded answer of `fixtures/sse`, decoded whole and in pieces.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::event::StreamEvent;
use crate::fold::{Completion, Fold};
use crate::request::Request;
use crate::wire::{Decode, Party, Pipe};
use crate::{anthropic, openai};

/// What came of an answer: what was streamed, and what it adds up to.
#[derive(Debug, PartialEq)]
struct Outcome {
    events: Vec<StreamEvent>,
    result: Result<Completion, String>,
}

/// One API with its recorded answers.
#[derive(Clone, Copy, Debug)]
struct Api {
    name: &'static str,
    decode: fn(&[&[u8]]) -> Outcome,
}

const APIS: [Api; 2] = [
    Api {
        name: "anthropic-messages",
        decode: |pieces| decode(pieces, anthropic::decode::Decoder::new(&request())),
    },
    Api {
        name: "openai-completions",
        decode: |pieces| decode(pieces, openai::decode::Decoder::new(&request())),
    },
];

impl Api {
    fn files(self) -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sse");
        let entries = fs::read_dir(folder.join(self.name)).unwrap();
        let mut files = entries
            .map(|entry| entry.unwrap().path())
            .collect::<Vec<_>>();
        files.sort();
        assert!(!files.is_empty());
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

#[test]
fn every_answer_is_decoded_as_recorded() {
    for api in APIS {
        for file in api.files() {
            let bytes = fs::read(&file).unwrap();
            let name = file.file_stem().unwrap().to_str().unwrap();
            let outcome = (api.decode)(&[&bytes]);
            insta::assert_debug_snapshot!(format!("{}__{name}", api.name), outcome.result);
        }
    }
}

#[test]
fn every_answer_is_the_same_for_every_cut_in_two() {
    for api in APIS {
        for file in api.files() {
            let bytes = fs::read(&file).unwrap();
            let whole = (api.decode)(&[&bytes]);
            for at in 0..=bytes.len() {
                let (head, tail) = bytes.split_at(at);
                assert_eq!((api.decode)(&[head, tail]), whole, "{file:?} cut at {at}");
            }
        }
    }
}

proptest! {
    #[test]
    fn every_answer_is_the_same_for_any_cuts(
        (api, file) in select(APIS.to_vec()).prop_flat_map(|api| (Just(api), select(api.files()))),
        cuts in prop::collection::vec(any::<Index>(), 0..40),
    ) {
        let bytes = fs::read(file).unwrap();
        let mut cuts = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect::<Vec<_>>();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut rest = bytes.as_slice();
        let mut from = 0;
        for cut in cuts {
            let (piece, after) = rest.split_at(cut - from);
            pieces.push(piece);
            rest = after;
            from = cut;
        }
        pieces.push(rest);
        prop_assert_eq!((api.decode)(&pieces), (api.decode)(&[&bytes]));
    }
}

//! What the keys show within words of everyday text, by the page's own model, against a search through every spelling.

use std::path::Path;

use headlight::checkpoint::loader::Loader;
use headlight::checkpoint::manifest::Manifest;
use headlight::model::Model;
use headlight::session::{Kind, Search, Session, Settings};
use headlight::suggest::cut::Cut;
use headlight::suggest::letters::Letters;
use headlight::tokenizer::Tokenizer;

use super::brute::Brute;
use super::{SHOWN, drawn};
use crate::tokenizer::TOKENIZER;

/// Cuts that are tried; as many as the environment variable says if it is set.
const CUTS: usize = 100;
const VARIABLE: &str = "HEADLIGHT_CUTS";

/// The model of the page.
fn built_in() -> (Model, Tokenizer) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/models/built-in");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let mut loader = Loader::from_manifest(&Manifest::from_json(&read("manifest.json")).unwrap()).unwrap();
    let files: Vec<String> = loader.files().map(|file| file.name.clone()).collect();
    for file in files {
        loader.begin(&file, false).unwrap();
        loader.push(&read(&file)).unwrap();
        loader.end().unwrap();
    }
    let (model, tokenizer, _) = loader.finish().unwrap();
    (model, tokenizer.unwrap())
}

#[test]
fn the_keys_complete_words_as_if_every_spelling_had_been_tried() {
    let (model, tokenizer) = built_in();
    let mut session = Session::new(model, tokenizer).unwrap();
    let model = built_in().0;
    let settings = Settings { count: SHOWN, corrections: false, personal: 0.0, filter: false, ..Settings::default() };
    let (mut state, mut tokens) = (model.start(), Vec::new());
    let (mut checked, mut cut_short) = (0, 0);
    let count = std::env::var(VARIABLE).map_or(CUTS, |count| count.parse().unwrap());
    for word in drawn(count) {
        let Cut { base, given } = Cut::new(word[0]);
        // As the base is split when a letter comes after it.
        let mut of_base = TOKENIZER.encode(&[base, if given.starts_with(' ') { " a" } else { "a" }].concat()).unwrap();
        of_base.pop();
        if of_base.is_empty() {
            of_base.push(TOKENIZER.end_of_text());
        }
        let common = of_base.iter().zip(&tokens).take_while(|(a, b)| a == b).count().min(of_base.len() - 1);
        state.truncate(common);
        model.forward(&mut state, &of_base[common..]).unwrap();
        tokens = of_base;
        let root = model.logits(&mut state, 1);
        let mut brute = Brute::new(|way: &[u32]| {
            if way.is_empty() {
                return root.clone();
            }
            let mut state = state.fork();
            model.forward(&mut state, way).unwrap();
            model.logits(&mut state, 1)
        });
        for text in word {
            session.begin_words(text, settings).unwrap();
            while session.search().unwrap() != Search::Done {}
            let words = session.words();
            checked += 1;
            if !words.settled {
                cut_short += 1;
                continue;
            }
            let found: Vec<(String, f64)> = words
                .suggestions
                .iter()
                .map(|one| (Cut::new(text).given.to_owned() + &one.insert, one.unconditional))
                .collect();
            let found: Vec<(&str, f64)> = found.iter().map(|(text, probability)| (&**text, *probability)).collect();
            brute.check(base.chars().next_back(), &Letters::meant_by(Cut::new(text).given), &found);
        }
    }
    println!("{cut_short} of {checked} searches were cut short");
    assert!(checked == count && 20 * cut_short <= checked, "{cut_short} of {checked} searches were cut short");
}

#[test]
fn words_of_any_script_have_suggestions_of_whole_characters() {
    let (model, tokenizer) = built_in();
    let mut session = Session::new(model, tokenizer).unwrap();
    let settings = Settings::default();
    for text in ["नमस्ते दुनिया", "मैं घर जा", "Здравствуйте", "Γειά σου", "שלום", "สวัสดี"]
    {
        for (at, c) in text.char_indices() {
            let text = &text[..at + c.len_utf8()];
            session.begin_words(text, settings).unwrap();
            while session.search().unwrap() != Search::Done {}
            let suggestions = session.words().suggestions;
            assert_eq!(suggestions.len(), SHOWN, "after {text:?}: {suggestions:?}");
            assert!(suggestions.iter().all(|one| !one.insert.is_empty() && !one.insert.contains('\u{fffd}')));
        }
    }
}

#[test]
fn an_apostrophe_as_phones_type_it_ends_no_word() {
    let (model, tokenizer) = built_in();
    let mut session = Session::new(model, tokenizer).unwrap();
    let mut inserted = |text: &str| {
        session.begin_words(text, Settings::default()).unwrap();
        while session.search().unwrap() != Search::Done {}
        let suggestions = session.words().suggestions;
        suggestions.into_iter().filter(|one| one.kind == Kind::Word).map(|one| one.insert).collect::<Vec<_>>()
    };
    for (straight, curly) in [("I don'", "I don’"), ("I can't believe that she won'", "I can’t believe that she won’")]
    {
        assert_eq!(inserted(straight)[0], "t");
        assert_eq!(inserted(curly)[0], "t");
    }
}

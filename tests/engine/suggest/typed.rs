//! What the keys show within words of everyday text, by the page's own model, against a search through every spelling.

use std::path::Path;

use headlight::checkpoint::loader::Loader;
use headlight::checkpoint::manifest::Manifest;
use headlight::model::Model;
use headlight::sample::Random;
use headlight::session::{Kind, Search, Session, Settings, Words};
use headlight::suggest::cut::Cut;
use headlight::suggest::letters::Letters;
use headlight::tokenizer::Tokenizer;

use super::brute::Brute;
use super::{SHOWN, drawn};
use crate::tokenizer::TOKENIZER;

/// Cuts that are tried; as many as the environment variable says if it is set.
const CUTS: usize = 100;
/// Passes of a search that nobody waits for, as in `www/js/page/write.js`.
const THOROUGH: usize = 128;
const VARIABLE: &str = "HEADLIGHT_CUTS";

/// The model of the page.
fn built_in() -> (Model, Tokenizer) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/models/built-in");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let mut loader = Loader::from_manifest(&Manifest::from_json(&read("manifest.json")).unwrap());
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
    let (mut checked, mut later, mut cut_short) = (0, 0, 0);
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
            if !session.words().settled {
                // As the page does with the time that a person leaves it.
                later += 1;
                session.begin_words(text, Settings { passes: THOROUGH, ..settings }).unwrap();
                while session.search().unwrap() != Search::Done {}
            }
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
            brute.check(base.chars().next_back(), &Letters::meant_by(Cut::new(text).given, text), &found);
        }
    }
    println!("of {checked} searches {later} took longer than an answer waits for, {cut_short} were cut short");
    assert!(
        checked == count && 20 * later <= checked && 33 * cut_short <= checked,
        "{later}, {cut_short} of {checked}"
    );
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

/// What three keys show, as the page has them: each a whole word with its probability, once it is told.
#[derive(Default)]
struct Keys([Option<(String, f64)>; SHOWN]);

impl Keys {
    /// The words that go on with what is given, by key.
    fn agreeing(&self, given: &str) -> Vec<(usize, String, f64)> {
        let left = |(key, of_key): (usize, &Option<(String, f64)>)| {
            let (word, probability) = of_key.as_ref()?;
            let left = word.strip_prefix(given).filter(|left| !left.is_empty())?;
            Some((key, left.to_owned(), *probability))
        };
        self.0.iter().enumerate().filter_map(left).collect()
    }

    /// Shows what is sure, or all of it: what agrees stays, and the others take the other keys.
    fn show(&mut self, given: &str, words: &Words, all: bool) {
        let agreeing = self.agreeing(given);
        let mut keys: [Option<(String, f64)>; SHOWN] = Default::default();
        let mut others = Vec::new();
        for (index, word) in words.suggestions.iter().enumerate().filter(|(_, word)| word.kind == Kind::Word) {
            let content = Some((given.to_owned() + &word.insert, word.probability));
            match agreeing.iter().find(|(_, left, _)| *left == word.insert) {
                Some(&(key, ..)) => keys[key] = content,
                None if all || index < words.sure => others.push(content),
                None => {}
            }
        }
        let mut others = others.into_iter();
        keys.iter_mut().filter(|key| key.is_none()).for_each(|key| *key = others.next().flatten());
        self.0 = keys;
    }
}

#[test]
fn letters_that_agree_leave_every_suggestion_on_its_key() {
    let (model, tokenizer) = built_in();
    let mut session = Session::new(model, tokenizer).unwrap();
    let count = std::env::var(VARIABLE).map_or(4 * CUTS, |count| count.parse().unwrap());
    let mut random = Random::new(2);
    let (mut stayed, mut same) = (0, 0);
    for (number, word) in drawn(count).into_iter().enumerate() {
        let corrections = number % 2 == 0;
        let personal = if number % 3 == 0 { 0.1 } else { 0.0 };
        let settings = Settings { corrections, personal, filter: false, ..Settings::default() };
        let mut keys = Keys::default();
        let mut has_correction = false;
        // A search that a quick typist cuts short, and one that went on beforehand.
        let (is_quick, is_foreseen) = (random.next_unit() < 0.3, random.next_unit() < 0.3);
        for text in &word {
            let given = Cut::new(text).given;
            let agreeing = keys.agreeing(given);
            let letter = text.chars().next_back().unwrap();
            let foreseen = session.words_after(letter).filter(|_| !is_quick && !agreeing.is_empty());
            session.begin_words(text, settings).unwrap();
            session.keep(&agreeing.iter().map(|(_, left, _)| left.clone()).collect::<Vec<_>>());
            // Nothing is computed before the search, so this takes no pass of the model.
            let early = session.words();
            if let Some(foreseen) = foreseen {
                assert_eq!(foreseen, early, "{text:?}");
                same += 1;
            }
            keys.show(given, &early, false);
            let at_once = keys.agreeing(given);
            assert_eq!(at_once.len(), agreeing.len().max(at_once.len()));
            let had_correction = std::mem::replace(&mut has_correction, holds_correction(&early));
            let mut factors = Vec::new();
            for (key, left, before) in &agreeing {
                let now = at_once.iter().find(|(at, now, _)| (at, now) == (key, left));
                let (_, _, now) = now.unwrap_or_else(|| panic!("{left:?} left key {key} after {text:?}"));
                factors.push(now / before);
                stayed += 1;
            }
            // Shares of what is still possible: all of them grow alike.
            let alike = |factor: &f64| (factor / factors[0] - 1.0).abs() < 1e-9;
            assert!(is_quick || factors.iter().all(alike), "{factors:?} after {text:?}");
            let none_is_corrected = !is_quick && !had_correction && !has_correction;
            let grew = factors.iter().all(|&factor| factor > 1.0 - 1e-9);
            assert!(!none_is_corrected || grew, "{factors:?} after {text:?}");
            let steps = if is_quick { (4.0 * random.next_unit()) as usize } else { usize::MAX };
            let mut done = false;
            for _ in 0..steps {
                done = session.search().unwrap() == Search::Done;
                keys.show(given, &session.words(), done);
                if done {
                    break;
                }
            }
            let at_last = keys.agreeing(given);
            for (key, left, early) in &at_once {
                let late = at_last.iter().find(|(at, now, _)| (at, now) == (key, left));
                let (_, _, late) =
                    late.unwrap_or_else(|| panic!("{left:?} left key {key} while {text:?} was searched"));
                // With more spellings the letters are somewhat more probable than was known.
                let same = (late / early - 1.0).abs() < 0.05;
                assert!(same || corrections || is_quick, "{left:?} after {text:?}: {early}, then {late}");
            }
            has_correction = holds_correction(&session.words());
            let next: Vec<char> = session.next_letters();
            for letter in next.into_iter().filter(|_| done && is_foreseen) {
                while session.search_after(letter).unwrap() != Search::Done {}
            }
        }
        session.learn(Cut::new(word[0]).base, word[word.len() - 1], true);
    }
    assert!(stayed > count / 2 && same > count / 8, "{stayed} and {same} of {count}");
}

fn holds_correction(words: &Words) -> bool {
    words.suggestions.iter().any(|word| word.kind == Kind::Correction)
}

#[test]
fn slips_are_corrected_in_several_tokens_and_in_their_case() {
    let (model, tokenizer) = built_in();
    let mut session = Session::new(model, tokenizer).unwrap();
    for (text, meant) in [
        ("It was teh", "the"),
        ("I dont", "don't"),
        ("I don’t know why you dont", "don’t"),
        ("We will accomodate", "accommodate"),
        ("This is neccessary", "necessary"),
        ("Goverment", "Government"),
        ("she lives in lond", "London"),
    ] {
        session.begin_words(text, Settings::default()).unwrap();
        while session.search().unwrap() != Search::Done {}
        let corrections: Vec<_> =
            session.words().suggestions.into_iter().filter(|one| one.kind == Kind::Correction).collect();
        assert_eq!(corrections.len(), 1, "{text:?}");
        let typed = Cut::new(text).typed();
        assert_eq!((&*corrections[0].text, corrections[0].replace), (meant, typed.len()), "{text:?}");
    }
}

#[test]
fn apostrophes_are_as_they_were_typed() {
    let (model, tokenizer) = built_in();
    let mut session = Session::new(model, tokenizer).unwrap();
    let texts = |session: &mut Session, text: &str, keep: &[String]| {
        session.begin_words(text, Settings::default()).unwrap();
        session.keep(keep);
        while session.search().unwrap() != Search::Done {}
        session.words().suggestions.into_iter().map(|one| one.text).collect::<Vec<_>>()
    };
    assert_eq!(texts(&mut session, "I don", &[])[0], "don't");
    assert_eq!(texts(&mut session, "I don’", &["t".to_owned()])[0], "don’t");
    assert_eq!(texts(&mut session, "I don’t think that I can’t and I don", &[])[0], "don’t");
    // Both, and what a further one would bring.
    for text in ["I don’t", "I don't", "I don’t'", "I don't’", "I ‘don't’", "I don’'", "DON’T'V"] {
        session.begin_words(text, Settings::default()).unwrap();
        while session.search().unwrap() != Search::Done {}
        for letter in session.next_letters() {
            while session.search_after(letter).unwrap() != Search::Done {}
            assert!(session.words_after(letter).is_some());
        }
        assert!(session.words().suggestions.iter().all(|one| !one.insert.is_empty()));
    }
}

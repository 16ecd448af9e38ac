//! Words that a keyboard had better not suggest by itself. They can be typed, and with the filter off they are suggested.

/// One word a line, in lower case; lines that begin with # say what this is.
const LIST: &str = include_str!("offensive.txt");

/// Whether a word is on the list, whatever its case.
pub fn is_offensive(word: &str) -> bool {
    let word = normalised(word);
    LIST.lines().any(|line| !line.starts_with('#') && line == word)
}

/// A word as it is compared: in lower case, without what stands around it or after an apostrophe.
pub fn normalised(word: &str) -> String {
    let trimmed = word.trim_matches(|c: char| !c.is_alphanumeric());
    let end = trimmed.find(['\'', '’']).unwrap_or(trimmed.len());
    trimmed[..end].to_lowercase()
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn whole_words_are_compared() {
        for word in ["shit", " Shit", "\"SHIT", "bitch's"] {
            assert!(is_offensive(word), "{word}");
        }
        for word in ["", "#", "shitake", "class", "Scunthorpe", "assess", "cocktail", "# one word a line"] {
            assert!(!is_offensive(word), "{word}");
        }
    }

    #[test]
    fn the_list_is_as_it_is_compared() {
        let words: Vec<&str> = LIST.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(words.len() > 40);
        for word in &words {
            assert_eq!(normalised(word), **word);
        }
        assert!(words.is_sorted() && words.windows(2).all(|pair| pair[0] != pair[1]));
    }
}

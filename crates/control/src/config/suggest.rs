//! The word that was probably meant.

/// Likeness (Jaro and Winkler, 0 to 1) from which a word is taken for a slip of another.
const LIKENESS: f64 = 0.8;

/// `  (did you mean "word"?)` with the known word that is most like the unknown one, or nothing.
pub(crate) fn did_you_mean<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> String {
    // names are short; the comparison costs the product of both lengths
    if unknown.len() > 64 {
        return String::new();
    }
    let unknown = unknown.to_lowercase();
    // s1 is no slip of s2
    let may_be_meant = |word: &str| word == unknown || without_digits(word) != without_digits(&unknown);
    let known = known.map(|word| (word, word.to_lowercase())).filter(|(_, lower)| may_be_meant(lower));
    let nearest = known.map(|(word, lower)| (likeness(&unknown, &lower), word));
    let nearest = nearest.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)));
    match nearest {
        Some((likeness, word)) if likeness >= LIKENESS => format!(" (did you mean \"{word}\"?)"),
        _ => String::new(),
    }
}

fn without_digits(word: &str) -> String {
    word.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn likeness(unknown: &str, word: &str) -> f64 {
    let one_slip = unknown.len() > 2 && strsim::osa_distance(unknown, word) == 1;
    let likeness = strsim::jaro_winkler(unknown, word);
    if one_slip { likeness.max(LIKENESS) } else { likeness }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let known = ["name", "address", "weight", "state", "interface", "mac"];
        let hint = |word| did_you_mean(word, known.into_iter());
        assert_eq!(hint("wieght"), " (did you mean \"weight\"?)");
        assert_eq!(hint("adress"), " (did you mean \"address\"?)");
        assert_eq!(hint("Interface"), " (did you mean \"interface\"?)");
        assert_eq!(hint("mca"), " (did you mean \"mac\"?)");
        assert_eq!(hint("MAC"), " (did you mean \"mac\"?)");
        assert_eq!(did_you_mean("eth2", ["eth1", "eth11"].into_iter()), "");
        assert_eq!(hint("colour"), "");
        assert_eq!(hint(""), "");
        assert_eq!(did_you_mean("weight", std::iter::empty()), "");
        assert_eq!(hint(&"weight".repeat(50)), "");
    }
}

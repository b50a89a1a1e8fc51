//! Which published setup key a typed one resembles, and where the two differ.
//!
//! No two published keys share a group at the same place, and the two nearest differ in 17 of 25
//! characters: whatever shares a whole group or most characters with one was copied from it. What
//! resembles none may be a secret key of somebody's, and must not be shown or kept.

use std::collections::BTreeSet;

use super::gvlk;

/// Characters of a key without its hyphens.
const LENGTH: usize = 25;
/// Characters of a group.
const GROUP: usize = 5;
/// Characters missing or too many with which a text still counts as a key.
const SLIP: usize = 3;
/// Equal places from which a typed key resembles a published one: by chance there are one or two.
const EQUAL: usize = 10;
/// Steps of typing (a character more, less or other) that may lie between the two otherwise.
const STEPS: usize = 8;

/// What a typed text is, seen as a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// No key at all: words to search for.
    Words,
    /// A published key, letter by letter.
    Published(&'static str),
    /// Close to a published key.
    Near(Near),
    /// A key, or the beginning of one, that isn't published and resembles none. Perhaps a secret.
    Unknown {
        /// Its last five characters, if it is whole.
        last_five: String,
    },
}

/// A typed key beside the published one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Near {
    /// The published key.
    pub key: &'static str,
    /// What was typed, in groups.
    pub typed: Vec<Vec<Mark>>,
    /// The published key, in groups.
    pub published: Vec<Vec<Mark>>,
    /// What differs, a sentence a group.
    pub differences: Vec<String>,
}

/// A character, and whether it differs from the other key's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The character.
    pub character: char,
    /// Whether it differs.
    pub differs: bool,
}

/// A typed character beside a published one; none where the other side has one more.
type Pair = (Option<char>, Option<char>);

/// Looks at what was typed.
pub fn look(text: &str) -> Typed {
    let groups = groups(text);
    let letters: String = groups.concat();
    let whole = letters.len().abs_diff(LENGTH) <= SLIP;
    if !(whole && is_whole_key(&groups, &letters) || is_begun(text, &groups)) {
        return Typed::Words;
    }
    let published: BTreeSet<&'static str> = gvlk::all().iter().map(|row| row.key.as_str()).collect();
    let plain = |key: &str| key.replace('-', "");
    if let Some(key) = published.iter().copied().find(|key| plain(key) == letters) {
        return Typed::Published(key);
    }
    // A published key not yet typed to its end is searched for like words, a wrong one too.
    if !whole {
        let begins = published.iter().any(|key| shares_group(&groups, key) || plain(key).starts_with(&letters));
        return if begins { Typed::Words } else { Typed::Unknown { last_five: String::new() } };
    }
    let nearest = published.into_iter().max_by_key(|key| equal(&letters, &plain(key)));
    let near = nearest.filter(|key| shares_group(&groups, key) || equal(&letters, &plain(key)) >= EQUAL);
    let near = near.or_else(|| by_steps(&letters));
    match near {
        Some(key) => Typed::Near(compare(&letters, key)),
        None => Typed::Unknown { last_five: letters[letters.len() - GROUP..].to_owned() },
    }
}

/// The text's groups: upper case, between any kind of dash or space. Long dashes come from word
/// processors and are a cause of 0xC004F050.
fn groups(text: &str) -> Vec<String> {
    let upper = text.trim().to_uppercase();
    let dash = |c: char| c.is_whitespace() || matches!(c, '-' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    upper.split(dash).filter(|group| !group.is_empty()).map(str::to_owned).collect()
}

/// Groups of five mostly, or one long word with digits in it: nothing that names a product.
fn is_whole_key(groups: &[String], letters: &str) -> bool {
    let of_five = groups.iter().filter(|group| group.len() == GROUP).count();
    let shape = match groups {
        [_] => letters.contains(|c: char| c.is_ascii_digit()),
        _ => of_five >= 3 && (4..=6).contains(&groups.len()),
    };
    shape && letters.chars().all(|c| c.is_ascii_alphanumeric())
}

/// A key under way: at least one group of five and a hyphen after it.
fn is_begun(text: &str, groups: &[String]) -> bool {
    let plain = text.trim().chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    plain
        && text.contains('-')
        && groups.len() >= 2
        && groups
            .split_last()
            .is_some_and(|(last, before)| last.len() <= GROUP && before.iter().all(|group| group.len() == GROUP))
        && groups.concat().contains(|c: char| c.is_ascii_digit())
}

fn equal(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).filter(|(a, b)| a == b).count()
}

fn shares_group(groups: &[String], key: &str) -> bool {
    groups.iter().zip(key.split('-')).any(|(typed, published)| typed == published)
}

/// The nearest key by steps of typing: finds one whose characters have all moved by one.
fn by_steps(letters: &str) -> Option<&'static str> {
    let nearest = gvlk::all().iter().map(|row| (steps(letters, &row.key.replace('-', "")), row.key.as_str())).min()?;
    (nearest.0 <= STEPS).then_some(nearest.1)
}

fn steps(typed: &str, published: &str) -> usize {
    align(typed, published).iter().filter(|(a, b)| a != b).count()
}

/// The two side by side: the same place where both have as many characters, else the fewest steps
/// of typing apart.
fn compare(letters: &str, key: &'static str) -> Near {
    let plain = key.replace('-', "");
    let pairs: Vec<Pair> = if letters.len() == LENGTH {
        letters.chars().map(Some).zip(plain.chars().map(Some)).collect()
    } else {
        align(letters, &plain)
    };
    let marks = |side: fn(&Pair) -> Option<char>| {
        let marks: Vec<Mark> = pairs
            .iter()
            .filter_map(|pair| side(pair).map(|character| Mark { character, differs: pair.0 != pair.1 }))
            .collect();
        marks.chunks(GROUP).map(<[Mark]>::to_vec).collect::<Vec<_>>()
    };
    let typed = marks(|pair| pair.0);
    let published = marks(|pair| pair.1);
    Near { key, differences: differences(letters.len(), &typed, &published), typed, published }
}

fn differences(length: usize, typed: &[Vec<Mark>], published: &[Vec<Mark>]) -> Vec<String> {
    let mut sentences = Vec::new();
    if length != LENGTH {
        sentences.push(format!("It has {length} characters, a key has {LENGTH}."));
    }
    for (at, group) in published.iter().enumerate() {
        let own = typed.get(at).map_or(&[][..], Vec::as_slice);
        if !group.iter().chain(own).any(|mark| mark.differs) {
            continue;
        }
        let text = |marks: &[Mark]| marks.iter().map(|mark| mark.character).collect::<String>();
        let places: Vec<String> = (1..).zip(group).filter(|(_, m)| m.differs).map(|(n, _)| n.to_string()).collect();
        let places = match places.as_slice() {
            [] => String::new(),
            [one] => format!(" (character {one})"),
            [rest @ .., last] => format!(" (characters {} and {last})", rest.join(", ")),
        };
        sentences.push(format!("Group {}: {} was typed, {} is published{places}.", at + 1, text(own), text(group)));
    }
    sentences
}

/// Edit distance with its way: pairs of characters, a gap where one side has none.
fn align(typed: &str, published: &str) -> Vec<Pair> {
    let (a, b): (Vec<char>, Vec<char>) = (typed.chars().collect(), published.chars().collect());
    let mut cost = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            cost[i][j] = match (i, j) {
                (0, n) | (n, 0) => n,
                _ => {
                    let other = usize::from(a[i - 1] != b[j - 1]);
                    (cost[i - 1][j - 1] + other).min(cost[i - 1][j] + 1).min(cost[i][j - 1] + 1)
                }
            };
        }
    }
    let (mut i, mut j) = (a.len(), b.len());
    let mut pairs = Vec::new();
    while i > 0 || j > 0 {
        if i > 0 && j > 0 && cost[i][j] == cost[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]) {
            (i, j) = (i - 1, j - 1);
            pairs.push((Some(a[i]), Some(b[j])));
        } else if i > 0 && cost[i][j] == cost[i - 1][j] + 1 {
            i -= 1;
            pairs.push((Some(a[i]), None));
        } else {
            j -= 1;
            pairs.push((None, Some(b[j])));
        }
    }
    pairs.reverse();
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(text: &str) -> Near {
        match look(text) {
            Typed::Near(near) => near,
            other => panic!("{text}: {other:?}"),
        }
    }

    /// DOMAIN §4: five of the eight rows of S002's table are wrong, and which key each was copied from.
    #[test]
    fn s002_wrong_keys_are_traced_to_the_published_ones() {
        for (wrong, right) in [
            ("W269N-WFGWX-YVC9B-4J6C9-T83GV", "W269N-WFGWX-YVC9B-4J6C9-T83GX"),
            ("VDYBN-N2PY6-NQRQ9-KHSDM-2DQWJ", "VDYBN-27WPP-V4HQT-9VMD4-VMK7H"),
            ("WX4NM-KYWYW-QJJCY-PF3GW-KHQST", "WX4NM-KYWYW-QJJR4-XV3QB-6VM33"),
            ("WMDGN-G9PQG-XVJG6-GM7RQ-QXM6G", "WMDGN-G9PQG-XVVXX-R3X43-63DFG"),
        ] {
            assert_eq!(near(wrong).key, right);
        }
        for right in ["NPPR9-FWDCX-D2C8J-H872K-2YT43", "N69G4-B89J2-4G8F4-WWYCC-J464C"] {
            assert_eq!(look(right), Typed::Published(right));
        }
    }

    #[test]
    fn s002_the_pro_key_differs_in_one_character() {
        let near = near("W269N-WFGWX-YVC9B-4J6C9-T83GV");
        assert_eq!(near.differences, ["Group 5: T83GV was typed, T83GX is published (character 5)."]);
        let marked = |groups: &[Vec<Mark>]| groups.concat().iter().filter(|mark| mark.differs).count();
        assert_eq!((marked(&near.typed), marked(&near.published)), (1, 1));
        assert!(near.typed[4][4].differs);
    }

    #[test]
    fn hyphens_spaces_and_letter_case_of_any_kind_are_understood() {
        let key = "W269N-WFGWX-YVC9B-4J6C9-T83GX";
        for text in [
            "w269n-wfgwx-yvc9b-4j6c9-t83gx",
            "W269NWFGWXYVC9B4J6C9T83GX",
            "W269N WFGWX YVC9B 4J6C9 T83GX",
            "W269N\u{2014}WFGWX\u{2013}YVC9B\u{2212}4J6C9-T83GX",
        ] {
            assert_eq!(look(text), Typed::Published(key), "{text}");
        }
    }

    #[test]
    fn a_character_too_many_or_too_few_is_found() {
        let short = near("W269N-WFGW-YVC9B-4J6C9-T83GX");
        assert_eq!(short.key, "W269N-WFGWX-YVC9B-4J6C9-T83GX");
        assert_eq!(short.differences[0], "It has 24 characters, a key has 25.");
        assert_eq!(near("269NWFGWXYVC9B4J6C9T83GX").key, short.key, "all characters have moved by one");
    }

    #[test]
    fn words_are_words() {
        for text in ["", "Windows Server 2022 Datacenter", "office ltsc professional plus 2024", "W269N", "semi-annual"]
        {
            assert_eq!(look(text), Typed::Words, "{text}");
        }
        assert_eq!(look("W269N-WFG"), Typed::Words, "a published key, not yet typed to its end");
    }

    #[test]
    fn what_resembles_none_may_be_secret() {
        assert_eq!(look("QX3TJ-7WKPD-9HMCV-2BRFG-84YNX"), Typed::Unknown { last_five: "84YNX".into() });
        assert_eq!(look("QX3TJ-7WK"), Typed::Unknown { last_five: String::new() });
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = look(&text);
        }

        /// Up to four characters of any published key may be wrong: it is found, and marked where it differs.
        #[test]
        fn every_published_key_is_found_by_its_near_misses(at in 0..159_usize, places in proptest::collection::btree_set(0..25_usize, 1..5)) {
            let key = &gvlk::all()[at].key;
            let mut letters: Vec<char> = key.replace('-', "").chars().collect();
            for place in &places {
                letters[*place] = if letters[*place] == 'Z' { 'S' } else { 'Z' };
            }
            let near = near(&letters.iter().collect::<String>());
            prop_assert_eq!(near.key, key.as_str());
            let marked: Vec<usize> = near.typed.concat().iter().enumerate().filter(|(_, mark)| mark.differs).map(|(n, _)| n).collect();
            prop_assert_eq!(marked, places.into_iter().collect::<Vec<_>>());
        }
    }
}

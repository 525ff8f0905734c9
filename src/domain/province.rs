//! Provinces by the names of today.
//!
//! In: a name as a form has it, of before July 2025 too. Out: what the province is called since. Never: guesses: a name
//! that `pipelines/province.csv` does not list is none.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::sms;

/// What stands before a name and is no part of it.
const TITLES: [&[&str]; 4] = [&["tinh"], &["thanh", "pho"], &["tp"], &["thu", "do"]];

const FILE: &str = include_str!("../../pipelines/province.csv");

/// Provinces by their folded names.
static PROVINCES: LazyLock<BTreeMap<String, &'static str>> =
    LazyLock::new(|| lines().map(|(name, province)| (folded(name), province)).collect());

/// The province that is called so.
pub fn read(name: &str) -> Option<&'static str> {
    PROVINCES.get(&folded(name)).copied()
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    let written = FILE.lines().filter(|line| !line.starts_with('#'));
    written.skip(1).filter_map(|line| line.split_once(','))
}

/// Bare letters alone: `TP. Đà Nẵng` is `danang`.
fn folded(name: &str) -> String {
    let plain = sms::plain(name).to_ascii_lowercase();
    let words: Vec<&str> =
        plain.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let named = TITLES.iter().find_map(|title| words.strip_prefix(*title));
    named.unwrap_or(&words).concat()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[track_caller]
    fn check(name: &str, province: Option<&str>) {
        assert_eq!(read(name), province, "{name}");
    }

    #[test]
    fn a_province_is_known_by_every_name_that_it_had() {
        check("Bắc Giang", Some("Bắc Ninh"));
        check("tỉnh bắc ninh", Some("Bắc Ninh"));
        check("TP.HCM", Some("Hồ Chí Minh"));
        check("Thành phố Hồ Chí Minh", Some("Hồ Chí Minh"));
        check("Thua Thien Hue", Some("Thừa Thiên-Huế"));
        check("Dak Lak", Some("Đắk Lắk"));
    }

    #[test]
    fn what_is_called_otherwise_is_none() {
        for name in ["", "tỉnh", "Hà Nội 2", "Paris", "84"] {
            check(name, None);
        }
    }

    #[test]
    fn the_list_has_all_of_today_by_their_own_names_too() {
        let today: BTreeSet<&str> = PROVINCES.values().copied().collect();
        assert_eq!(today.len(), 34);
        assert!(today.iter().all(|name| read(name) == Some(name)));
        assert_eq!(PROVINCES.len(), lines().count(), "no name stands twice");
    }
}

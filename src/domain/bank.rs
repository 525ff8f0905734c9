//! Banks by the names that people use for them.
//!
//! In: `pipelines/bank.csv`. Out: each bank with its names. Never: a domain of a bank, which `pipelines/lookup` has.

const FILE: &str = include_str!("../../pipelines/bank.csv");

/// A bank; its further names are bare, in small letters.
#[derive(Debug, Clone, Copy)]
pub struct Bank {
    /// What it is called.
    pub name: &'static str,
    senders: &'static str,
    beside: &'static str,
}

impl Bank {
    /// Every bank, in the order of the file.
    pub fn all() -> impl Iterator<Item = Self> {
        lines().filter_map(|line| {
            let (name, rest) = line.split_once(',')?;
            let (senders, beside) = rest.split_once(',')?;
            Some(Self { name, senders, beside })
        })
    }

    /// Names that it writes under.
    pub fn senders(self) -> impl Iterator<Item = &'static str> {
        parts(self.senders)
    }

    /// Further names that tell an account beside digits, and mean no bank elsewhere.
    pub fn beside(self) -> impl Iterator<Item = &'static str> {
        parts(self.beside)
    }
}

fn lines() -> impl Iterator<Item = &'static str> {
    FILE.lines().filter(|line| !line.starts_with('#')).skip(1)
}

fn parts(cell: &'static str) -> impl Iterator<Item = &'static str> {
    cell.split('|').filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_bank_has_a_name_of_its_own_and_one_that_people_use() {
        assert_eq!(Bank::all().count(), lines().count());
        let mut used = BTreeSet::new();
        for bank in Bank::all() {
            let names: Vec<&str> = bank.senders().chain(bank.beside()).collect();
            assert!(!names.is_empty(), "{bank:?}");
            for name in names {
                let is_bare =
                    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b' ');
                assert!(is_bare && name.trim() == name && !name.contains("  "), "{bank:?}: \"{name}\"");
                assert!(used.insert(name), "{bank:?}: \"{name}\" stands twice");
            }
        }
        let names: BTreeSet<&str> = Bank::all().map(|bank| bank.name).collect();
        assert_eq!(names.len(), Bank::all().count(), "no bank stands twice");
    }

    #[test]
    fn a_bank_whose_domains_are_known_is_in_the_list() {
        let known = include_str!("../../pipelines/lookup/known_name.csv").lines().filter_map(|line| {
            let mut cells = line.split(',');
            let name = cells.next()?;
            (cells.next()? == "bank").then_some(name)
        });
        let names: BTreeSet<&str> = Bank::all().map(|bank| bank.name).collect();
        let unknown: Vec<&str> = known.filter(|name| !names.contains(name)).collect();
        assert_eq!(unknown, Vec::<&str>::new(), "pipelines/bank.csv leaves out banks of lookup/known_name.csv");
    }
}

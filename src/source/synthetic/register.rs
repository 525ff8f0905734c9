//! What is on paper about a SIM: its number, identity, dealer, handset and home cell.
//!
//! In: draws. Out: numbers that nobody else has, and papers that campaigns may share.
//! Never: knows how a SIM behaves; gives out a number twice, unless it is recycled on purpose.

use std::collections::BTreeSet;

use rand::Rng as _;

use super::draw::{Rng, chance, mix, one, weighted, whole};
use super::party::{self, PREFIX_SIZE, PREFIXES};

/// How many numbers of a prefix are given out before the next prefix is opened.
const PREFIX_FILL: u32 = 600_000;

/// Areas of the country; calls of a SIM leave its own seldom.
const AREAS: i64 = 40;

/// Cells of one area.
const CELLS: i64 = 180;

/// Types of handset by their allocation code.
const TYPES: i64 = 60;

/// Numbers given out so far.
#[derive(Debug)]
pub(super) struct Register {
    prefixes: Vec<i64>,
    taken: Vec<u64>,
    ported: BTreeSet<i64>,
    imsis: i64,
    identities: u64,
}

/// The registration of one subscription.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paper {
    /// prepaid, postpaid or enterprise.
    pub(super) segment: &'static str,
    /// Stands for the registered person or company; none when nothing is on file.
    pub(super) identity: Option<u64>,
    /// Number of the point of sale.
    pub(super) dealer: u32,
}

/// Where a SIM is when it is not on the road.
#[derive(Debug, Clone, Copy)]
pub(super) struct Home {
    pub(super) area: i64,
    pub(super) home: i64,
    pub(super) work: i64,
}

impl Register {
    pub(super) fn new(subscribers: u32) -> Self {
        let wanted = subscribers.div_ceil(PREFIX_FILL).max(3) as usize;
        let prefixes = PREFIXES[..wanted.min(PREFIXES.len())].to_vec();
        let numbers = prefixes.len() * usize::try_from(PREFIX_SIZE).expect("a million");
        Self { prefixes, taken: vec![0; numbers.div_ceil(64)], ported: BTreeSet::new(), imsis: 0, identities: 0 }
    }

    /// A free number anywhere in our ranges.
    pub(super) fn number(&mut self, rng: &mut Rng) -> i64 {
        loop {
            let index = rng.random_range(0..self.room());
            if self.take(index) {
                return self.number_at(index);
            }
        }
    }

    /// The start of a hundred numbers, for somebody who buys many at once.
    pub(super) fn block(&self, rng: &mut Rng) -> i64 {
        rng.random_range(0..self.room() / 100) * 100
    }

    /// A free number in that block; elsewhere when the block is crowded.
    pub(super) fn number_in(&mut self, block: i64, rng: &mut Rng) -> i64 {
        for _ in 0..40 {
            let index = block + rng.random_range(0..100);
            if self.take(index) {
                return self.number_at(index);
            }
        }
        self.number(rng)
    }

    /// A number that its owner brought along from another operator.
    pub(super) fn ported_number(&mut self, rng: &mut Rng) -> i64 {
        loop {
            let number = party::mobile(rng).elsewhere().expect("a mobile number");
            if self.ported.insert(number) {
                return number;
            }
        }
    }

    /// An identity not used before.
    pub(super) fn identity(&mut self) -> u64 {
        self.identities += 1;
        self.identities
    }

    /// The papers of an ordinary customer; every eighth has a second SIM.
    pub(super) fn paper(&mut self, rng: &mut Rng) -> Paper {
        let identity = if chance(rng, 0.12) && self.identities > 0 { self.identities } else { self.identity() };
        let segment = if chance(rng, 0.86) { "prepaid" } else { "postpaid" };
        Paper { segment, identity: (!chance(rng, 0.01)).then_some(identity), dealer: dealer(rng) }
    }

    /// The next IMSI: 452 04 and ten digits, not in the order of the numbers.
    pub(super) fn imsi(&mut self) -> i64 {
        self.imsis += 1;
        452_040_000_000_000 + (self.imsis * 7_368_787) % 10_000_000_000
    }

    fn room(&self) -> i64 {
        i64::try_from(self.prefixes.len()).expect("a dozen prefixes") * PREFIX_SIZE
    }

    fn number_at(&self, index: i64) -> i64 {
        let prefix = usize::try_from(index / PREFIX_SIZE).expect("an index is not negative");
        self.prefixes[prefix] * PREFIX_SIZE + index % PREFIX_SIZE
    }

    fn take(&mut self, index: i64) -> bool {
        let index = usize::try_from(index).expect("an index is not negative");
        let (word, bit) = (&mut self.taken[index / 64], 1_u64 << (index % 64));
        let is_free = *word & bit == 0;
        *word |= bit;
        is_free
    }
}

/// A point of sale: a few large ones, many small ones.
pub(super) fn dealer(rng: &mut Rng) -> u32 {
    let (u, v) = (rng.random::<f64>(), rng.random_range(0..8));
    u32::try_from(whole(u * u * 150.0)).unwrap_or(0) * 8 + v
}

/// A handset: type code, serial number, check digit; 15 digits.
pub(super) fn imei(rng: &mut Rng) -> i64 {
    let kind = rng.random_range(0..TYPES).min(rng.random_range(0..TYPES));
    let code = if kind % 2 == 0 { 35_200_000 } else { 86_400_000 } + kind * 1_373;
    let digits = code * 1_000_000 + rng.random_range(0..1_000_000);
    digits * 10 + check_digit(digits)
}

/// Home and work cell in some area; people crowd in the first areas.
pub(super) fn home(rng: &mut Rng) -> Home {
    let crowd = [0.5, 0.3, 0.2];
    let width = [2, 8, AREAS][weighted(rng, &crowd)];
    let area = rng.random_range(0..width);
    Home { area, home: cell_in(area, rng), work: cell_in(area, rng) }
}

/// A cell in this area or, on a journey, in another.
pub(super) fn cell_away(area: i64, rng: &mut Rng) -> i64 {
    let area = if chance(rng, 0.04) { rng.random_range(0..AREAS) } else { area };
    cell_in(area, rng)
}

/// The keyed hash of an identity, as 64 hexadecimal digits.
pub(super) fn identity_hash(seed: u64, identity: u64) -> String {
    (0..4).map(|part| format!("{:016x}", mix(mix(seed, identity), part))).collect()
}

/// The name of a point of sale.
pub(super) fn dealer_name(dealer: u32) -> String {
    format!("DL{dealer:04}")
}

/// Handsets that SIMs of one campaign or company share.
pub(super) fn pool(size: usize, rng: &mut Rng) -> Vec<i64> {
    (0..size).map(|_| imei(rng)).collect()
}

/// Some of a pool.
pub(super) fn some_of(pool: &[i64], count: usize, rng: &mut Rng) -> Vec<i64> {
    (0..count).map(|_| *one(rng, pool)).collect()
}

fn cell_in(area: i64, rng: &mut Rng) -> i64 {
    10_000_000 + area * 10_000 + rng.random_range(0..CELLS)
}

fn check_digit(digits: i64) -> i64 {
    let (mut rest, mut sum, mut is_doubled) = (digits, 0, true);
    while rest > 0 {
        let digit = rest % 10 * if is_doubled { 2 } else { 1 };
        sum += digit / 10 + digit % 10;
        (rest, is_doubled) = (rest / 10, !is_doubled);
    }
    (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    use super::super::draw::stream;
    use super::*;

    #[test]
    fn numbers_are_never_given_out_twice() {
        let (mut register, mut rng) = (Register::new(100), stream(1, 0));
        let block = register.block(&mut rng);
        let mut numbers: Vec<i64> = (0..150).map(|_| register.number_in(block, &mut rng)).collect();
        numbers.extend((0..5_000).map(|_| register.number(&mut rng)));
        numbers.sort_unstable();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(numbers.iter().all(|number| PREFIXES[..3].contains(&(number / PREFIX_SIZE))));
    }

    #[test]
    fn handsets_have_fifteen_digits_and_the_check_digit() {
        assert_eq!(check_digit(49_015_420_323_751), 8);
        let imei = imei(&mut stream(1, 0));
        assert_eq!(imei.to_string().len(), 15);
    }
}

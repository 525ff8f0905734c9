//! Who takes part in a call: one of our SIMs, or a number elsewhere.
//!
//! In: an index or a national number. Out: a small code, the E.164 number, and the operator it belongs to.
//! Never: spells an address as the network does (`network` does).

use rand::Rng as _;

use super::draw::{Rng, chance, one, weighted};

/// The name of the synthetic operator itself, as in `ported_number`.
pub const OPERATOR: &str = "SaoMai";

/// The ranges of the synthetic operator: the country code and three national digits.
///
/// The first three are used up to about 1.8 million subscribers; then the others, in order.
pub const PREFIXES: [i64; 12] =
    [84_962, 84_972, 84_332, 84_963, 84_973, 84_333, 84_964, 84_974, 84_334, 84_965, 84_975, 84_335];

/// Numbers behind one prefix.
pub(super) const PREFIX_SIZE: i64 = 1_000_000;

const SPECIAL: u32 = 100_000_000;
const FOREIGN: u32 = 110_000_000;
const HIDDEN: u32 = 120_000_000;
const MOBILE: u32 = 300_000_000;
const LANDLINE: u32 = 2_000_000_000;

/// Addresses that are no E.164 number, or stand for an authority.
pub(super) const SPECIALS: [(&str, &str); 12] = [
    ("111", "tong dai bao ve tre em"),
    ("112", "tim kiem cuu nan"),
    ("113", "cong an"),
    ("114", "cuu hoa"),
    ("115", "cap cuu"),
    ("156", "phan anh cuoc goi rac"),
    ("5656", "phan anh tin nhan rac"),
    ("198", "cham soc khach hang"),
    ("18001299", "tong dai nha mang"),
    ("19002345", "tong dai ngan hang"),
    ("19006789", "tong dai giao hang"),
    ("19001267", "tong dai dien luc"),
];

/// Landlines of agencies, which scammers like to show (national digits without the 0).
pub(super) const AGENCIES: [(u32, &str); 3] =
    [(2_438_250_113, "cong an thanh pho"), (2_838_290_700, "toa an thanh pho"), (2_363_820_400, "vien kiem sat")];

/// Callers from abroad: E.164 digits.
const ABROAD: [(i64, u32); 6] = [
    (6_590_000_000, 9_999_999),
    (821_020_000_000, 79_999_999),
    (886_900_000_000, 89_999_999),
    (819_010_000_000, 89_999_999),
    (14_155_550_000, 9_999),
    (8_613_800_000_000, 99_999_999),
];

/// Mobile ranges elsewhere: share of the market, operator, first two or three national digits.
const MARKET: [(f64, &str, &[u32]); 4] = [
    (0.38, "VinaPhone", &[91, 94, 88, 81, 82, 83, 84, 85]),
    (0.34, "MobiFone", &[90, 93, 70, 76, 77, 78, 79, 898]),
    (0.20, "Vietnamobile", &[92, 56, 58]),
    (0.08, "Gmobile", &[59, 993]),
];

/// One party of a call, in four bytes.
///
/// Below 100 million the index of a SIM of ours; from 300 million the national digits of another mobile
/// number, from 2 billion those of a landline; between them special numbers and callers from abroad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Party(u32);

/// What a party is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sim(usize),
    Special(usize),
    Foreign(u32),
    Hidden,
    Mobile,
    Landline,
}

impl Party {
    /// A caller who shows no number.
    pub(super) const UNKNOWN: Self = Self(HIDDEN);

    pub(super) fn sim(index: usize) -> Self {
        Self(u32::try_from(index).expect("fewer than 100 million SIMs"))
    }

    pub(super) fn special(index: usize) -> Self {
        Self(SPECIAL + u32::try_from(index).expect("a dozen special numbers"))
    }

    pub(super) fn landline_of(national: u32) -> Self {
        debug_assert!(national >= LANDLINE, "a landline has ten national digits");
        Self(national)
    }

    /// The party with this Vietnamese mobile number, which is none of our SIMs.
    pub(super) fn mobile_of(number: i64) -> Self {
        let national = u32::try_from(number - 84_000_000_000).unwrap_or(0);
        debug_assert!(national >= MOBILE, "{number} is no Vietnamese mobile number");
        Self(national)
    }

    pub(super) fn kind(self) -> Kind {
        match self.0 {
            HIDDEN => Kind::Hidden,
            code if code < SPECIAL => Kind::Sim(code as usize),
            code if code < FOREIGN => Kind::Special((code - SPECIAL) as usize),
            code if code < HIDDEN => Kind::Foreign(code - FOREIGN),
            code if code < LANDLINE => Kind::Mobile,
            _ => Kind::Landline,
        }
    }

    /// The index of our SIM, if it is one.
    pub(super) fn as_sim(self) -> Option<usize> {
        match self.kind() {
            Kind::Sim(index) => Some(index),
            _ => None,
        }
    }

    /// E.164 digits of a party that is no SIM of ours; none for short and withheld numbers.
    pub(super) fn elsewhere(self) -> Option<i64> {
        match self.kind() {
            Kind::Sim(_) | Kind::Special(_) | Kind::Hidden => None,
            Kind::Foreign(code) => {
                let (base, room) = ABROAD[code as usize % ABROAD.len()];
                Some(base + i64::from(code.wrapping_mul(2_654_435_761) % room))
            }
            Kind::Mobile => Some(84_000_000_000 + i64::from(self.0)),
            Kind::Landline => Some(840_000_000_000 + i64::from(self.0)),
        }
    }

    /// The number a few further on in the same range; for a mobile number elsewhere only.
    pub(super) fn next(self, step: u32) -> Self {
        if self.kind() == Kind::Mobile { Self(self.0 + step) } else { self }
    }

    /// The operator that this range was allotted to; none for what is not mobile.
    pub(super) fn range_holder(self) -> Option<&'static str> {
        if self.kind() != Kind::Mobile {
            return None;
        }
        let of = |start: &u32| self.0 / 10_u32.pow(if *start < 100 { 7 } else { 6 }) == *start;
        MARKET.iter().find(|(_, _, starts)| starts.iter().any(of)).map(|(_, operator, _)| *operator)
    }
}

/// Somebody with a mobile number of another operator.
pub(super) fn mobile(rng: &mut Rng) -> Party {
    let (_, _, starts) = MARKET[weighted(rng, &MARKET.map(|(share, _, _)| share))];
    let start = *one(rng, starts);
    let room = 10_u32.pow(if start < 100 { 7 } else { 6 });
    Party(start * room + rng.random_range(0..room))
}

/// A landline, mostly in the two large cities.
pub(super) fn landline(rng: &mut Rng) -> Party {
    let start = *one(rng, &[2_438_u32, 2_437, 2_839, 2_838, 2_363, 2_253, 2_923]);
    Party(start * 1_000_000 + rng.random_range(0..1_000_000))
}

/// A special number that people call: mostly the services of 1800 and 1900, seldom an emergency.
pub(super) fn special(rng: &mut Rng) -> Party {
    let index = if chance(rng, 0.85) { rng.random_range(7..SPECIALS.len()) } else { rng.random_range(0..7) };
    Party::special(index)
}

/// A caller from abroad.
pub(super) fn foreign(rng: &mut Rng) -> Party {
    Party(FOREIGN + rng.random_range(0..5_000))
}

#[cfg(test)]
mod tests {
    use super::super::draw::stream;
    use super::*;

    #[test]
    fn parties_keep_their_number() {
        assert_eq!(Party::mobile_of(84_912_345_678).elsewhere(), Some(84_912_345_678));
        assert_eq!(Party::mobile_of(84_912_345_678).range_holder(), Some("VinaPhone"));
        assert_eq!(Party::mobile_of(84_898_345_678).range_holder(), Some("MobiFone"));
        assert_eq!(Party::landline_of(2_438_250_113).elsewhere(), Some(842_438_250_113));
        assert_eq!(Party::sim(7).kind(), Kind::Sim(7));
        assert_eq!(Party::UNKNOWN.elsewhere(), None);
    }

    #[test]
    fn people_elsewhere_never_have_a_number_of_ours() {
        let mut rng = stream(1, 0);
        for _ in 0..5_000 {
            let party = mobile(&mut rng);
            let number = party.elsewhere().unwrap();
            assert_eq!(number.to_string().len(), 11);
            assert!(!PREFIXES.contains(&(number / PREFIX_SIZE)) && party.range_holder().is_some(), "{number}");
            assert_eq!(landline(&mut rng).elsewhere().unwrap().to_string().len(), 12);
        }
    }
}

//! The profile `sichuan`: where that operator's numbers differ from ours, class by class.
//!
//! In: nothing. Out: the kinds of numbers of the Sichuan rows (ACCURACY 3.4 and 5.2), each a national law with other
//! parameters. Never: holds code that only one kind runs.

use std::ops::RangeInclusive;

use super::behaviour::{Curve, Law};
use super::class::{Archetype, Class};
use super::draw::{Rng, between, chance, log_normal, whole_i32};
use super::law;

/// The window: eight months from 2019-08-01.
pub(super) const FIRST_DAY: i32 = 18_109;
pub(super) const DAYS: i32 = 240;

/// After how many seconds a number's calls are cut, and the weight of that; the last is never reached.
pub(super) const CUTS: [(i32, f64); 3] = [(1_800, 0.50), (3_600, 0.44), (14_400, 0.06)];

/// Days of the month on which firms write more, and how many times as much.
pub(super) const NOTICE_DAYS: (RangeInclusive<u32>, f64) = (7..=16, 1.5);

/// How evenly what firms write spreads over days: shape of a gamma.
pub(super) const NOTICE_DAY_SHAPE: f64 = 1.0;

/// Shares of normal and of fraud numbers.
const NORMAL: f64 = 0.678;
const FRAUD: f64 = 0.322;

/// One kind of numbers.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) class: Class,
    /// Share of all numbers.
    pub(super) share: f64,
    /// Its rate counts what is not answered too, which the rows leave out.
    pub(super) law: Law,
    pub(super) life: Life,
    /// Calls of a whole life, answered or not: log-normal; where there are none the law has the rate.
    pub(super) calls: Option<(f64, f64)>,
    /// Share of numbers of which the rows hold no incoming call.
    pub(super) one_way: f64,
    pub(super) notices: Notices,
}

/// Days of use.
#[derive(Debug)]
pub(super) enum Life {
    /// All of the window for this share of the numbers, and any part of it for the others.
    Resident(f64),
    /// So many days, and a log-normal count of more, anywhere in the window.
    Passing(i32, (f64, f64)),
}

/// What firms write to a number.
#[derive(Debug)]
pub(super) struct Notices {
    /// Messages a day: log-normal.
    pub(super) a_day: (f64, f64),
    /// Exponent by which they grow with the calls.
    pub(super) with_calls: f64,
    /// Pitman-Yor process of senders: concentration, log-normal, and discount, normal.
    pub(super) theta: (f64, f64),
    pub(super) discount: (f64, f64),
    /// Mean days for which they come before the first day of use, and after the last.
    pub(super) around: (f64, f64),
    /// Probability that one comes right after another, as codes do.
    pub(super) follows: f64,
    /// Share of the others that comes at the owner's hours, not at the firms': balances, codes.
    pub(super) asked_for: f64,
}

impl Life {
    /// The first day of use and the first that is none any more, counted from the window's first.
    pub(super) fn draw(&self, rng: &mut Rng) -> (i32, i32) {
        match self {
            Self::Resident(share) if chance(rng, *share) => (0, DAYS),
            Self::Resident(_) => {
                let starts = whole_i32(between(rng, (0.0, f64::from(DAYS - 1))));
                (starts, starts + 1 + whole_i32(between(rng, (0.0, f64::from(DAYS - starts)))))
            }
            Self::Passing(least, more) => {
                let days = (least + whole_i32(log_normal(rng, *more))).clamp(1, DAYS);
                let starts = whole_i32(between(rng, (0.0, f64::from(DAYS - days + 1))));
                (starts, starts + days)
            }
        }
    }
}

/// Nobody of a sample knows another one of it; people call the same ones oftener, and change handsets in eight months.
const PERSON: Law = Law {
    rate: (3.0, 0.95),
    lead: (2.5, 2.6),
    stranger: (1.0, 20.0),
    keep: 0.3,
    theta: (2.0, 0.8),
    discount: (0.36, 0.14),
    favourite: (1.6, 12.0),
    talk_s: (32.0, 0.35),
    sharpness: (0.9, 1.7),
    handsets: 0.4,
    texts: (0.06, 1.4),
    onnet: 0.0,
    ..law::PERSON
};

const BURST: Law = Law {
    stranger: (3.6, 1.4),
    theta: (1.6, 1.0),
    discount: (0.5, 0.15),
    favourite: (1.0, 14.0),
    talk_s: (46.0, 0.5),
    talk_shape: (1.2, 1.8),
    curve: Curve::Errand,
    sharpness: (2.8, 5.6),
    handsets: 0.7,
    texts: (1.1, 1.4),
    text_strangers: 0.15,
    onnet: 0.0,
    ..law::BURST
};

/// Among those who pass for normal, fewer strangers than at home.
const CAMOUFLAGED: Law = Law {
    rate: (15.0, 0.8),
    stranger: (1.6, 12.0),
    stranger_lead: 0.85,
    keep: 0.2,
    theta: (6.0, 0.9),
    discount: PERSON.discount,
    favourite: PERSON.favourite,
    lead: PERSON.lead,
    talk_s: PERSON.talk_s,
    sharpness: PERSON.sharpness,
    handsets: 0.5,
    texts: (0.12, 1.4),
    onnet: 0.0,
    ..law::CAMOUFLAGED
};

const NOTICES: Notices = Notices {
    a_day: (3.1, 0.75),
    with_calls: 0.4,
    theta: (1.0, 1.0),
    discount: (0.52, 0.17),
    around: (12.0, 12.0),
    follows: 0.5,
    asked_for: 0.45,
};

/// A SIM for one purpose gets its codes while it is in use, from few.
const PASSING_NOTICES: Notices =
    Notices { a_day: (6.5, 0.8), theta: (0.12, 1.0), around: (1.5, 3.0), follows: 0.66, asked_for: 0.7, ..NOTICES };

/// A person's number; the others differ from it.
const LIGHT: Kind = Kind {
    class: Class::Light,
    share: NORMAL * 0.32,
    law: PERSON,
    life: Life::Resident(0.74),
    calls: None,
    one_way: 0.1,
    notices: NOTICES,
};

/// A number for one purpose; the others differ from it.
const BURSTING: Kind = Kind {
    class: Class::Spam(Archetype::Burst),
    share: FRAUD * 0.385,
    law: BURST,
    life: Life::Passing(1, (2.2, 0.9)),
    calls: Some((420.0, 0.8)),
    one_way: 0.4,
    notices: PASSING_NOTICES,
};

/// The kinds, normal ones first.
pub(super) static KINDS: [Kind; 10] = [
    LIGHT,
    Kind {
        class: Class::Heavy,
        share: NORMAL * 0.40,
        law: Law { rate: (10.0, 0.75), theta: (6.0, 0.9), ..PERSON },
        life: Life::Resident(0.82),
        notices: Notices { a_day: (4.4, 0.6), ..NOTICES },
        ..LIGHT
    },
    Kind { class: Class::Talker, share: NORMAL * 0.20, law: Law { talk_s: (55.0, 0.35), ..PERSON }, ..LIGHT },
    Kind {
        class: Class::Idle,
        share: NORMAL * 0.08,
        law: Law { rate: (0.3, 0.8), active: law::IDLE.active, ..PERSON },
        life: Life::Resident(0.70),
        one_way: 0.2,
        ..LIGHT
    },
    BURSTING,
    Kind {
        class: Class::Spam(Archetype::Blaster),
        share: FRAUD * 0.17,
        law: Law {
            rate: (300.0, 0.9),
            theta: BURST.theta,
            discount: BURST.discount,
            favourite: BURST.favourite,
            talk_s: (20.0, 0.4),
            talk_shape: BURST.talk_shape,
            curve: BURST.curve,
            sharpness: BURST.sharpness,
            handsets: 0.78,
            texts: BURST.texts,
            text_strangers: BURST.text_strangers,
            onnet: 0.0,
            ..law::BLASTER
        },
        life: Life::Passing(3, (12.0, 0.9)),
        calls: None,
        one_way: 0.5,
        ..BURSTING
    },
    Kind {
        class: Class::Spam(Archetype::SmsAndCall),
        share: FRAUD * 0.06,
        law: Law {
            rate: law::SMS_AND_CALL.rate,
            talk_s: law::SMS_AND_CALL.talk_s,
            handsets: law::SMS_AND_CALL.handsets,
            texts: law::SMS_AND_CALL.texts,
            text_strangers: law::SMS_AND_CALL.text_strangers,
            ..BURST
        },
        life: Life::Passing(2, (5.0, 0.5)),
        calls: Some((500.0, 0.6)),
        one_way: 0.3,
        ..BURSTING
    },
    Kind {
        class: Class::Spam(Archetype::Camouflaged),
        share: FRAUD * 0.175,
        law: CAMOUFLAGED,
        life: Life::Resident(0.82),
        one_way: 0.05,
        notices: Notices { a_day: (5.5, 0.8), ..NOTICES },
        ..LIGHT
    },
    Kind {
        class: Class::Spam(Archetype::Mixed),
        share: FRAUD * 0.15,
        law: Law {
            rate: (9.0, 0.9),
            active: law::MIXED.active,
            stranger: (1.8, 7.5),
            theta: (2.5, 0.9),
            talk_s: (42.0, 0.4),
            sharpness: (0.9, 1.9),
            ..CAMOUFLAGED
        },
        life: Life::Passing(5, (50.0, 1.1)),
        notices: Notices { a_day: (5.0, 0.8), around: (6.0, 6.0), ..NOTICES },
        ..LIGHT
    },
    Kind {
        class: Class::Spam(Archetype::Tiny),
        share: FRAUD * 0.06,
        law: Law {
            rate: law::TINY.rate,
            active: law::TINY.active,
            stranger: (3.0, 3.0),
            train: law::TINY.train,
            gap_s: law::TINY.gap_s,
            gap_shape: law::TINY.gap_shape,
            talk_s: (59.0, 0.4),
            handsets: law::TINY.handsets,
            ..BURST
        },
        life: Life::Passing(1, (1.5, 1.0)),
        calls: Some((20.0, 0.8)),
        one_way: 0.3,
        ..BURSTING
    },
];

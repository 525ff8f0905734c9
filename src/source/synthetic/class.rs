//! The classes of SIMs, their shares, and the law of each.
//!
//! In: nothing. Out: parameters, from ACCURACY 5.2 (fitted to Sichuan) where there is one, else judgement
//! from ACCURACY 4.3 and FACTS 7. Never: holds code that only one class runs.

use super::behaviour::{Aim, Curve, Law};

/// What a SIM is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Light,
    Heavy,
    Talker,
    Idle,
    Courier,
    Driver,
    CallCentre,
    Clinic,
    School,
    NewSim,
    Spam(Archetype),
}

/// The kinds of spam SIMs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Archetype {
    Burst,
    Blaster,
    SmsAndCall,
    Camouflaged,
    Mixed,
    Tiny,
    OneRing,
}

/// Ordinary people: the shares of Sichuan's normal numbers.
pub(super) const PEOPLE: [(Class, f64); 4] =
    [(Class::Light, 0.32), (Class::Heavy, 0.40), (Class::Talker, 0.20), (Class::Idle, 0.08)];

/// Hard negatives: who looks like spam and is not.
pub(super) const HARD: [(Class, f64); 6] = [
    (Class::Courier, 0.20),
    (Class::Driver, 0.17),
    (Class::CallCentre, 0.04),
    (Class::Clinic, 0.08),
    (Class::School, 0.06),
    (Class::NewSim, 0.45),
];

/// Spam SIMs: Sichuan's clusters, each shaved for the one-ring SIMs.
pub(super) const SPAM: [(Archetype, f64); 7] = [
    (Archetype::Burst, 0.413),
    (Archetype::Blaster, 0.163),
    (Archetype::SmsAndCall, 0.058),
    (Archetype::Camouflaged, 0.144),
    (Archetype::Mixed, 0.125),
    (Archetype::Tiny, 0.057),
    (Archetype::OneRing, 0.040),
];

impl Class {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Heavy => "heavy",
            Self::Talker => "talker",
            Self::Idle => "idle",
            Self::Courier => "courier",
            Self::Driver => "driver",
            Self::CallCentre => "call_centre",
            Self::Clinic => "clinic",
            Self::School => "school",
            Self::NewSim => "new_sim",
            Self::Spam(_) => "spam",
        }
    }

    pub(super) fn archetype(self) -> Option<Archetype> {
        match self {
            Self::Spam(archetype) => Some(archetype),
            _ => None,
        }
    }

    /// Whether it looks like spam and is not.
    pub(super) fn is_protected(self) -> bool {
        HARD.iter().any(|(class, _)| *class == self)
    }

    /// Whether it is a business that people call.
    pub(super) fn is_business(self) -> bool {
        matches!(self, Self::Courier | Self::Driver | Self::CallCentre | Self::Clinic | Self::School)
    }

    /// The parameters of the class.
    pub(super) fn law(self) -> &'static Law {
        match self {
            Self::Light => &PERSON,
            Self::Heavy => &HEAVY,
            Self::Talker => &TALKER,
            Self::Idle => &IDLE,
            Self::Courier => &COURIER,
            Self::Driver => &DRIVER,
            Self::CallCentre => &CALL_CENTRE,
            Self::Clinic => &CLINIC,
            Self::School => &SCHOOL,
            Self::NewSim => &NEW_SIM,
            Self::Spam(archetype) => archetype.law(),
        }
    }
}

impl Archetype {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Burst => "burst",
            Self::Blaster => "blaster",
            Self::SmsAndCall => "sms_and_call",
            Self::Camouflaged => "camouflaged",
            Self::Mixed => "mixed",
            Self::Tiny => "tiny",
            Self::OneRing => "one_ring",
        }
    }

    fn law(self) -> &'static Law {
        match self {
            Self::Burst => &BURST,
            Self::Blaster => &BLASTER,
            Self::SmsAndCall => &SMS_AND_CALL,
            Self::Camouflaged => &CAMOUFLAGED,
            Self::Mixed => &MIXED,
            Self::Tiny => &TINY,
            Self::OneRing => &ONE_RING,
        }
    }
}

const PERSON: Law = Law {
    rate: (1.5, 0.8),
    active: (8.0, 2.2),
    day_shape: 2.0,
    weekend: 0.8,
    lead: (2.8, 2.6),
    stranger: (1.0, 13.0),
    stranger_lead: 0.65,
    keep: 0.2,
    mutual: 0.95,
    theta: (1.2, 0.7),
    favourite: (1.6, 9.5),
    answered: 0.42,
    talk_s: (35.0, 0.28),
    curve: Curve::Person,
    sharpness: (0.5, 1.35),
    train: (2.0, 6.0),
    gap_s: (240.0, 0.5),
    gap_shape: (0.4, 0.9),
    patience_s: (14.0, 45.0),
    call_back: (2.0, 6.0),
    roam: (2.0, 4.0),
    handsets: 0.1,
    texts: (0.12, 1.0),
    text_strangers: 0.05,
    aim: Aim::Shops,
    in_sequence: 0.0,
};

const HEAVY: Law = Law { rate: (5.2, 0.75), theta: (4.5, 0.8), stranger: (1.2, 13.0), ..PERSON };

const TALKER: Law = Law { rate: (1.5, 0.9), talk_s: (57.0, 0.3), ..PERSON };

const IDLE: Law = Law { rate: (0.1, 0.6), active: (3.0, 2.0), ..PERSON };

/// A student or worker with a number since yesterday: a person, but every contact is a new one.
const NEW_SIM: Law = Law { rate: (4.4, 0.7), theta: (5.0, 0.7), stranger: (2.0, 9.0), handsets: 0.12, ..PERSON };

const COURIER: Law = Law {
    rate: (32.0, 0.45),
    active: (12.0, 2.0),
    day_shape: 6.0,
    weekend: 0.9,
    stranger: (9.0, 2.2),
    stranger_lead: 0.92,
    keep: 0.06,
    answered: 0.7,
    talk_s: (26.0, 0.25),
    curve: Curve::Errand,
    sharpness: (0.7, 1.5),
    train: (4.0, 6.0),
    gap_s: (190.0, 0.4),
    gap_shape: (0.8, 2.0),
    patience_s: (15.0, 35.0),
    call_back: (4.0, 9.0),
    roam: (9.0, 2.0),
    handsets: 0.08,
    aim: Aim::Customers,
    ..PERSON
};

const DRIVER: Law = Law {
    rate: (16.0, 0.5),
    stranger: (7.0, 3.0),
    stranger_lead: 0.55,
    keep: 0.1,
    weekend: 1.0,
    sharpness: (0.4, 1.2),
    train: (2.0, 6.0),
    ..COURIER
};

const CALL_CENTRE: Law = Law {
    rate: (78.0, 0.5),
    active: (20.0, 1.5),
    day_shape: 5.0,
    weekend: 0.3,
    lead: (8.0, 2.0),
    stranger: (8.0, 2.0),
    stranger_lead: 0.94,
    keep: 0.3,
    mutual: 0.5,
    answered: 0.5,
    talk_s: (52.0, 0.35),
    curve: Curve::Office,
    sharpness: (0.7, 1.6),
    train: (8.0, 3.0),
    gap_s: (45.0, 0.6),
    gap_shape: (1.5, 8.0),
    patience_s: (18.0, 35.0),
    call_back: (2.0, 14.0),
    roam: (0.4, 12.0),
    handsets: 0.25,
    aim: Aim::Customers,
    ..PERSON
};

const CLINIC: Law = Law {
    rate: (14.0, 0.55),
    weekend: 0.5,
    lead: (4.0, 4.0),
    stranger: (5.0, 4.0),
    stranger_lead: 0.55,
    keep: 0.3,
    answered: 0.62,
    talk_s: (55.0, 0.3),
    train: (4.0, 4.0),
    gap_s: (90.0, 0.5),
    call_back: (3.0, 9.0),
    handsets: 0.05,
    ..CALL_CENTRE
};

/// Few calls on most days and a burst to the parents on some.
const SCHOOL: Law = Law {
    rate: (7.0, 0.6),
    day_shape: 0.45,
    weekend: 0.15,
    theta: (30.0, 0.5),
    stranger: (2.0, 5.0),
    mutual: 0.9,
    ..CLINIC
};

/// Spam at large; the archetypes differ from it as Sichuan's clusters do (ACCURACY 3.4).
/// The rates of the short-lived ones follow from the calls and days of a whole life: `campaign`.
const BURST: Law = Law {
    rate: (41.0, 0.8),
    active: (30.0, 2.0),
    day_shape: 2.0,
    weekend: 0.75,
    lead: (6.0, 0.5),
    stranger: (6.0, 1.2),
    stranger_lead: 0.985,
    keep: 0.08,
    mutual: 0.05,
    theta: (1.2, 0.7),
    answered: 0.33,
    talk_s: (46.0, 0.35),
    curve: Curve::Dialer,
    sharpness: (0.8, 2.0),
    train: (5.0, 3.0),
    gap_s: (35.0, 0.7),
    gap_shape: (0.8, 6.0),
    patience_s: (15.0, 35.0),
    call_back: (1.0, 28.0),
    roam: (0.8, 5.0),
    handsets: 0.6,
    texts: (0.5, 1.2),
    text_strangers: 0.5,
    aim: Aim::Numbers,
    in_sequence: 0.03,
    ..PERSON
};

const BLASTER: Law = Law {
    rate: (80.0, 0.6),
    stranger: (10.0, 0.9),
    keep: 0.03,
    answered: 0.28,
    talk_s: (20.0, 0.35),
    train: (8.0, 2.0),
    gap_s: (22.0, 0.6),
    gap_shape: (3.0, 20.0),
    handsets: 0.8,
    in_sequence: 0.08,
    ..BURST
};

const SMS_AND_CALL: Law = Law {
    rate: (24.0, 0.6),
    answered: 0.33,
    talk_s: (42.0, 0.35),
    handsets: 0.8,
    texts: (160.0, 0.7),
    text_strangers: 0.97,
    ..BURST
};

/// A heavy user who also does it: the contacts, the incoming calls and the evenings of one.
const CAMOUFLAGED: Law = Law {
    rate: (15.0, 0.6),
    active: (12.0, 1.5),
    stranger: (2.0, 9.5),
    stranger_lead: 0.97,
    keep: 0.15,
    theta: (4.5, 0.8),
    answered: 0.38,
    call_back: (2.0, 10.0),
    handsets: 0.3,
    texts: (0.3, 1.0),
    aim: Aim::Numbers,
    ..PERSON
};

const MIXED: Law = Law {
    rate: (6.5, 0.7),
    active: (8.0, 2.2),
    stranger: (3.0, 6.5),
    theta: (1.6, 0.7),
    talk_s: (48.0, 0.3),
    sharpness: (0.6, 1.6),
    ..CAMOUFLAGED
};

const TINY: Law = Law {
    rate: (4.0, 0.5),
    active: (10.0, 1.0),
    stranger: (5.0, 3.0),
    train: (2.0, 5.0),
    gap_s: (120.0, 0.6),
    gap_shape: (0.5, 1.5),
    talk_s: (59.0, 0.3),
    handsets: 0.3,
    ..BURST
};

/// Rings once and waits to be called back.
const ONE_RING: Law = Law {
    rate: (420.0, 0.5),
    weekend: 1.0,
    stranger: (30.0, 1.0),
    keep: 0.0,
    answered: 0.03,
    curve: Curve::AllDay,
    sharpness: (0.5, 1.2),
    train: (20.0, 1.5),
    gap_s: (8.0, 0.4),
    gap_shape: (4.0, 20.0),
    patience_s: (1.5, 5.0),
    call_back: (3.0, 14.0),
    handsets: 0.4,
    in_sequence: 0.3,
    ..BURST
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        let sums = [
            PEOPLE.iter().map(|(_, share)| share).sum::<f64>(),
            HARD.iter().map(|(_, share)| share).sum::<f64>(),
            SPAM.iter().map(|(_, share)| share).sum::<f64>(),
        ];
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-9), "{sums:?}");
    }
}

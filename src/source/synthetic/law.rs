//! The law of each class: what its SIMs' habits are drawn from.
//!
//! In: nothing. Out: parameters, from ACCURACY 5.2 (fitted to Sichuan) where there is one, else judgement
//! from ACCURACY 4.3 and FACTS 7. Never: holds code.

use super::behaviour::{Aim, Curve, Law, ONNET_SHARE};

pub(super) const PERSON: Law = Law {
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
    discount: (0.55, 0.1),
    favourite: (1.6, 9.5),
    answered: 0.42,
    talk_s: (35.0, 0.28),
    talk_shape: (1.25, 1.9),
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
    long_texts: 0.15,
    aim: Aim::Shops,
    in_sequence: 0.0,
    onnet: ONNET_SHARE,
};

pub(super) const HEAVY: Law = Law { rate: (5.2, 0.75), theta: (4.5, 0.8), stranger: (1.2, 13.0), ..PERSON };

pub(super) const TALKER: Law = Law { rate: (1.5, 0.9), talk_s: (57.0, 0.3), ..PERSON };

pub(super) const IDLE: Law = Law { rate: (0.1, 0.6), active: (3.0, 2.0), ..PERSON };

/// A student or worker with a number since yesterday: a person, but every contact is a new one.
pub(super) const NEW_SIM: Law =
    Law { rate: (4.4, 0.7), theta: (5.0, 0.7), stranger: (2.0, 9.0), handsets: 0.12, ..PERSON };

pub(super) const COURIER: Law = Law {
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

pub(super) const DRIVER: Law = Law {
    rate: (16.0, 0.5),
    stranger: (7.0, 3.0),
    stranger_lead: 0.55,
    keep: 0.1,
    weekend: 1.0,
    sharpness: (0.4, 1.2),
    train: (2.0, 6.0),
    ..COURIER
};

pub(super) const CALL_CENTRE: Law = Law {
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

pub(super) const CLINIC: Law = Law {
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
pub(super) const SCHOOL: Law = Law {
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
pub(super) const BURST: Law = Law {
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

pub(super) const BLASTER: Law = Law {
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

pub(super) const SMS_AND_CALL: Law = Law {
    rate: (24.0, 0.6),
    answered: 0.33,
    talk_s: (42.0, 0.35),
    handsets: 0.8,
    texts: (160.0, 0.7),
    text_strangers: 0.97,
    long_texts: 0.6,
    ..BURST
};

/// A heavy user who also does it: the contacts, the incoming calls and the evenings of one.
pub(super) const CAMOUFLAGED: Law = Law {
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

pub(super) const MIXED: Law = Law {
    rate: (6.5, 0.7),
    active: (8.0, 2.2),
    stranger: (3.0, 6.5),
    theta: (1.6, 0.7),
    talk_s: (48.0, 0.3),
    sharpness: (0.6, 1.6),
    ..CAMOUFLAGED
};

pub(super) const TINY: Law = Law {
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
pub(super) const ONE_RING: Law = Law {
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

/// Ends calls from abroad as local ones: wanted by who is called, at all hours, from a box that never moves.
pub(super) const SIM_BOX: Law = Law {
    rate: (95.0, 0.35),
    active: (5.0, 2.0),
    day_shape: 6.0,
    weekend: 1.1,
    stranger: (30.0, 1.0),
    keep: 0.02,
    answered: 0.6,
    talk_s: (55.0, 0.3),
    curve: Curve::AllDay,
    sharpness: (0.4, 0.9),
    train: (6.0, 4.0),
    gap_s: (60.0, 0.6),
    gap_shape: (0.8, 2.5),
    patience_s: (20.0, 45.0),
    handsets: 0.0,
    texts: (0.0, 1.0),
    text_strangers: 0.0,
    aim: Aim::Customers,
    in_sequence: 0.0,
    ..BURST
};

/// Calls a few people again and again, who seldom answer and soon hang up; densest in the late afternoon.
pub(super) const DEBT_POOL: Law = Law {
    rate: (60.0, 0.4),
    active: (12.0, 2.0),
    day_shape: 4.0,
    stranger: (60.0, 1.0),
    stranger_lead: 1.0,
    keep: 0.0,
    answered: 0.22,
    talk_s: (9.0, 0.3),
    curve: Curve::Errand,
    sharpness: (0.8, 1.6),
    train: (4.0, 3.0),
    gap_s: (200.0, 0.5),
    gap_shape: (0.6, 2.0),
    patience_s: (12.0, 40.0),
    call_back: (1.0, 40.0),
    texts: (0.2, 1.0),
    text_strangers: 0.9,
    in_sequence: 0.0,
    ..BURST
};

/// Dials through another operator's ranges and plays a message, which ends by itself and always takes as long.
pub(super) const ROBOT: Law = Law {
    rate: (260.0, 0.3),
    active: (12.0, 2.0),
    day_shape: 6.0,
    stranger: (60.0, 1.0),
    keep: 0.0,
    answered: 0.3,
    talk_s: (24.0, 0.2),
    talk_shape: (10.0, 16.0),
    train: (12.0, 1.5),
    gap_s: (4.0, 0.4),
    gap_shape: (10.0, 30.0),
    patience_s: (18.0, 25.0),
    call_back: (1.0, 40.0),
    in_sequence: 0.8,
    ..BURST
};

/// The telephones of one firm behind one device: people call it as often as it calls them.
pub(super) const SWITCHBOARD: Law = Law {
    rate: (28.0, 0.4),
    lead: (4.0, 4.0),
    stranger: (5.0, 4.0),
    stranger_lead: 0.5,
    mutual: 0.9,
    theta: (8.0, 0.5),
    call_back: (3.0, 7.0),
    handsets: 0.0,
    ..CLINIC
};

/// A licensed lender that reminds the people on its list, more than once where they do not answer.
pub(super) const LENDER: Law = Law {
    rate: (60.0, 0.4),
    stranger: (30.0, 1.5),
    stranger_lead: 0.97,
    keep: 0.02,
    answered: 0.4,
    talk_s: (40.0, 0.3),
    aim: Aim::Numbers,
    ..CALL_CENTRE
};

/// A recording for the customers of one firm, dialled batch by batch: a machine that about half of them expect.
pub(super) const REMINDER: Law = Law {
    rate: (95.0, 0.35),
    active: (20.0, 1.5),
    day_shape: 6.0,
    weekend: 0.4,
    lead: (9.0, 1.0),
    stranger: (5.0, 6.0),
    stranger_lead: 0.97,
    keep: 0.4,
    mutual: 0.6,
    theta: (30.0, 0.5),
    answered: 0.8,
    talk_s: (28.0, 0.25),
    talk_shape: (5.0, 13.0),
    train: (30.0, 1.5),
    gap_s: (25.0, 0.6),
    gap_shape: (8.0, 25.0),
    patience_s: (20.0, 32.0),
    call_back: (2.0, 12.0),
    handsets: 0.0,
    texts: (0.0, 1.0),
    ..CLINIC
};

/// A lift, a shop or a pump that reports to its few numbers all day, as evenly as its clock is.
pub(super) const ALARM: Law = Law {
    rate: (26.0, 0.3),
    active: (60.0, 1.0),
    day_shape: 20.0,
    weekend: 1.0,
    stranger: (1_000_000.0, 1.0),
    stranger_lead: 1.0,
    keep: 0.0,
    mutual: 0.0,
    answered: 0.6,
    talk_s: (7.0, 0.3),
    talk_shape: (8.0, 16.0),
    curve: Curve::AllDay,
    train: (80.0, 1.0),
    gap_s: (2_900.0, 0.3),
    gap_shape: (30.0, 120.0),
    patience_s: (20.0, 40.0),
    call_back: (1.0, 40.0),
    handsets: 0.0,
    texts: (0.0, 1.0),
    aim: Aim::Numbers,
    ..PERSON
};

/// The desk of a taxi or parcel firm: in bursts, some words to each, hardly ever the same customer.
pub(super) const DISPATCHER: Law = Law {
    rate: (120.0, 0.35),
    active: (30.0, 1.5),
    day_shape: 8.0,
    weekend: 1.0,
    lead: (8.0, 2.0),
    stranger: (16.0, 1.5),
    stranger_lead: 0.95,
    keep: 0.05,
    mutual: 0.3,
    answered: 0.82,
    talk_s: (15.0, 0.25),
    talk_shape: (2.5, 7.0),
    curve: Curve::Errand,
    sharpness: (0.8, 1.8),
    train: (7.0, 3.0),
    gap_s: (25.0, 0.6),
    gap_shape: (1.0, 4.0),
    patience_s: (18.0, 35.0),
    call_back: (2.0, 16.0),
    aim: Aim::Customers,
    ..PERSON
};

/// A desk that sells by telephone: strangers off a list, into the evening, and those who did not answer again.
pub(super) const ADVERTISER: Law = Law {
    rate: (40.0, 0.4),
    active: (20.0, 1.5),
    day_shape: 5.0,
    weekend: 0.3,
    stranger: (8.0, 2.0),
    stranger_lead: 1.0,
    keep: 0.5,
    mutual: 0.0,
    theta: (1.0, 0.5),
    answered: 0.35,
    talk_s: (40.0, 0.35),
    sharpness: (0.5, 1.0),
    train: (6.0, 4.0),
    gap_s: (60.0, 0.6),
    gap_shape: (1.0, 5.0),
    call_back: (1.0, 20.0),
    handsets: 0.1,
    texts: (0.0, 1.0),
    aim: Aim::Numbers,
    ..CALL_CENTRE
};

/// The same with people who know whose call it is.
pub(super) const ORGANISER: Law =
    Law { curve: Curve::Errand, weekend: 1.0, answered: 0.6, call_back: (3.0, 9.0), ..ADVERTISER };

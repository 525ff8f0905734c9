//! One mechanism for every SIM: what a class shifts (`Law`), and what one SIM got of it (`Habit`).
//!
//! In: the law of a class. Out: the habits of one SIM, drawn from it.
//! Never: knows which class is spam; a class that needed code of its own would be found by that code
//! alone (ACCURACY 5.1).

use super::draw::{Rng, beta, between, gamma, log_normal, normal, streak};

/// Share of people's contacts in our own network.
pub(super) const ONNET_SHARE: f64 = 0.45;

/// Share of contacts in our own network among those that a SIM finds itself.
///
/// A relation within the network lives with the end that found it, which draws the calls of both
/// directions; as many again are drawn by those who found this SIM. So `onnet` of all are on-net.
pub(super) fn onnet_found(onnet: f64) -> f64 {
    onnet / (2.0 - onnet)
}

/// Whom a SIM calls or hears from beyond its contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// Shops, couriers, hotlines, landlines: what people need.
    Shops,
    /// People, wherever they are: what a business needs.
    Customers,
    /// A list of numbers, shared in part by a campaign.
    Numbers,
}

/// Hours of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    Person,
    Office,
    Errand,
    Dialer,
    AllDay,
    /// When firms write.
    Notice,
}

/// What a class of SIMs is like: the parameters of the distributions that each SIM's habits are drawn from.
///
/// Pairs are (median, sigma) of a log-normal, (a, b) of a beta or (low, high) of a uniform one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Law {
    /// Calls of an active day, both directions: log-normal.
    pub(super) rate: (f64, f64),
    /// Probability that a day is active: beta.
    pub(super) active: (f64, f64),
    /// Shape of the gamma day effect; the smaller, the more uneven.
    pub(super) day_shape: f64,
    /// Factor of Saturdays and Sundays.
    pub(super) weekend: f64,
    /// Probability that the SIM, not its contact, makes the call: beta.
    pub(super) lead: (f64, f64),
    /// Share of calls with strangers: beta.
    pub(super) stranger: (f64, f64),
    /// Probability that the SIM makes the call when it is with a stranger.
    pub(super) stranger_lead: f64,
    /// Probability that a stranger stays a contact.
    pub(super) keep: f64,
    /// Probability that a new contact knows the SIM too.
    pub(super) mutual: f64,
    /// Concentration of the Pitman-Yor process: log-normal.
    pub(super) theta: (f64, f64),
    /// Discount of that process: the larger, the more of the contacts are called but once; mean and spread of a normal.
    pub(super) discount: (f64, f64),
    /// Share of the one favourite contact: beta.
    pub(super) favourite: (f64, f64),
    /// Share of its calls to strangers that are answered; noise is added to its logit.
    pub(super) answered: f64,
    /// Median seconds of a conversation: log-normal; and the log-logistic shape of conversations: uniform.
    pub(super) talk_s: (f64, f64),
    pub(super) talk_shape: (f64, f64),
    /// Hours of the day, and the exponent that sharpens them: uniform.
    pub(super) curve: Curve,
    pub(super) sharpness: (f64, f64),
    /// Probability that a call follows the one before instead of starting afresh: beta.
    pub(super) train: (f64, f64),
    /// Mean seconds between calls of a train: log-normal; and the gamma shape of these gaps: uniform.
    pub(super) gap_s: (f64, f64),
    pub(super) gap_shape: (f64, f64),
    /// Seconds of ringing until the SIM gives up: uniform.
    pub(super) patience_s: (f64, f64),
    /// Probability that a called stranger calls back: beta.
    pub(super) call_back: (f64, f64),
    /// Share of calls away from home and work: beta.
    pub(super) roam: (f64, f64),
    /// Probability of one handset more, again and again.
    pub(super) handsets: f64,
    /// Messages sent a day: log-normal; and the share of them to strangers.
    pub(super) texts: (f64, f64),
    pub(super) text_strangers: f64,
    /// Share of messages that take two parts.
    pub(super) long_texts: f64,
    /// Where strangers come from.
    pub(super) aim: Aim,
    /// Share of strangers that are dialled one after the other.
    pub(super) in_sequence: f64,
    /// Share of contacts, customers and dialled numbers that are in our own network.
    pub(super) onnet: f64,
}

/// What one SIM is like; the fields of `Law`, drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habit {
    pub(super) rate: f64,
    pub(super) active: f64,
    pub(super) day_shape: f64,
    pub(super) weekend: f64,
    pub(super) lead: f64,
    pub(super) stranger: f64,
    pub(super) stranger_lead: f64,
    pub(super) keep: f64,
    pub(super) mutual: f64,
    pub(super) theta: f64,
    pub(super) discount: f64,
    pub(super) favourite: f64,
    pub(super) answered: f64,
    pub(super) talk_s: f64,
    /// Shape of the log-logistic duration.
    pub(super) talk_shape: f64,
    /// Weight of each local hour, summed up.
    pub(super) hours: [f64; 24],
    pub(super) train: f64,
    pub(super) gap_s: f64,
    pub(super) gap_shape: f64,
    pub(super) patience_s: f64,
    pub(super) call_back: f64,
    pub(super) roam: f64,
    pub(super) handsets: usize,
    pub(super) texts: f64,
    pub(super) text_strangers: f64,
    pub(super) long_texts: f64,
    pub(super) aim: Aim,
    pub(super) in_sequence: f64,
    pub(super) onnet: f64,
}

/// One SIM's habits.
pub(super) fn draw(law: &Law, rng: &mut Rng) -> Habit {
    let stranger = beta(rng, law.stranger);
    // The calls of relations that others found are drawn at their end.
    let own_end = 1.0 - law.onnet / 2.0 * law.mutual * (1.0 - stranger);
    Habit {
        rate: log_normal(rng, law.rate) * own_end,
        active: beta(rng, law.active),
        day_shape: law.day_shape,
        weekend: law.weekend,
        lead: beta(rng, law.lead),
        stranger,
        stranger_lead: law.stranger_lead,
        keep: law.keep,
        mutual: law.mutual,
        theta: log_normal(rng, law.theta),
        discount: discount(rng, law.discount),
        favourite: beta(rng, law.favourite),
        answered: tilted(law.answered, 0.4 * normal(rng)),
        talk_s: log_normal(rng, law.talk_s),
        talk_shape: between(rng, law.talk_shape),
        hours: hours(law.curve, between(rng, law.sharpness), rng),
        train: beta(rng, law.train),
        gap_s: log_normal(rng, law.gap_s),
        gap_shape: between(rng, law.gap_shape),
        patience_s: between(rng, law.patience_s),
        call_back: beta(rng, law.call_back),
        roam: beta(rng, law.roam),
        handsets: 1 + streak(rng, law.handsets, 12),
        texts: log_normal(rng, law.texts),
        text_strangers: law.text_strangers,
        long_texts: law.long_texts,
        aim: law.aim,
        in_sequence: law.in_sequence,
        onnet: law.onnet,
    }
}

/// The discount of a Pitman-Yor process, by the mean and the spread of a normal.
pub(super) fn discount(rng: &mut Rng, (mean, spread): (f64, f64)) -> f64 {
    (mean + spread * normal(rng)).clamp(0.2, 0.85)
}

/// A probability moved on the logit scale.
pub(super) fn tilted(probability: f64, by: f64) -> f64 {
    let odds = probability / (1.0 - probability) * by.exp();
    odds / (1.0 + odds)
}

/// A local hour of the day with its minutes, as likely as the SIM's curve says; in hours.
pub(super) fn hour(hours: &[f64; 24], rng: &mut Rng) -> f64 {
    let at = between(rng, (0.0, hours[23]));
    let hour = hours.partition_point(|upto| *upto <= at).min(23);
    let before = if hour == 0 { 0.0 } else { hours[hour - 1] };
    let whole = f64::from(u32::try_from(hour).unwrap_or(0));
    whole + ((at - before) / (hours[hour] - before)).clamp(0.0, 1.0)
}

pub(super) fn hours(curve: Curve, sharpness: f64, rng: &mut Rng) -> [f64; 24] {
    let mut upto = 0.0;
    weights(curve).map(|weight| {
        upto += weight.powf(sharpness) * gamma(rng, 6.0, 1.0);
        upto
    })
}

/// Relative weights of the local hours, from midnight on.
fn weights(curve: Curve) -> [f64; 24] {
    match curve {
        Curve::Person => [
            0.3, 0.15, 0.1, 0.08, 0.12, 0.4, 1.2, 2.5, 4.2, 5.6, 6.2, 6.0, 4.6, 3.8, 4.2, 4.8, 5.4, 6.2, 6.6, 6.2, 5.2,
            3.9, 2.2, 0.9,
        ],
        Curve::Office => [
            0.02, 0.01, 0.01, 0.01, 0.02, 0.05, 0.2, 1.6, 6.0, 8.5, 8.5, 7.0, 2.6, 4.4, 7.5, 8.0, 7.0, 3.4, 1.2, 0.6,
            0.3, 0.2, 0.08, 0.03,
        ],
        Curve::Errand => [
            0.1, 0.05, 0.03, 0.03, 0.05, 0.15, 0.5, 1.6, 4.0, 6.0, 7.5, 7.4, 5.0, 4.4, 5.4, 6.2, 7.0, 7.4, 6.4, 4.2,
            2.2, 1.1, 0.5, 0.2,
        ],
        Curve::Dialer => [
            0.02, 0.01, 0.01, 0.01, 0.02, 0.06, 0.2, 0.8, 3.4, 7.4, 8.4, 7.2, 2.6, 3.4, 7.4, 8.0, 7.4, 5.8, 3.0, 1.8,
            1.0, 0.5, 0.15, 0.05,
        ],
        Curve::AllDay => [
            2.0, 1.6, 1.4, 1.4, 1.6, 2.0, 3.0, 4.0, 4.6, 5.0, 5.0, 5.0, 4.6, 4.6, 4.8, 5.0, 5.0, 5.0, 5.0, 5.0, 4.8,
            4.2, 3.4, 2.6,
        ],
        Curve::Notice => [
            0.1, 0.06, 0.04, 0.04, 0.05, 0.1, 0.5, 1.8, 4.5, 7.0, 10.0, 9.4, 6.0, 5.6, 6.2, 6.6, 7.0, 6.0, 3.6, 2.8,
            2.0, 1.2, 0.6, 0.2,
        ],
    }
}

//! What kind of operator to invent.
//!
//! In: nothing. Out: the options and their defaults: the base is calibrated by ACCURACY 5.2, what comes beyond it is
//! small and judged. Never: holds what a class of SIMs is like.

use crate::domain::day::Day;

/// What kind of operator to invent. Shares are in [0, 1].
#[derive(Debug, Clone)]
pub struct Options {
    /// Everything follows from it.
    pub seed: u64,
    /// Subscriptions of the base: those of the beginning and those activated later.
    pub subscribers: u32,
    /// First measured day.
    pub first_day: Day,
    /// Measured days.
    pub days: u32,
    /// Days of traffic before the first measured one.
    pub history_days: u32,
    /// Spam SIMs among them, over history and measured days together.
    pub spam_share: f64,
    /// Couriers, call centres, new SIMs and others who look like spam and are not.
    pub hard_negative_share: f64,
    /// Spoilt copies, per message; 25 times as many on the JSON topics.
    pub malformed_share: f64,
    /// Messages that come a second time, byte for byte.
    pub resent_share: f64,
    /// Messages that come 1 to 20 hours late.
    pub late_share: f64,
    /// Lines that the operator itself locks the day after their use has ended, of those that stay open.
    pub lock_share: f64,
    /// How people answer surveys.
    pub survey: SurveyOptions,
    /// How people report spam.
    pub report: ReportOptions,
    /// What comes on top of the base.
    pub beyond: BeyondOptions,
}

/// How people answer surveys. Shares are in [0, 1].
#[derive(Debug, Clone)]
pub struct SurveyOptions {
    /// Requests that are answered.
    pub answer_share: f64,
    /// Answers "yes" when the subject really made a spam call to the respondent.
    pub yes_if_spam: f64,
    /// Answers "yes" when it did not.
    pub yes_if_not: f64,
}

/// How people report spam. Shares are in [0, 1].
#[derive(Debug, Clone)]
pub struct ReportOptions {
    /// Least share of a SIM's answered spam calls that are reported.
    pub least_share: f64,
    /// Most; log-uniform between the two, one draw a SIM.
    pub most_share: f64,
    /// Reports that name another number by mistake.
    pub mistaken_share: f64,
    /// Reports that name an innocent subscriber on purpose.
    pub malicious_share: f64,
    /// Median time from the call to the report, seconds.
    pub delay_median_s: f64,
    /// Standard deviation of its logarithm.
    pub delay_sigma: f64,
    /// Reports about a campaign's numbers that name its page or its account.
    pub named_share: f64,
    /// Reports by SMS that list other numbers, of those whose writers got spam of others on the day.
    pub list_share: f64,
    /// Subscribers who send an order about the do-not-call register on a day.
    pub order_share: f64,
}

/// What comes on top of the base, by draws of its own: no message of the base depends on it. Machines and
/// advertisers come beside all else, so that nothing of the rest depends on them either.
///
/// Shares are of the base's subscriptions. A kind with fewer SIMs than one group of it takes is left out.
#[derive(Debug, Clone)]
pub struct BeyondOptions {
    /// SIMs in SIM boxes.
    pub sim_box_share: f64,
    /// SIMs in pools that harass debtors and their relatives.
    pub debt_pool_share: f64,
    /// Spam SIMs in campaigns that work through one short list.
    pub shared_list_share: f64,
    /// SIMs that are registered in bulk; a quarter is used for spam.
    pub bulk_share: f64,
    /// SIMs of robots that play a message.
    pub robot_share: f64,
    /// Innocent SIMs that look like those: switchboards, fleets, freshmen, lenders.
    pub lookalike_share: f64,
    /// Days on which a gang shows false numbers by one trunk.
    pub spoofing_day_share: f64,
    /// Honest calls from outside by such trunks, per subscription and day.
    pub abroad_share: f64,
    /// Subscriptions that an innocent event makes call in a burst on a day.
    pub event_share: f64,
    /// Innocent SIMs whose calls a machine makes, or that work like one: reminders, alarms, dispatchers.
    pub machine_share: f64,
    /// SIMs of registered advertisers, and of others who call as they do.
    pub advertiser_share: f64,
    /// Days on which a gang reports an innocent number.
    pub brigade_day_share: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            subscribers: 20_000,
            // 2025-01-06, a Monday.
            first_day: Day::from_epoch_days(20_094),
            days: 14,
            history_days: 28,
            spam_share: 0.005,
            hard_negative_share: 0.10,
            malformed_share: 2e-4,
            resent_share: 3e-3,
            late_share: 2e-3,
            lock_share: 0.2,
            survey: SurveyOptions::default(),
            report: ReportOptions::default(),
            beyond: BeyondOptions::default(),
        }
    }
}

impl Default for SurveyOptions {
    fn default() -> Self {
        Self { answer_share: 0.10, yes_if_spam: 0.80, yes_if_not: 0.01 }
    }
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            least_share: 1e-4,
            most_share: 5e-4,
            mistaken_share: 0.07,
            malicious_share: 0.002,
            delay_median_s: 3_600.0,
            delay_sigma: 2.0,
            named_share: 0.2,
            list_share: 0.2,
            order_share: 2e-4,
        }
    }
}

impl BeyondOptions {
    /// The base alone.
    pub const NOTHING: Self = Self::all(0.0);

    /// The same share for everything.
    pub const fn all(share: f64) -> Self {
        Self {
            sim_box_share: share,
            debt_pool_share: share,
            shared_list_share: share,
            bulk_share: share,
            robot_share: share,
            lookalike_share: share,
            spoofing_day_share: share,
            abroad_share: share,
            event_share: share,
            machine_share: share,
            advertiser_share: share,
            brigade_day_share: share,
        }
    }
}

impl Default for BeyondOptions {
    fn default() -> Self {
        Self {
            sim_box_share: 6e-4,
            debt_pool_share: 5e-4,
            shared_list_share: 4e-4,
            bulk_share: 2e-3,
            robot_share: 4e-4,
            lookalike_share: 2e-3,
            spoofing_day_share: 0.25,
            abroad_share: 1e-3,
            event_share: 1e-3,
            machine_share: 8e-4,
            advertiser_share: 6e-4,
            brigade_day_share: 0.3,
        }
    }
}

//! The classes of SIMs, their shares, and the law of each.
//!
//! In: nothing. Out: classes, their names and what they share. Never: holds code that only one class runs.

use super::behaviour::Law;
use super::law;

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
    /// Beyond the base: several SIMs of a firm in one device.
    Switchboard,
    /// Beyond the base: reminds its own debtors.
    Lender,
    /// Beside the base: plays a message to a firm's own customers.
    Reminder,
    /// Beside the base: a device that calls its few numbers on its own.
    Alarm,
    /// Beside the base: tells one customer after the other that somebody is on the way.
    Dispatcher,
    /// Beside the base: sells by telephone, and a register says so.
    Advertiser,
    /// Beside the base: calls the people of a list as an advertiser does, and sells nothing.
    Organiser,
    Spam(Archetype),
}

/// The kinds of SIMs that a bar is right for; the last five come beyond the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Archetype {
    Burst,
    Blaster,
    SmsAndCall,
    Camouflaged,
    Mixed,
    Tiny,
    OneRing,
    /// Carries others' calls.
    SimBox,
    /// Harasses a few people for money, with others.
    DebtPool,
    /// As burst, with most of its calls from one short list.
    SharedList,
    /// As burst, from a stock that was registered in bulk.
    BulkStock,
    /// Plays a recorded message to one number after the other.
    Robot,
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
            Self::Switchboard => "switchboard",
            Self::Lender => "lender",
            Self::Reminder => "reminder",
            Self::Alarm => "alarm",
            Self::Dispatcher => "dispatcher",
            Self::Advertiser => "advertiser",
            Self::Organiser => "organiser",
            Self::Spam(_) => "spam",
        }
    }

    pub(super) fn archetype(self) -> Option<Archetype> {
        match self {
            Self::Spam(archetype) => Some(archetype),
            _ => None,
        }
    }

    /// Whether the people whom it calls do not want it; those whom a SIM box connects do.
    pub(super) fn is_unwanted(self) -> bool {
        self.archetype().is_some_and(|archetype| archetype != Archetype::SimBox)
    }

    /// Whether it looks like spam and is not.
    pub(super) fn is_protected(self) -> bool {
        let is_beyond = matches!(self, Self::Switchboard | Self::Lender);
        let is_beside =
            matches!(self, Self::Reminder | Self::Alarm | Self::Dispatcher | Self::Advertiser | Self::Organiser);
        is_beyond || is_beside || HARD.iter().any(|(class, _)| *class == self)
    }

    /// Whether its calls are advertising where a register has it; a clinic's name stands in one for other reasons.
    pub(super) fn advertises(self) -> bool {
        matches!(self, Self::CallCentre | Self::Advertiser)
    }

    /// Whether it is a business that people call.
    pub(super) fn is_business(self) -> bool {
        matches!(self, Self::Courier | Self::Driver | Self::CallCentre | Self::Clinic | Self::School)
    }

    /// The parameters of the class.
    pub(super) fn law(self) -> &'static Law {
        match self {
            Self::Light => &law::PERSON,
            Self::Heavy => &law::HEAVY,
            Self::Talker => &law::TALKER,
            Self::Idle => &law::IDLE,
            Self::Courier => &law::COURIER,
            Self::Driver => &law::DRIVER,
            Self::CallCentre => &law::CALL_CENTRE,
            Self::Clinic => &law::CLINIC,
            Self::School => &law::SCHOOL,
            Self::NewSim => &law::NEW_SIM,
            Self::Switchboard => &law::SWITCHBOARD,
            Self::Lender => &law::LENDER,
            Self::Reminder => &law::REMINDER,
            Self::Alarm => &law::ALARM,
            Self::Dispatcher => &law::DISPATCHER,
            Self::Advertiser => &law::ADVERTISER,
            Self::Organiser => &law::ORGANISER,
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
            Self::SimBox => "sim_box",
            Self::DebtPool => "debt_pool",
            Self::SharedList => "shared_list",
            Self::BulkStock => "bulk_stock",
            Self::Robot => "robot",
        }
    }

    fn law(self) -> &'static Law {
        match self {
            Self::Burst | Self::SharedList | Self::BulkStock => &law::BURST,
            Self::Blaster => &law::BLASTER,
            Self::SmsAndCall => &law::SMS_AND_CALL,
            Self::Camouflaged => &law::CAMOUFLAGED,
            Self::Mixed => &law::MIXED,
            Self::Tiny => &law::TINY,
            Self::OneRing => &law::ONE_RING,
            Self::SimBox => &law::SIM_BOX,
            Self::DebtPool => &law::DEBT_POOL,
            Self::Robot => &law::ROBOT,
        }
    }
}

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

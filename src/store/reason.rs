//! Why somebody did something: codes, so that they can be counted.
//!
//! In: a code. Out: whether it is one of those for the act. Never: free text; that is the note beside it.

/// What a reason is given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// `review --outcome confirm`.
    Confirm,
    /// `review --outcome dismiss`.
    Dismiss,
    /// `appeal open`.
    Appeal,
    /// `appeal close --outcome overturn`.
    Overturn,
    /// `appeal close --outcome reject`.
    Reject,
    /// `release`.
    Release,
    /// `allow add`.
    Allow,
    /// `allow remove`.
    Disallow,
}

/// A code, and what it says.
type Reason = (&'static str, &'static str);

/// A code that is none for its act: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("\"{code}\" is no reason for this; there are\n{}", .purpose.text())]
pub struct Unknown {
    code: String,
    purpose: Purpose,
}

impl Purpose {
    /// Its codes.
    pub fn reasons(self) -> &'static [Reason] {
        match self {
            Self::Confirm => &[
                ("pattern", "the calls look like spam to a person's eye too"),
                ("callees_confirm", "called people say so"),
                ("reports_confirm", "the reports' wording says so"),
                ("admitted", "the subscriber says so"),
            ],
            Self::Dismiss => &[
                ("business", "a business that calls its own customers"),
                ("courier", "a courier or driver at work"),
                ("private", "private use"),
                ("spoofed", "others showed this number"),
                ("data_error", "records or reports are wrong"),
            ],
            Self::Appeal => &[
                ("subscriber", "the subscriber objects"),
                ("business", "a company objects for its number"),
                ("authority", "an authority asks"),
            ],
            Self::Overturn => &[
                ("lawful_use", "the calls were no spam"),
                ("spoofed", "others showed this number"),
                ("misused", "others used the SIM or the handset"),
                ("data_error", "records or reports are wrong"),
                ("new_owner", "the number has another owner now"),
            ],
            Self::Reject => &[
                ("evidence_holds", "the evidence bears the verdict"),
                ("not_the_subscriber", "whoever objects does not hold the number"),
                ("no_answer", "whoever objects could not be reached"),
            ],
            Self::Release => &[
                ("our_error", "the bar was a mistake of ours"),
                ("authority", "an authority asks"),
                ("undertaking", "the subscriber has promised to stop"),
                ("misused", "others used the SIM or the handset"),
                ("urgent_need", "somebody is in danger without the number"),
            ],
            Self::Allow => &[
                ("health", "a hospital, clinic or pharmacy"),
                ("school", "a school"),
                ("public_service", "an authority or an emergency service"),
                ("call_centre", "a registered call centre"),
                ("carrier", "a number of the carrier itself"),
                ("delivery", "a courier or transport company"),
            ],
            Self::Disallow => &[
                ("ended", "the reason for which it was allowed has ended"),
                ("entered_wrongly", "it should not have been allowed"),
                ("abused", "it was used for spam"),
            ],
        }
    }

    /// The code, if it is one of these.
    pub fn check(self, code: &str) -> Result<&'static str, Unknown> {
        let found = self.reasons().iter().find(|(known, _)| *known == code);
        found.map(|(known, _)| *known).ok_or_else(|| Unknown { code: code.to_owned(), purpose: self })
    }

    /// Its codes for people, one a line.
    pub fn text(self) -> String {
        let line = |(code, says): &Reason| format!("  {code:<19} {says}");
        self.reasons().iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

//! How verdicts follow one another: every pair of verdict and event, in one table.
//!
//! In: a verdict and what happened. Out: the next verdict. Never: skips a pair; a new verdict or event does not
//! compile before its row is written.

use crate::domain::verdict::Verdict;

/// What happened to a subscription on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Nothing new is known.
    Quiet,
    /// Evidence for a look.
    Watch,
    /// Evidence for asking the called people.
    Ask,
    /// Evidence for barring outgoing calls.
    Limit,
    /// Evidence for barring both ways.
    Block,
    /// The verdict has lapsed and nothing renews it, or people have taken back what it stands on.
    Lapse,
    /// The allow-list or the nature of the number protects it.
    Protect,
}

/// The next verdict. A verdict never weakens by weaker evidence, only by lapse, protection or denial; a bar ends in a release.
pub fn next(verdict: Verdict, event: Event) -> Verdict {
    use Event::{Ask, Block, Lapse, Limit, Protect, Quiet, Watch};
    use Verdict::{Blocked, Clear, Limited, Released, Survey, Watched};
    match (verdict, event) {
        (Clear, Quiet | Lapse | Protect) => Clear,
        (Clear, Watch) => Watched,
        (Clear, Ask) => Survey,
        (Clear, Limit) => Limited,
        (Clear, Block) => Blocked,

        (Watched, Quiet | Watch) => Watched,
        (Watched, Ask) => Survey,
        (Watched, Limit) => Limited,
        (Watched, Block) => Blocked,
        (Watched, Lapse | Protect) => Clear,

        (Survey, Quiet | Watch | Ask) => Survey,
        (Survey, Limit) => Limited,
        (Survey, Block) => Blocked,
        (Survey, Lapse | Protect) => Clear,

        (Limited, Quiet | Watch | Ask | Limit) => Limited,
        (Limited, Block) => Blocked,
        (Limited, Lapse | Protect) => Released,

        (Blocked, Quiet | Watch | Ask | Limit | Block) => Blocked,
        (Blocked, Lapse | Protect) => Released,

        (Released, Quiet | Watch) => Released,
        (Released, Ask) => Survey,
        (Released, Limit) => Limited,
        (Released, Block) => Blocked,
        (Released, Lapse | Protect) => Clear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_never_weakens_a_verdict() {
        for verdict in Verdict::ALL.into_iter().filter(|verdict| *verdict != Verdict::Released) {
            for event in [Event::Quiet, Event::Watch, Event::Ask, Event::Limit, Event::Block] {
                assert!(next(verdict, event) >= verdict, "{verdict} {event:?}");
            }
        }
    }
}

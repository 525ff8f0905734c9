//! Whose turn it is: what a target carries out as it arrives must not arrive behind what undid it.
//!
//! In: a folder's name, and what the table `delivery` says of others of its kind at a target. Out: whether it may go, and
//! what is in its way. Never: an order among what is only read, as packages and notices.

use std::collections::BTreeMap;

use super::{DONE, SUPERSEDED};
use crate::domain::day::Day;
use crate::export::blocklist::file::numbered;
use crate::lake::Handle;
use crate::schema::column::delivery as column;

/// Of these each folder goes on from the one before it.
const STEPS: [&str; 2] = ["blocklist-delta", "blocklist-mml"];
/// Of these each is the whole as of its day.
const WHOLE: &str = "blocklist";

/// Whether it is a folder's turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is.
    Due,
    /// This one comes before it, and has not arrived.
    Early(String),
    /// This one comes behind it, and has gone or may have gone.
    Late(String),
}

impl Turn {
    /// Whether it is a folder's turn at a target.
    pub(super) async fn read(table: &Handle, target: &str, folder: &str) -> anyhow::Result<Self> {
        let mut noted = Vec::new();
        if place(folder).is_some() {
            let columns = [column::FOLDER.name, column::STATE.name];
            for batch in table.rows_with(column::TARGET.name, target, &columns).await? {
                let (folders, states) = (column::FOLDER.of(&batch)?, column::STATE.of(&batch)?);
                let rows = 0..batch.num_rows();
                noted.extend(rows.map(|row| (folders.value(row).to_owned(), states.value(row).to_owned())));
            }
        }
        Ok(Self::of(folder, &noted))
    }

    /// The same by folders and what was noted of them.
    fn of(folder: &str, noted: &[(String, String)]) -> Self {
        let Some((kind, own)) = place(folder) else { return Self::Due };
        // Whether nothing of a place is still to come; of those behind it also what has ever been begun.
        let (mut settled, mut begun) = (BTreeMap::new(), None);
        for (other, state) in noted {
            let Some((_, at)) = place(other).filter(|(of, _)| *of == kind) else { continue };
            if at > own && state != SUPERSEDED {
                begun = begun.max(Some((at, other)));
            }
            *settled.entry(at).or_insert(false) |= [DONE, SUPERSEDED].contains(&state.as_str());
        }
        if let Some((_, later)) = begun {
            return Self::Late(later.clone());
        }
        let mut earlier = settled.range(..own);
        let missing = match earlier.clone().rfind(|(_, is_settled)| **is_settled) {
            Some((last, _)) => Some(last + 1),
            // A target that is new begins anywhere.
            None => earlier.next().map(|(first, _)| *first),
        };
        match missing.filter(|at| kind != WHOLE && *at < own) {
            Some(at) => Self::Early(format!("{kind}/{}", numbered(at))),
            None => Self::Due,
        }
    }
}

/// A folder's kind, and where it stands among its kind; none where no order matters.
fn place(folder: &str) -> Option<(&str, i64)> {
    let (kind, place) = folder.split_once('/')?;
    let at = match kind {
        WHOLE => place.parse::<Day>().ok()?.epoch_days().into(),
        kind if STEPS.contains(&kind) => place.parse().ok()?,
        _ => return None,
    };
    Some((kind, at))
}

#[cfg(test)]
mod tests {
    use super::super::{FAILED, INTENDED};
    use super::*;

    /// Whose turn it is behind what was noted, as `FOLDER STATE`.
    #[track_caller]
    fn check(folder: &str, noted: &[&str], expected: Turn) {
        let noted: Vec<(String, String)> = noted
            .iter()
            .map(|line| line.split_once(' ').map(|(folder, state)| (folder.to_owned(), state.to_owned())).unwrap())
            .collect();
        assert_eq!(Turn::of(folder, &noted), expected, "{folder} behind {noted:?}");
    }

    fn early(folder: &str) -> Turn {
        Turn::Early(folder.to_owned())
    }

    fn late(folder: &str) -> Turn {
        Turn::Late(folder.to_owned())
    }

    #[test]
    fn what_goes_on_from_another_waits_for_it() {
        let eight = "blocklist-mml/00000008";
        let begun = |state: &str| format!("blocklist-mml/00000007 {state}");
        check(eight, &[], Turn::Due);
        check(eight, &[&begun(INTENDED)], early("blocklist-mml/00000007"));
        check(eight, &[&begun(INTENDED), &begun(FAILED)], early("blocklist-mml/00000007"));
        check(eight, &[&begun(FAILED), &begun(DONE)], Turn::Due);
        check(eight, &[&begun(SUPERSEDED)], Turn::Due);
        check(eight, &["blocklist-mml/00000006 done"], early("blocklist-mml/00000007"));
        check(eight, &["blocklist-mml/00000002 failed", &begun(DONE)], Turn::Due);
        check(eight, &["blocklist-delta/00000007 failed"], Turn::Due);
    }

    #[test]
    fn what_was_undone_since_does_not_go() {
        let seven = "blocklist-mml/00000007";
        for state in [INTENDED, FAILED, DONE] {
            let eight = format!("blocklist-mml/00000008 {state}");
            check(seven, &["blocklist-mml/00000007 failed", &eight], late("blocklist-mml/00000008"));
        }
        check(seven, &["blocklist-mml/00000009 done", "blocklist-mml/00000008 done"], late("blocklist-mml/00000009"));
        check(seven, &["blocklist-delta/00000008 done"], Turn::Due);
        check("blocklist/2025-01-06", &["blocklist/2025-01-07 done"], late("blocklist/2025-01-07"));
    }

    #[test]
    fn a_whole_list_waits_for_none_and_the_rest_has_no_order() {
        check("blocklist/2025-01-08", &["blocklist/2025-01-06 failed"], Turn::Due);
        check("blocklist/2025-01-08", &["blocklist/2025-01-08 done"], Turn::Due);
        check("regulator/2025-W02", &["regulator/2025-W03 done"], Turn::Due);
    }
}

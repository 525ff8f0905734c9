//! Two versions of the rules over the same days: who is flagged by one and not by the other.
//!
//! In: what each version says of every subscription, day by day, and who is protected. Out: counts by day, group and
//! segment, and the subscriptions on which the two differ, masked. Never: says which version is right.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::decide::Subject;
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::domain::verdict::Verdict;

/// Subscriptions that a list names at most; the counts are of all.
const LISTED: usize = 200;

/// What one version says of a subscription on a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// What the evidence alone would bear.
    pub proposed: Verdict,
    /// What the rails and the state machine made of it.
    pub verdict: Verdict,
    /// The verdict of the day before.
    pub previous: Verdict,
    /// The case, once there is a verdict.
    pub case_id: Option<String>,
    /// Highest score within the evidence's days.
    pub score: Option<f64>,
    /// Budget that it falls under.
    pub segment: String,
    /// On the allow-list.
    pub is_allow_listed: bool,
    /// A special number or a registered brand's.
    pub is_special: bool,
}

/// What one version says of everybody on a day.
pub type Standings = BTreeMap<Subject, Standing>;

/// A day as both versions see it.
#[derive(Debug)]
pub struct Seen {
    /// The day.
    pub day: Day,
    /// As the lake holds it.
    pub live: Standings,
    /// As the changed rules would have it.
    pub tried: Standings,
}

/// Whom no version may hurt, beside those that the standings name.
#[derive(Debug, Default)]
pub struct Known {
    /// Barred once, and released because the bar was wrong.
    pub overturned: BTreeSet<Subject>,
    /// Numbers that are confirmed to advertise.
    pub advertisers: BTreeSet<Number>,
}

/// How many by each version, and by one alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// By the live version.
    pub live: usize,
    /// By the changed one.
    pub tried: usize,
    /// By the changed one alone.
    pub newly: usize,
    /// By the live one alone.
    pub no_longer: usize,
}

/// A day in counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayCounts {
    /// The day.
    pub day: Day,
    /// Held at survey or stronger.
    pub flagged: Counts,
    /// Held at limited or blocked.
    pub barred: Counts,
    /// Bars that began on the day.
    pub new_bars: Counts,
    /// The same by segment, each of which has a budget.
    pub new_bars_by_segment: BTreeMap<String, Counts>,
}

/// Subscriptions ever accused, flagged and barred in the days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Overlap {
    /// Evidence alone bore survey or more, whatever a rail made of it.
    pub accused: Counts,
    /// Survey or stronger.
    pub flagged: Counts,
    /// Limited or blocked.
    pub barred: Counts,
}

/// A subscription that one version flags and the other does not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Differing {
    /// Masked.
    pub number: String,
    /// Case of the version that flags it, by which `decision` has the number.
    pub case_id: String,
    /// First day in question at survey or stronger.
    pub first_day: Day,
    /// Budget that it falls under.
    pub segment: String,
    /// Strongest verdict of each version.
    pub live: Verdicted,
    /// See `live`.
    pub tried: Verdicted,
    /// Protected groups that it belongs to.
    pub groups: BTreeSet<&'static str>,
}

/// The strongest verdict and the highest score of a version.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Verdicted {
    /// The verdict's word.
    pub verdict: &'static str,
    /// The score.
    pub score: Option<f64>,
}

/// The comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Each day.
    pub days: Vec<DayCounts>,
    /// All subscriptions.
    pub all: Overlap,
    /// Those that are protected, by group, of which one may be in several.
    pub groups: BTreeMap<&'static str, Overlap>,
    /// All by segment.
    pub segments: BTreeMap<String, Overlap>,
    /// Flagged by the changed version alone, highest scores first.
    pub newly_flagged: Vec<Differing>,
    /// Flagged by the live version alone, likewise.
    pub no_longer_flagged: Vec<Differing>,
}

/// Names of the protected groups.
pub const GROUPS: [&str; 4] = ["overturned", "allow_list", "special_or_brand", "advertiser"];

/// What became of a subscription in all days, by one version.
#[derive(Debug, Clone)]
struct History {
    is_accused: bool,
    strongest: Verdict,
    score: Option<f64>,
    flagged: Option<(Day, String)>,
}

/// The same by both.
#[derive(Debug)]
struct Both {
    live: History,
    tried: History,
    segment: String,
    groups: BTreeSet<&'static str>,
}

/// Compares two versions over some days.
pub fn compare(days: &[Seen], known: &Known) -> Comparison {
    let all = histories(days, known);
    let of_group = |group: &'static str| (group, Overlap::of(all.values().filter(|both| both.groups.contains(group))));
    let segments: BTreeSet<&String> = all.values().map(|both| &both.segment).collect();
    let of_segment =
        |segment: &String| (segment.clone(), Overlap::of(all.values().filter(|both| both.segment == *segment)));
    Comparison {
        days: days.iter().map(DayCounts::of).collect(),
        all: Overlap::of(all.values()),
        groups: GROUPS.into_iter().map(of_group).collect(),
        segments: segments.into_iter().map(of_segment).collect(),
        newly_flagged: differing(&all, |both| (&both.tried, &both.live)),
        no_longer_flagged: differing(&all, |both| (&both.live, &both.tried)),
    }
}

fn histories(days: &[Seen], known: &Known) -> BTreeMap<Subject, Both> {
    let mut all: BTreeMap<Subject, Both> = BTreeMap::new();
    for seen in days {
        for (is_live, standings) in [(true, &seen.live), (false, &seen.tried)] {
            for (subject, standing) in standings {
                let both = all.entry(*subject).or_insert_with(|| Both::new(*subject, known));
                both.segment.clone_from(&standing.segment);
                both.groups.extend(standing.is_allow_listed.then_some("allow_list"));
                both.groups.extend(standing.is_special.then_some("special_or_brand"));
                let history = if is_live { &mut both.live } else { &mut both.tried };
                history.add(seen.day, standing);
            }
        }
    }
    all
}

impl Both {
    fn new(subject: Subject, known: &Known) -> Self {
        let nothing = History { is_accused: false, strongest: Verdict::Clear, score: None, flagged: None };
        let mut groups = BTreeSet::new();
        groups.extend(known.overturned.contains(&subject).then_some("overturned"));
        groups.extend(known.advertisers.contains(&subject.number).then_some("advertiser"));
        Self { live: nothing.clone(), tried: nothing, segment: String::new(), groups }
    }
}

impl History {
    fn add(&mut self, day: Day, standing: &Standing) {
        self.is_accused |= standing.proposed.is_flag();
        self.strongest = self.strongest.max(standing.verdict);
        let higher = |score: &f64| self.score.is_none_or(|known| known < *score);
        self.score = standing.score.filter(higher).or(self.score);
        if standing.verdict.is_flag() && self.flagged.is_none() {
            self.flagged = Some((day, standing.case_id.clone().unwrap_or_default()));
        }
    }

    fn verdicted(&self) -> Verdicted {
        Verdicted { verdict: self.strongest.as_str(), score: self.score }
    }
}

impl Counts {
    fn add(&mut self, live: bool, tried: bool) {
        self.live += usize::from(live);
        self.tried += usize::from(tried);
        self.newly += usize::from(tried && !live);
        self.no_longer += usize::from(live && !tried);
    }
}

impl Overlap {
    fn of<'a>(all: impl Iterator<Item = &'a Both>) -> Self {
        let mut overlap = Self::default();
        for Both { live, tried, .. } in all {
            overlap.accused.add(live.is_accused, tried.is_accused);
            overlap.flagged.add(live.strongest.is_flag(), tried.strongest.is_flag());
            overlap.barred.add(live.strongest.is_bar(), tried.strongest.is_bar());
        }
        overlap
    }
}

impl DayCounts {
    fn of(seen: &Seen) -> Self {
        let nothing = Counts::default();
        let mut counts = Self {
            day: seen.day,
            flagged: nothing,
            barred: nothing,
            new_bars: nothing,
            new_bars_by_segment: BTreeMap::new(),
        };
        let subjects: BTreeSet<&Subject> = seen.live.keys().chain(seen.tried.keys()).collect();
        for subject in subjects {
            let both = [seen.live.get(subject), seen.tried.get(subject)];
            let is = |is: fn(&Standing) -> bool| both.map(|standing| standing.is_some_and(is));
            let [live, tried] = is(|standing| standing.verdict.is_flag());
            counts.flagged.add(live, tried);
            let [live, tried] = is(|standing| standing.verdict.is_bar());
            counts.barred.add(live, tried);
            let [live, tried] = is(|standing| standing.verdict.is_bar() && !standing.previous.is_bar());
            counts.new_bars.add(live, tried);
            if let Some(standing) = both.into_iter().flatten().next().filter(|_| live || tried) {
                counts.new_bars_by_segment.entry(standing.segment.clone()).or_default().add(live, tried);
            }
        }
        counts
    }
}

/// Those whom the first history flags and the second does not.
fn differing(all: &BTreeMap<Subject, Both>, of: impl Fn(&Both) -> (&History, &History)) -> Vec<Differing> {
    let mut found: Vec<(Option<f64>, Differing)> = Vec::new();
    for (subject, both) in all {
        let (flagging, other) = of(both);
        if let (Some((first_day, case_id)), None) = (&flagging.flagged, &other.flagged) {
            let differing = Differing {
                number: subject.number.to_string(),
                case_id: case_id.clone(),
                first_day: *first_day,
                segment: both.segment.clone(),
                live: both.live.verdicted(),
                tried: both.tried.verdicted(),
                groups: both.groups.clone(),
            };
            found.push((flagging.score, differing));
        }
    }
    let score = |(score, _): &(Option<f64>, Differing)| score.unwrap_or_default();
    found.sort_by(|a, b| score(b).total_cmp(&score(a)));
    found.into_iter().take(LISTED).map(|(_, differing)| differing).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::job::backtest) fn day(day: i32) -> Day {
        Day::from_epoch_days(20_094 + day)
    }

    fn subject(number: i64) -> Subject {
        Subject { number: Number::from_e164(84_900_000_000 + number).unwrap(), activated_at: Some(0) }
    }

    fn standing(verdict: Verdict, score: f64) -> Standing {
        Standing {
            proposed: verdict,
            verdict,
            previous: Verdict::Clear,
            case_id: Some(format!("C-{score}")),
            score: Some(score),
            segment: "prepaid".to_owned(),
            is_allow_listed: false,
            is_special: false,
        }
    }

    fn standings(all: &[(i64, Verdict, f64)]) -> Standings {
        all.iter().map(|(number, verdict, score)| (subject(*number), standing(*verdict, *score))).collect()
    }

    /// Number 1 is flagged by both, 2 by the live version alone, 3 by the changed one from the second day on, which also
    /// bars 1; 4 is on the allow-list, and the changed version would flag it.
    pub(in crate::job::backtest) fn compared() -> Comparison {
        let live = [(1, Verdict::Survey, 0.9), (2, Verdict::Survey, 0.6), (4, Verdict::Clear, 0.4)];
        let mut allowed = standing(Verdict::Survey, 0.7);
        (allowed.verdict, allowed.is_allow_listed, allowed.case_id) = (Verdict::Clear, true, None);
        let tried = |more: &[(i64, Verdict, f64)]| {
            let mut standings = standings(more);
            standings.insert(subject(4), allowed.clone());
            standings
        };
        let first = tried(&[(1, Verdict::Limited, 0.95), (2, Verdict::Watched, 0.3)]);
        let second = tried(&[(1, Verdict::Limited, 0.95), (3, Verdict::Survey, 0.8)]);
        let days = [
            Seen { day: day(0), live: standings(&live), tried: first },
            Seen { day: day(1), live: standings(&live), tried: second },
        ];
        let advertisers = BTreeSet::from([subject(3).number]);
        compare(&days, &Known { overturned: BTreeSet::from([subject(2)]), advertisers })
    }

    fn counts(live: usize, tried: usize, newly: usize, no_longer: usize) -> Counts {
        Counts { live, tried, newly, no_longer }
    }

    #[test]
    fn each_day_says_who_is_flagged_by_one_version_alone() {
        let days = compared().days;
        assert_eq!(days.iter().map(|day| day.flagged).collect::<Vec<_>>(), [counts(2, 1, 0, 1), counts(2, 2, 1, 1)]);
        assert_eq!(days[0].barred, counts(0, 1, 1, 0));
        assert_eq!(days[0].new_bars_by_segment, BTreeMap::from([("prepaid".to_owned(), counts(0, 1, 1, 0))]));
    }

    #[test]
    fn a_bar_that_stood_the_day_before_is_no_new_one() {
        let mut standing = standing(Verdict::Limited, 0.9);
        standing.previous = Verdict::Limited;
        let tried = BTreeMap::from([(subject(1), standing)]);
        let compared = compare(&[Seen { day: day(0), live: BTreeMap::new(), tried }], &Known::default());
        assert_eq!((compared.days[0].barred, compared.days[0].new_bars), (counts(0, 1, 1, 0), counts(0, 0, 0, 0)));
    }

    #[test]
    fn a_protected_number_counts_as_accused_though_a_rail_holds_it() {
        let allowed = compared().groups["allow_list"];
        assert_eq!((allowed.accused, allowed.flagged), (counts(0, 1, 1, 0), counts(0, 0, 0, 0)));
    }

    #[test]
    fn overturned_and_advertisers_are_groups_of_their_own() {
        let compared = compared();
        assert_eq!(compared.groups["overturned"].flagged, counts(1, 0, 0, 1));
        assert_eq!(compared.groups["advertiser"].flagged, counts(0, 1, 1, 0));
        assert_eq!(compared.all.flagged, counts(2, 2, 1, 1));
        assert_eq!(compared.segments["prepaid"], compared.all);
    }

    #[test]
    fn who_differs_is_listed_masked_with_case_first_day_and_scores() {
        let compared = compared();
        let [newly] = &compared.newly_flagged[..] else { panic!("{:?}", compared.newly_flagged) };
        assert_eq!((newly.number.as_str(), newly.case_id.as_str()), ("84900•••003", "C-0.8"));
        assert_eq!((newly.first_day, newly.live.verdict, newly.tried.verdict), (day(1), "clear", "survey"));
        let [lost] = &compared.no_longer_flagged[..] else { panic!("{:?}", compared.no_longer_flagged) };
        assert_eq!((lost.live.score, lost.tried.score), (Some(0.6), Some(0.3)));
        assert_eq!(lost.groups, BTreeSet::from(["overturned"]));
    }

    #[test]
    fn the_same_rules_change_nothing() {
        let live = || standings(&[(1, Verdict::Blocked, 0.9), (2, Verdict::Watched, 0.3)]);
        let compared = compare(&[Seen { day: day(0), live: live(), tried: live() }], &Known::default());
        assert_eq!(compared.all.flagged, counts(1, 1, 0, 0));
        assert!(compared.newly_flagged.is_empty() && compared.no_longer_flagged.is_empty());
    }
}

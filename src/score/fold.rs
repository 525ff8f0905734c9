//! Rows parted so that each is held out once.
//!
//! In: the truth of each row, the group that it belongs to, and a seed. Out: the part of each row. Never: parts a group,
//! or leaves a part without rows of both kinds where groups are given.

use anyhow::ensure;

use super::chance::Chance;

/// Parts of the rows; each is held out once.
pub(super) const FOLDS: usize = 5;

/// The part of each row; each part has as many positives as the others, give or take one.
pub(super) fn folds(is_positive: &[bool], seed: u64) -> Vec<usize> {
    let mut parts = vec![0; is_positive.len()];
    for kind in [false, true] {
        let rows: Vec<usize> = (0..is_positive.len()).filter(|row| is_positive[*row] == kind).collect();
        let order = Chance::new(seed, u64::from(kind)).order(rows.len());
        order.into_iter().enumerate().for_each(|(place, row)| parts[rows[row]] = place % FOLDS);
    }
    parts
}

/// The part of each row where rows of a group stay together: the largest groups first, each to the part that is shortest
/// of its kind, and those of a size in an order by chance.
pub(super) fn folds_of_groups(groups: &[usize], is_positive: &[bool], seed: u64) -> anyhow::Result<Vec<usize>> {
    let count = groups.iter().max().map_or(0, |last| last + 1);
    let mut members = vec![Vec::new(); count];
    groups.iter().enumerate().for_each(|(row, group)| members[*group].push(row));
    let mut order = Chance::new(seed, 0).order(count);
    order.sort_by_key(|group| std::cmp::Reverse(members[*group].len()));
    let mut parts = vec![0; groups.len()];
    let mut held = [[0_usize; FOLDS]; 2];
    for group in order {
        let of_kind = |kind: bool| members[group].iter().filter(|row| is_positive[**row] == kind).count();
        let counts = [of_kind(false), of_kind(true)];
        let kind = usize::from(counts[1] >= counts[0]);
        let part = (0..FOLDS).min_by_key(|part| (held[kind][*part], held[1 - kind][*part])).unwrap_or_default();
        (0..2).for_each(|kind| held[kind][part] += counts[kind]);
        members[group].iter().for_each(|row| parts[*row] = part);
    }
    ensure!(
        held.iter().flatten().all(|rows| *rows > 0),
        "the groups are too few, or too large: each of {FOLDS} parts needs rows of both kinds, and no group may lie in two"
    );
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_its_share_of_positives() {
        let is_positive: Vec<bool> = (0..103).map(|row| row % 4 == 0).collect();
        let parts = folds(&is_positive, 1);
        for part in 0..FOLDS {
            let positives = (0..103).filter(|row| parts[*row] == part && is_positive[*row]).count();
            assert!((5..=6).contains(&positives), "{positives}");
        }
    }

    #[test]
    fn no_group_lies_in_two_parts_and_each_part_has_its_share() {
        let groups: Vec<usize> = (0..300).map(|row| if row < 40 { 0 } else { row / 3 }).collect();
        let is_positive: Vec<bool> = groups.iter().map(|group| group % 4 == 1).collect();
        let parts = folds_of_groups(&groups, &is_positive, 1).unwrap();
        for (row, group) in groups.iter().enumerate() {
            let first = groups.iter().position(|other| other == group).unwrap();
            assert_eq!(parts[row], parts[first], "row {row} of group {group}");
        }
        let rows: Vec<usize> = (0..FOLDS).map(|part| parts.iter().filter(|of| **of == part).count()).collect();
        assert!(rows.iter().all(|rows| (50..=75).contains(rows)), "{rows:?}");
        assert_ne!(parts, folds_of_groups(&groups, &is_positive, 2).unwrap());
    }
}

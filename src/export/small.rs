//! Small counts, hidden so that nobody can work them out from the rest.
//!
//! In: counts by one or two features. Out: the same with small categories merged and small cells hidden. Never: a total
//! below the least count; a hidden cell that rows, columns and totals leave less room than the least count.

use std::collections::BTreeMap;

/// What small categories are merged into.
pub const OTHER: &str = "other";

/// Counts by two features; every row and every column adds up to the least count or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    counts: Vec<Vec<u64>>,
    hidden: Vec<Vec<bool>>,
}

/// Counts by one feature, small ones merged; nothing when all together are too few.
pub fn merged(counts: &BTreeMap<String, u64>, least: u64) -> Option<BTreeMap<String, u64>> {
    let names = names(counts, least)?;
    let mut merged = BTreeMap::new();
    for (name, count) in counts {
        *merged.entry(names.get(name).unwrap_or(name).clone()).or_default() += count;
    }
    Some(merged)
}

/// The new names of those that are merged; nothing when all together are too few.
fn names(counts: &BTreeMap<String, u64>, least: u64) -> Option<BTreeMap<String, String>> {
    let mut smallest: Vec<(u64, &String)> = counts.iter().map(|(name, count)| (*count, name)).collect();
    smallest.sort_unstable();
    if smallest.iter().map(|(count, _)| count).sum::<u64>() < least {
        return None;
    }
    let (mut names, mut sum) = (BTreeMap::new(), 0);
    for (count, name) in smallest {
        // What is merged has to be enough itself, or it would be as small as what it hides.
        if count < least || (!names.is_empty() && sum < least) {
            names.insert(name.clone(), OTHER.to_owned());
            sum += count;
        }
    }
    Some(names)
}

impl Grid {
    /// Counts by row and column; nothing when all together are too few.
    pub fn new(counts: &BTreeMap<(String, String), u64>, least: u64) -> Option<Self> {
        let (mut by_row, mut by_column) = (BTreeMap::new(), BTreeMap::new());
        for ((row, column), count) in counts {
            *by_row.entry(row.clone()).or_default() += count;
            *by_column.entry(column.clone()).or_default() += count;
        }
        let (row_names, column_names) = (names(&by_row, least)?, names(&by_column, least)?);
        let mut cells: BTreeMap<(String, String), u64> = BTreeMap::new();
        for ((row, column), count) in counts {
            let row = row_names.get(row).unwrap_or(row).clone();
            *cells.entry((row, column_names.get(column).unwrap_or(column).clone())).or_default() += count;
        }
        let rows: Vec<String> = merged(&by_row, least)?.into_keys().collect();
        let columns: Vec<String> = merged(&by_column, least)?.into_keys().collect();
        let cell = |row: &String, column: &String| cells.get(&(row.clone(), column.clone())).copied().unwrap_or(0);
        let counts = rows.iter().map(|row| columns.iter().map(|column| cell(row, column)).collect()).collect();
        let hidden = vec![vec![false; columns.len()]; rows.len()];
        let mut grid = Self { rows, columns, counts, hidden };
        grid.hide(least);
        Some(grid)
    }

    /// A cell; nothing when it is hidden.
    pub fn shown(&self, row: usize, column: usize) -> Option<u64> {
        (!self.is_hidden(row, column)).then(|| self.count(row, column))
    }

    /// What a row adds up to.
    pub fn row_sum(&self, row: usize) -> u64 {
        self.counts.get(row).into_iter().flatten().sum()
    }

    /// What a column adds up to.
    pub fn column_sum(&self, column: usize) -> u64 {
        (0..self.rows.len()).map(|row| self.count(row, column)).sum()
    }

    /// What all add up to.
    pub fn sum(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    fn count(&self, row: usize, column: usize) -> u64 {
        self.counts.get(row).and_then(|row| row.get(column)).copied().unwrap_or_default()
    }

    fn is_hidden(&self, row: usize, column: usize) -> bool {
        self.hidden.get(row).and_then(|row| row.get(column)).copied().unwrap_or_default()
    }

    fn conceal(&mut self, row: usize, column: usize) {
        if let Some(hidden) = self.hidden.get_mut(row).and_then(|row| row.get_mut(column)) {
            *hidden = true;
        }
    }

    /// Hides small cells, each with the three others of a rectangle: whoever adds to one corner and takes from the next
    /// keeps every sum, so these sums leave the cell the room that the rectangle gives it.
    fn hide(&mut self, least: u64) {
        for row in 0..self.rows.len() {
            for column in 0..self.columns.len() {
                if !(1..least).contains(&self.count(row, column)) {
                    continue;
                }
                let Some(corners) = self.rectangle(row, column, least) else {
                    // Without any cell, every cell has as much room as the smallest row or column.
                    self.hidden.iter_mut().flatten().for_each(|hidden| *hidden = true);
                    return;
                };
                corners.into_iter().for_each(|(row, column)| self.conceal(row, column));
            }
        }
    }

    /// The rectangle around a small cell that hides the least beside it.
    fn rectangle(&self, row: usize, column: usize, least: u64) -> Option<[(usize, usize); 4]> {
        let others = |count: usize, own: usize| (0..count).filter(move |other| *other != own);
        let mut best: Option<(u64, [(usize, usize); 4])> = None;
        for other_row in others(self.rows.len(), row) {
            for other_column in others(self.columns.len(), column) {
                let corners = [(row, column), (row, other_column), (other_row, column), (other_row, other_column)];
                let [own, beside, below, across] = corners.map(|(row, column)| self.count(row, column));
                let room = beside.min(below) + own.min(across);
                let shown = corners.iter().skip(1).filter(|(row, column)| !self.is_hidden(*row, *column));
                let lost = shown.map(|(row, column)| self.count(*row, *column)).sum();
                if room >= least && best.is_none_or(|(least_lost, _)| lost < least_lost) {
                    best = Some((lost, corners));
                }
            }
        }
        best.map(|(_, corners)| corners)
    }
}

#[cfg(test)]
mod tests;

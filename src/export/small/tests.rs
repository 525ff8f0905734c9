//! What is hidden stays hidden: every table that says the same sums is looked at.

use proptest::prelude::*;

use super::*;

fn grid(counts: &[&[u64]], least: u64) -> Option<Grid> {
    let mut cells = BTreeMap::new();
    for (row, counts) in counts.iter().enumerate() {
        for (column, count) in counts.iter().enumerate() {
            cells.insert((format!("r{row}"), format!("c{column}")), *count);
        }
    }
    Grid::new(&cells, least)
}

fn shown(grid: &Grid) -> Vec<Vec<Option<u64>>> {
    let cells = |row| (0..grid.columns.len()).map(|column| grid.shown(row, column)).collect();
    (0..grid.rows.len()).map(cells).collect()
}

/// The least and the greatest value of every hidden cell in all tables that have the shown cells and sums, by trying
/// each of them.
fn bounds(grid: &Grid) -> BTreeMap<(usize, usize), (u64, u64)> {
    fn fill(
        cells: &[(usize, usize)],
        (rows, columns): (&mut Vec<u64>, &mut Vec<u64>),
        chosen: &mut Vec<u64>,
        found: &mut BTreeMap<(usize, usize), (u64, u64)>,
    ) {
        let Some((row, column)) = cells.get(chosen.len()).copied() else {
            if rows.iter().chain(columns.iter()).all(|left| *left == 0) {
                for (cell, value) in cells.iter().zip(chosen.iter()) {
                    let bounds = found.entry(*cell).or_insert((*value, *value));
                    *bounds = (bounds.0.min(*value), bounds.1.max(*value));
                }
            }
            return;
        };
        let is_last_of_row = cells.get(chosen.len() + 1).is_none_or(|next| next.0 != row);
        let most = rows[row].min(columns[column]);
        for value in if is_last_of_row { rows[row] } else { 0 }..=most {
            rows[row] -= value;
            columns[column] -= value;
            chosen.push(value);
            fill(cells, (rows, columns), chosen, found);
            chosen.pop();
            rows[row] += value;
            columns[column] += value;
        }
    }
    let (height, width) = (grid.rows.len(), grid.columns.len());
    let all = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
    let cells: Vec<_> = all.filter(|(row, column)| grid.shown(*row, *column).is_none()).collect();
    let known = |row, column| grid.shown(row, column).unwrap_or(0);
    let left_of_row = |row| grid.row_sum(row) - (0..width).map(|column| known(row, column)).sum::<u64>();
    let left_of_column = |column| grid.column_sum(column) - (0..height).map(|row| known(row, column)).sum::<u64>();
    let (mut rows, mut columns) =
        ((0..height).map(left_of_row).collect::<Vec<_>>(), (0..width).map(left_of_column).collect::<Vec<_>>());
    let mut found = BTreeMap::new();
    fill(&cells, (&mut rows, &mut columns), &mut vec![], &mut found);
    found
}

#[test]
fn a_small_cell_takes_three_others_with_it() {
    let grid = grid(&[&[20, 2, 30], &[15, 25, 8], &[40, 50, 60]], 5).unwrap();
    let hidden = None;
    let expected =
        vec![vec![hidden, hidden, Some(30)], vec![hidden, hidden, Some(8)], vec![Some(40), Some(50), Some(60)]];
    assert_eq!(shown(&grid), expected, "without them, the row's and the column's sum would say 2");
    assert_eq!((grid.row_sum(0), grid.column_sum(1), grid.sum()), (52, 77, 250));
    assert_eq!(bounds(&grid)[&(0, 1)], (0, 22));
}

#[test]
fn small_categories_are_merged_until_they_are_enough() {
    let counts = |counts: &[(&str, u64)]| -> BTreeMap<String, u64> {
        counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    };
    let few = counts(&[("a", 1), ("b", 7), ("c", 90)]);
    assert_eq!(merged(&few, 5), Some(counts(&[(OTHER, 8), ("c", 90)])), "alone, 1 would be the other's count");
    assert_eq!(merged(&counts(&[("a", 7), ("b", 90)]), 5), Some(counts(&[("a", 7), ("b", 90)])));
    assert_eq!(merged(&counts(&[("a", 3), (OTHER, 90)]), 5), Some(counts(&[(OTHER, 93)])));
    assert_eq!(merged(&counts(&[("a", 2), ("b", 2)]), 5), None, "even their sum is small");
}

#[test]
fn what_no_rectangle_can_hide_takes_the_whole_table() {
    let grid = grid(&[&[0, 5, 5], &[5, 0, 5], &[5, 5, 0]], 10).unwrap();
    assert_eq!(shown(&grid), vec![vec![None; 3]; 3]);
    assert_eq!(grid.row_sum(0), 10);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_hidden_count_can_be_worked_out(counts in prop::collection::vec(prop::collection::vec(0_u64..9, 3), 3)) {
        const LEAST: u64 = 4;
        let rows: Vec<&[u64]> = counts.iter().map(Vec::as_slice).collect();
        let Some(grid) = grid(&rows, LEAST) else { return Ok(()) };
        prop_assert_eq!(grid.sum(), counts.iter().flatten().sum::<u64>());
        let bounds = bounds(&grid);
        for row in 0..grid.rows.len() {
            prop_assert!(grid.row_sum(row) >= LEAST);
            for column in 0..grid.columns.len() {
                let is_small = (1..LEAST).contains(&grid.count(row, column));
                prop_assert!(!is_small || grid.shown(row, column).is_none());
                if is_small {
                    let (least, most) = bounds[&(row, column)];
                    prop_assert!(most - least >= LEAST, "{:?}: {} to {}", shown(&grid), least, most);
                }
            }
        }
    }
}

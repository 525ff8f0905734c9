//! Bins of a column, so that each holds about as many rows.
//!
//! In: values, of which `NaN` is a missing one. Out: bounds that a person can read, and the bin of each value.
//! Never: a bound that parts two equal values.

/// Upper bounds of all bins but the last, rising; a value equal to a bound lies above it. At most `most` bins.
pub fn bounds(values: &[f64], most: usize) -> Vec<f64> {
    let mut known: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    known.sort_unstable_by(f64::total_cmp);
    let steps: Vec<usize> = (1..known.len()).filter(|at| known[at - 1] < known[*at]).collect();
    let chosen = if steps.len() < most { steps } else { even(&steps, known.len(), most) };
    chosen.into_iter().map(|at| between(known[at - 1], known[at])).collect()
}

/// The steps that part `rows` into `most` bins of about one size.
fn even(steps: &[usize], rows: usize, most: usize) -> Vec<usize> {
    let mut chosen: Vec<usize> = Vec::new();
    for part in 1..most {
        let wanted = part * rows / most;
        let after = steps.partition_point(|at| *at < wanted);
        let nearest = [after.checked_sub(1), Some(after)].into_iter().flatten().filter_map(|place| steps.get(place));
        chosen.extend(nearest.min_by_key(|at| at.abs_diff(wanted)));
    }
    chosen.dedup();
    chosen
}

/// The number with the fewest digits that is above `low` and not above `high`.
pub fn between(low: f64, high: f64) -> f64 {
    let middle = low + (high - low) / 2.0;
    let rounded = (0..17).flat_map(|digits| [middle, high].map(|value| format!("{value:.digits$e}").parse::<f64>()));
    rounded.flatten().find(|bound| low < *bound && *bound <= high).unwrap_or(high)
}

/// The bin of a value: `bounds.len() + 1` of a missing one.
pub fn bin(bounds: &[f64], value: f64) -> usize {
    if value.is_nan() { bounds.len() + 1 } else { bounds.partition_point(|bound| value >= *bound) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_a_bin_each() {
        assert_eq!(bounds(&[3.0, 1.0, f64::NAN, 2.0, 1.0, 2.0], 8), [2.0, 3.0]);
        assert_eq!(bounds(&[7.0, 7.0, f64::NAN], 8), [0.0; 0]);
    }

    #[test]
    fn many_values_share_bins_of_one_size() {
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let bounds = bounds(&values, 4);
        let mut sizes = [0; 4];
        values.iter().for_each(|value| sizes[bin(&bounds, *value)] += 1);
        assert_eq!(sizes, [250; 4]);
    }

    #[test]
    fn equal_values_stay_together() {
        let values = [[1.0; 90].as_slice(), &[2.0; 5], &[3.0; 5]].concat();
        assert_eq!(bounds(&values, 2), [2.0]);
    }

    #[test]
    fn a_bound_is_as_short_as_it_can_be() {
        assert_eq!(between(1.234_567, 1.345_678), 1.3);
        assert_eq!(between(1.0, 2.0), 2.0);
        assert_eq!(between(799.0, 803.0), 800.0);
        let next = f64::from_bits(0.1_f64.to_bits() + 1);
        assert_eq!(between(0.1, next), next);
    }

    #[test]
    fn a_missing_value_has_the_bin_behind_the_last() {
        assert_eq!([0.5, 1.0, f64::NAN].map(|value| bin(&[1.0], value)), [0, 1, 2]);
    }
}

//! Shapes that are boosted in turns.
//!
//! In: binned columns and labels. Out: a model after each turn. Never: a fall where a rise was asked for, or chance.
//!
//! Each turn gives each column one small step: its bins are cut once, where that helps most, and both sides move by a
//! part of their Newton step. The bin of missing values moves by itself. A heavy ridge lets many weak cuts add up to a
//! smooth shape; `benches/scorecard/README.md` has the figures that chose it.

use super::fit::{Binned, Labels, Model, Rows, Sums, Trend};
use super::number::real;

/// How hard to fit.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Turns.
    pub rounds: usize,
    /// The part of a Newton step that is taken.
    pub rate: f64,
    /// What is added to a side's information: a side that knows little moves little.
    pub ridge: f64,
    /// A side has at least this weight of rows.
    pub least_rows: f64,
}

impl Settings {
    /// Those that won the bake-off on 2,930 rows; below that what holds a shape back shrinks with the rows.
    pub fn of(rows: usize, rounds: usize) -> Self {
        Self { rounds, rate: 0.1, ridge: (real(rows) / 10.0).min(300.0), least_rows: (real(rows) / 20.0).min(150.0) }
    }
}

/// Fits a model to all rows; `watch` sees it after each turn.
pub fn boost(data: &Binned, labels: &Labels, settings: Settings, mut watch: impl FnMut(usize, &Model)) -> Model {
    let (mut rows, base) = Rows::new(labels);
    let shapes = data.columns.iter().map(|column| vec![0.0; column.count]).collect();
    let mut model = Model { base, shapes };
    for round in 1..=settings.rounds {
        for (column, shape) in data.columns.iter().zip(&mut model.shapes) {
            let moves = moves(&rows.sums(column), settings, column.trend);
            rows.shift(column, &moves);
            shape.iter_mut().zip(&moves).for_each(|(value, by)| *value += by);
        }
        watch(round, &model);
    }
    model
}

/// By how much each bin moves: both sides of the best cut, and the missing ones.
fn moves(sums: &[Sums], settings: Settings, trend: Trend) -> Vec<f64> {
    let Settings { rate, ridge, least_rows, .. } = settings;
    let mut moves = vec![0.0; sums.len()];
    let Some((missing, known)) = sums.split_last() else { return moves };
    let step = |sums: Sums| rate * sums.newton(ridge);
    let total = known.iter().fold(Sums::default(), |total, bin| total.plus(*bin));
    let mut best = (total.gain(ridge), 0, Sums::default());
    let mut below = Sums::default();
    for (bin, of_bin) in known.iter().enumerate() {
        below = below.plus(*of_bin);
        let above = total.minus(below);
        let is_wide = below.rows >= least_rows && above.rows >= least_rows;
        let gain = below.gain(ridge) + above.gain(ridge);
        if is_wide && gain > best.0 && trend.allows(step(below), step(above)) {
            best = (gain, bin + 1, below);
        }
    }
    let (_, cut, below) = best;
    moves[..cut].fill(step(below));
    moves[cut..known.len()].fill(step(total.minus(below)));
    if missing.rows >= least_rows {
        moves[known.len()] = step(*missing);
    }
    moves
}

impl Sums {
    fn minus(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            information: self.information - other.information,
            rows: self.rows - other.rows,
        }
    }

    fn newton(self, ridge: f64) -> f64 {
        self.gradient / (self.information + ridge)
    }

    fn gain(self, ridge: f64) -> f64 {
        self.gradient * self.newton(ridge)
    }
}

impl Trend {
    fn allows(self, below: f64, above: f64) -> bool {
        match self {
            Self::Any => true,
            Self::Rising => below <= above,
            Self::Falling => below >= above,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::chance::Chance;
    use crate::score::fit::Column;
    use crate::score::number::logistic;

    fn settings() -> Settings {
        Settings { rounds: 1, rate: 0.5, ridge: 0.0, least_rows: 1.0 }
    }

    fn column(bins: &[u16], count: usize, trend: Trend) -> Column {
        Column { bins: bins.to_vec(), count, trend }
    }

    fn labels(is_positive: &[bool]) -> Labels {
        Labels { is_positive: is_positive.to_vec(), positive_weight: 1.0, weights: None }
    }

    #[test]
    fn one_step_is_half_of_newtons_on_both_sides_of_the_best_cut() {
        // Four rows in bin 0 with one positive, four in bin 1 with three: the base is 0, each row's information 1/4.
        let data = Binned { columns: vec![column(&[0, 0, 0, 0, 1, 1, 1, 1], 3, Trend::Any)] };
        let labels = labels(&[true, false, false, false, true, true, true, false]);
        let model = boost(&data, &labels, settings(), |_, _| {});
        assert_eq!(model, Model { base: 0.0, shapes: vec![vec![-0.5, 0.5, 0.0]] });
    }

    #[test]
    fn missing_values_move_by_themselves() {
        let data = Binned { columns: vec![column(&[0, 0, 0, 0, 2, 2, 2, 2], 3, Trend::Any)] };
        let labels = labels(&[true, false, false, false, true, true, true, false]);
        let model = boost(&data, &labels, settings(), |_, _| {});
        assert_eq!(model.shapes, [vec![-0.5, -0.5, 0.5]]);
    }

    #[test]
    fn a_positive_may_weigh_more() {
        let data = Binned { columns: vec![column(&[0, 0, 0, 0], 2, Trend::Any)] };
        let labels = Labels { is_positive: vec![true, false, false, false], positive_weight: 3.0, weights: None };
        assert!(boost(&data, &labels, settings(), |_, _| {}).base.abs() < 1e-12);
    }

    #[test]
    fn a_row_may_weigh_less_than_another_of_its_kind() {
        let data = Binned { columns: vec![column(&[0, 0, 0, 0], 2, Trend::Any)] };
        let weights = Some(vec![1.0, 0.5, 0.25, 0.25]);
        let labels = Labels { is_positive: vec![true, false, false, false], positive_weight: 1.0, weights };
        assert!(boost(&data, &labels, settings(), |_, _| {}).base.abs() < 1e-12, "one positive against one in parts");
    }

    /// A column whose positives rise and then fall, and one of noise.
    fn hill(trend: Trend) -> (Binned, Labels) {
        let mut chance = Chance::new(5, 0);
        let mut bins: [Vec<u16>; 2] = [Vec::new(), Vec::new()];
        let mut is_positive = Vec::new();
        for row in 0..4000_u16 {
            let bin = row % 8;
            bins[0].push(bin);
            bins[1].push(u16::try_from(chance.below(8)).unwrap());
            let percent = [5, 10, 20, 80, 80, 20, 10, 5][usize::from(bin)];
            is_positive.push(chance.below(100) < percent);
        }
        let columns = bins.iter().map(|bins| column(bins, 9, trend)).collect();
        (Binned { columns }, labels(&is_positive))
    }

    #[test]
    fn a_planted_shape_is_found_and_noise_is_not() {
        let (data, labels) = hill(Trend::Any);
        let model = boost(&data, &labels, Settings::of(4000, 300), |_, _| {});
        let probability: Vec<f64> = (0..8).map(|row| logistic(model.logit(&data, row))).collect();
        for (found, planted) in probability.iter().zip([0.05, 0.1, 0.2, 0.8, 0.8, 0.2, 0.1, 0.05]) {
            assert!((found - planted).abs() < 0.05, "{probability:?}");
        }
        let noise = &model.shapes[1][..8];
        let (least, most) =
            noise.iter().fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(*value), most.max(*value)));
        assert!(most - least < 0.2, "{noise:?}");
    }

    #[test]
    fn a_trend_is_kept() {
        for (trend, sign) in [(Trend::Rising, 1.0), (Trend::Falling, -1.0)] {
            let (data, labels) = hill(trend);
            let model = boost(&data, &labels, Settings::of(4000, 300), |_, _| {});
            let known = &model.shapes[0][..8];
            assert!(known.is_sorted_by(|a, b| sign * a <= sign * b + 1e-12), "{trend:?}: {known:?}");
            assert!((known[7] - known[0]).abs() > 0.5, "{trend:?}: {known:?}");
        }
    }
}

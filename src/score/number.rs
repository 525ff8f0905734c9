//! Counts as floats, and floats as whole points.
//!
//! In: one number. Out: the same in the other form. Never: a surprise; the limits are far from what is counted here.

/// A count.
#[expect(clippy::cast_precision_loss, reason = "rows are far below 2^53")]
pub fn real(count: usize) -> f64 {
    count as f64
}

/// Points, or a line number.
#[expect(clippy::cast_precision_loss, reason = "points are far below 2^53")]
pub fn real_points(points: i64) -> f64 {
    points as f64
}

/// The nearest whole number; ties go away from zero.
#[expect(clippy::cast_possible_truncation, reason = "saturates, and points are far below 2^53")]
pub fn whole(value: f64) -> i64 {
    value.round() as i64
}

/// The logistic function: log-odds as a probability.
pub fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

//! SQL functions: many calls to numbers about a caller.
//!
//! In: columns of events. Out: functions registered in a session; this list is the only registration. Never: a
//! threshold; those come as arguments from `pipelines/`.

pub mod call_sequence;
mod number;
mod run;
mod time;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use datafusion::prelude::SessionContext;

/// Every scalar function.
pub fn scalars() -> Vec<ScalarUDF> {
    vec![
        ScalarUDF::new_from_impl(time::Seconds::new()),
        ScalarUDF::new_from_impl(time::PlusSeconds::new()),
        ScalarUDF::new_from_impl(time::LocalHour::new()),
        ScalarUDF::new_from_impl(time::LocalDay::new()),
        ScalarUDF::new_from_impl(number::IsVietnamese::new()),
        ScalarUDF::new_from_impl(number::IsSpecial::new()),
        ScalarUDF::new_from_impl(number::TypeOf::new()),
        ScalarUDF::new_from_impl(number::RangeHolder::new()),
    ]
}

/// Every aggregate function.
pub fn aggregates() -> Vec<AggregateUDF> {
    vec![AggregateUDF::new_from_impl(call_sequence::CallSequence::new())]
}

/// Every window function.
pub fn windows() -> Vec<WindowUDF> {
    vec![WindowUDF::new_from_impl(run::RunNumber::new()), WindowUDF::new_from_impl(run::Previous::new())]
}

/// Makes the functions known to a session.
pub fn register(session: &SessionContext) {
    for function in scalars() {
        session.register_udf(function);
    }
    for function in aggregates() {
        session.register_udaf(function);
    }
    for function in windows() {
        session.register_udwf(function);
    }
}

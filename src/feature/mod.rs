//! SQL functions: many calls to numbers about a caller.
//!
//! In: columns of events. Out: functions registered in a session; this list is the only registration. Never: a
//! threshold; those come as arguments from `pipelines/`.

pub mod call_sequence;
mod contact;
mod draw;
mod fold;
mod follow;
mod frames;
mod join;
pub mod lookup;
mod made;
mod number;
mod pair;
mod party;
mod run;
mod segment;
mod sorted;
mod tally;
mod time;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use datafusion::prelude::SessionContext;

use self::fold::FoldCall;
use self::follow::FollowCallers;
use self::frames::Aggregate;
use self::join::JoinParties;
use self::lookup::{Lookup, Parts};
use self::pair::PairContacts;
use self::party::Party;
use self::tally::TallyParties;

/// Every scalar function that knows nothing but its arguments.
fn scalars() -> Vec<ScalarUDF> {
    vec![
        ScalarUDF::new_from_impl(time::Seconds::new()),
        ScalarUDF::new_from_impl(time::PlusSeconds::new()),
        ScalarUDF::new_from_impl(time::LocalHour::new()),
        ScalarUDF::new_from_impl(time::LocalDay::new()),
        ScalarUDF::new_from_impl(number::IsVietnamese::new()),
        ScalarUDF::new_from_impl(number::IsSpecial::new()),
        ScalarUDF::new_from_impl(number::TypeOf::new()),
        ScalarUDF::new_from_impl(number::RangeHolder::new()),
        ScalarUDF::new_from_impl(draw::Draw::new()),
    ]
}

/// Every aggregate function.
pub fn aggregates() -> Vec<AggregateUDF> {
    vec![
        AggregateUDF::new_from_impl(call_sequence::CallSequence::new()),
        AggregateUDF::new_from_impl(Aggregate::<segment::CallSegment>::new()),
        AggregateUDF::new_from_impl(Aggregate::<segment::JoinSegments>::new()),
        AggregateUDF::new_from_impl(Aggregate::<contact::ContactList>::new()),
        AggregateUDF::new_from_impl(Aggregate::<contact::JoinContacts>::new()),
    ]
}

/// Every window function.
fn windows() -> Vec<WindowUDF> {
    vec![WindowUDF::new_from_impl(run::RunNumber::new()), WindowUDF::new_from_impl(run::Previous::new())]
}

/// Every lookup in these parts.
fn lookups(parts: &Arc<Parts>) -> Vec<ScalarUDF> {
    let pairs = Lookup::all(parts).map(ScalarUDF::new_from_impl);
    pairs.into_iter().chain(Party::all(parts).map(ScalarUDF::new_from_impl)).collect()
}

/// Functions that a query reads rows from, as from a table; they are told the names of parts.
pub const TABLES: [&str; 5] = [fold::NAME, follow::NAME, join::NAME, pair::NAME, tally::NAME];

/// Functions of a row that look something up in a part, whose name they are told first.
pub const LOOKUPS: [&str; 6] = {
    let ([may_have, has, value_of], [key_of, kind_of, name_of]) = (lookup::NAMES, party::NAMES);
    [may_have, has, value_of, key_of, kind_of, name_of]
};

/// Makes the functions known to a session; lookups are in the parts.
pub fn register(session: &SessionContext, parts: &Arc<Parts>) {
    for function in scalars().into_iter().chain(lookups(parts)) {
        session.register_udf(function);
    }
    for function in aggregates() {
        session.register_udaf(function);
    }
    for function in windows() {
        session.register_udwf(function);
    }
    session.register_udtf(fold::NAME, Arc::new(FoldCall));
    session.register_udtf(follow::NAME, Arc::new(FollowCallers));
    session.register_udtf(join::NAME, Arc::new(JoinParties));
    session.register_udtf(pair::NAME, Arc::new(PairContacts));
    session.register_udtf(tally::NAME, Arc::new(TallyParties));
}

//! `contact_list(callee_kind, callee, callee_name, calls, is_new, is_called_back)`: whom a party called or wrote to;
//! and `join_contacts(contacts)`: how many it called in all.
//!
//! In: rows of `contact_day` of one party, one for each other party; lists of the party's days; both in any order.
//! Out: bytes, null without a row; a struct with the columns of [`Circle`].
//! The same party in two lists is one: its calls add up, and it is new, or has called back, when either list says so.
//! A list is three lists side by side of the numbers in their order: the numbers, their calls, their marks; then how
//! many parties have no number, and for each its kind, a space and its name, its calls, its marks. A mark is 1 for new,
//! plus 2 for called back. `frames` says how numbers and lists are written.
//! Never: says who is new; that is `contact_day`'s.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, BooleanArray, StringViewArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, exec_err};

use super::frames::{
    Fold, Writer, fields, get, get_all, get_bytes, get_signed, put, put_all, put_bytes, put_signed, structs,
};

const NEW: i64 = 1;
const CALLED_BACK: i64 = 2;

/// Another party, as a number or as bytes.
#[derive(Debug, Clone, Copy)]
struct Contact<P> {
    party: P,
    calls: i64,
    marks: i64,
}

/// The contacts of one party; the room is used again for the next party.
#[derive(Debug, Default)]
struct Contacts<'a> {
    numbers: Vec<Contact<i64>>,
    named: Vec<Contact<&'a [u8]>>,
    /// Of the list that is read: numbers, their calls, their marks.
    columns: [Vec<i64>; 3],
}

/// How many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Circle {
    /// Parties called.
    callees: i64,
    /// Calls to the most called of them.
    top_callee_calls: i64,
    /// Called twice or more.
    repeat_callees: i64,
    /// New ones among the called.
    new_callees: i64,
    /// Calls to new ones.
    new_callee_calls: i64,
    /// Called parties that have called back.
    called_back: i64,
}

impl<'a> Contacts<'a> {
    /// Reads the parties of lists that stand one behind the other, each once and in order.
    fn read(&mut self, mut lists: &'a [u8]) -> Result<()> {
        self.numbers.clear();
        self.named.clear();
        while !lists.is_empty() {
            for column in &mut self.columns {
                column.clear();
                get_all(&mut lists, column)?;
            }
            let [numbers, calls, marks] = &self.columns;
            let rows = numbers.iter().zip(calls).zip(marks);
            let rows = rows.map(|((party, calls), marks)| Contact { party: *party, calls: *calls, marks: *marks });
            self.numbers.extend(rows);
            for _ in 0..get(&mut lists)? {
                let (party, calls) = (get_bytes(&mut lists)?, get_signed(&mut lists)?);
                self.named.push(Contact { party, calls, marks: get_signed(&mut lists)? });
            }
        }
        merge(&mut self.numbers);
        merge(&mut self.named);
        Ok(())
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        let column = |value: fn(&Contact<i64>) -> i64| self.numbers.iter().map(value).collect::<Vec<_>>();
        put_all(bytes, &column(|contact| contact.party));
        put_all(bytes, &column(|contact| contact.calls));
        put_all(bytes, &column(|contact| contact.marks));
        put(bytes, self.named.len() as u64);
        for contact in &self.named {
            put_bytes(bytes, contact.party);
            put_signed(bytes, contact.calls);
            put_signed(bytes, contact.marks);
        }
    }

    fn circle(&self) -> Circle {
        let mut circle = Circle::default();
        self.numbers.iter().for_each(|contact| circle.add(contact.calls, contact.marks));
        self.named.iter().for_each(|contact| circle.add(contact.calls, contact.marks));
        circle
    }
}

/// Makes one of what is said of the same party; lists that are in order already are quickly put in order.
fn merge<P: Copy + Ord>(contacts: &mut Vec<Contact<P>>) {
    contacts.sort_by_key(|contact| contact.party);
    contacts.dedup_by(|next, kept| {
        let is_same = next.party == kept.party;
        if is_same {
            kept.calls += next.calls;
            kept.marks |= next.marks;
        }
        is_same
    });
}

fn text(column: &StringViewArray, row: usize) -> &str {
    if column.is_valid(row) { column.value(row) } else { "" }
}

impl Circle {
    /// Takes in a party, if it was called.
    fn add(&mut self, calls: i64, marks: i64) {
        if calls == 0 {
            return;
        }
        let is_new = i64::from(marks & NEW > 0);
        self.callees += 1;
        self.top_callee_calls = self.top_callee_calls.max(calls);
        self.repeat_callees += i64::from(calls > 1);
        self.new_callees += is_new;
        self.new_callee_calls += is_new * calls;
        self.called_back += i64::from(marks & CALLED_BACK > 0);
    }

    /// In the order of `CIRCLE`.
    fn values(self) -> [i64; 6] {
        [
            self.callees,
            self.top_callee_calls,
            self.repeat_callees,
            self.new_callees,
            self.new_callee_calls,
            self.called_back,
        ]
    }
}

const CIRCLE: [&str; 6] =
    ["callees", "top_callee_calls", "repeat_callees", "new_callees", "new_callee_calls", "called_back"];

/// `contact_list`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ContactList;

impl Fold for ContactList {
    const NAME: &'static str = "contact_list";

    fn arguments() -> Vec<DataType> {
        let party = [DataType::Utf8View, DataType::Int64, DataType::Utf8View];
        party.into_iter().chain([DataType::Int64, DataType::Boolean, DataType::Boolean]).collect()
    }

    fn returns() -> DataType {
        DataType::Binary
    }

    /// Each row is a list of one.
    fn writer(columns: &[ArrayRef]) -> Result<Writer<'_>> {
        let [kinds, numbers, names, calls, news, backs] = columns else {
            return exec_err!("contact_list takes six arguments");
        };
        let (kinds, names) = (kinds.as_string_view(), names.as_string_view());
        let (numbers, calls) = (numbers.as_primitive::<Int64Type>(), calls.as_primitive::<Int64Type>());
        let (news, backs) = (news.as_boolean(), backs.as_boolean());
        Ok(Box::new(move |row: usize, bytes: &mut Vec<u8>| {
            let calls = if calls.is_valid(row) { calls.value(row) } else { 0 };
            let is_marked = |column: &BooleanArray| i64::from(column.is_valid(row) && column.value(row));
            let marks = is_marked(news) * NEW + is_marked(backs) * CALLED_BACK;
            if numbers.is_valid(row) {
                for value in [numbers.value(row), calls, marks] {
                    put_all(bytes, &[value]);
                }
                put(bytes, 0);
            } else {
                let named = format!("{} {}", text(kinds, row), text(names, row));
                // No numbers, no calls of theirs, no marks of theirs.
                for _ in 0..3 {
                    put_all(bytes, &[]);
                }
                put(bytes, 1);
                put_bytes(bytes, named.as_bytes());
                put_signed(bytes, calls);
                put_signed(bytes, marks);
            }
        }))
    }

    fn read(groups: &BinaryArray) -> Result<ArrayRef> {
        let (mut lists, mut bytes, mut contacts) = (BinaryBuilder::new(), Vec::new(), Contacts::default());
        for group in groups.iter().flatten() {
            if group.is_empty() {
                lists.append_null();
                continue;
            }
            bytes.clear();
            contacts.read(group)?;
            contacts.put(&mut bytes);
            lists.append_value(&bytes);
        }
        Ok(Arc::new(lists.finish()))
    }
}

/// `join_contacts`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct JoinContacts;

impl Fold for JoinContacts {
    const NAME: &'static str = "join_contacts";

    fn arguments() -> Vec<DataType> {
        vec![DataType::BinaryView]
    }

    fn returns() -> DataType {
        DataType::Struct(fields(CIRCLE))
    }

    fn writer(columns: &[ArrayRef]) -> Result<Writer<'_>> {
        let [lists] = columns else { return exec_err!("join_contacts takes one argument") };
        let lists = lists.as_binary_view();
        Ok(Box::new(move |row: usize, bytes: &mut Vec<u8>| {
            if lists.is_valid(row) {
                bytes.extend_from_slice(lists.value(row));
            }
        }))
    }

    fn read(groups: &BinaryArray) -> Result<ArrayRef> {
        let mut contacts = Contacts::default();
        let circles = groups.iter().flatten().map(|lists| contacts.read(lists).map(|()| contacts.circle().values()));
        structs(CIRCLE, &circles.collect::<Result<Vec<_>>>()?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::array::{BinaryViewArray, Int64Array};
    use proptest::prelude::*;

    use super::super::frames::tests::folded;
    use super::*;

    /// A contact as (party, calls, whether it is new, whether it has called back); parties below 0 have no number.
    type Plain = (i64, i64, bool, bool);

    /// The bytes of a day's list, by the fold; rows are split in two at `at`.
    fn list(contacts: &[Plain], at: usize) -> Option<Vec<u8>> {
        let numbers: Int64Array = contacts.iter().map(|contact| (contact.0 >= 0).then_some(contact.0)).collect();
        let names = contacts.iter().map(|contact| (contact.0 < 0).then(|| format!("19{}", -contact.0)));
        let kinds = contacts.iter().map(|contact| Some(if contact.0 < 0 { "national_short" } else { "e164" }));
        let columns = [
            Arc::new(kinds.collect::<StringViewArray>()) as ArrayRef,
            Arc::new(numbers),
            Arc::new(names.collect::<StringViewArray>()),
            Arc::new(contacts.iter().map(|contact| Some(contact.1)).collect::<Int64Array>()),
            Arc::new(contacts.iter().map(|contact| Some(contact.2)).collect::<BooleanArray>()),
            Arc::new(contacts.iter().map(|contact| Some(contact.3)).collect::<BooleanArray>()),
        ];
        let list = folded::<ContactList>(&columns, at);
        let list = list.as_binary::<i32>();
        list.is_valid(0).then(|| list.value(0).to_vec())
    }

    /// What the lists of days say together; the days are split in two at `at`.
    fn circle(days: &[Vec<Plain>], at: usize) -> Vec<i64> {
        let lists: Vec<Option<Vec<u8>>> = days.iter().map(|day| list(day, at)).collect();
        let lists: BinaryViewArray = lists.iter().map(Option::as_deref).collect();
        let found = folded::<JoinContacts>(&[Arc::new(lists) as ArrayRef], at);
        let columns = found.as_struct().columns().iter();
        columns.map(|column| column.as_primitive::<Int64Type>().value(0)).collect()
    }

    #[test]
    fn nobody_comes_of_nobody() {
        assert_eq!(list(&[], 0), None);
        assert_eq!(circle(&[vec![]], 0), [0; 6]);
    }

    #[test]
    fn a_party_of_two_days_counts_once() {
        let monday = vec![(5, 1, true, false), (6, 2, false, false), (-8, 1, false, false)];
        let tuesday = vec![(5, 3, false, true), (7, 1, false, false), (-8, 1, false, false), (-9, 1, true, false)];
        // Of 5 four calls, of 6 two, of 7 one, of 198 two, of 199 one; new are 5 and 199.
        assert_eq!(circle(&[monday, tuesday], 1), [5, 4, 3, 2, 5, 1]);
    }

    #[test]
    fn who_was_only_written_to_is_no_callee_until_called() {
        let (written, called) = (vec![(5, 0, true, false)], vec![(5, 2, false, false)]);
        assert_eq!(circle(std::slice::from_ref(&written), 0), [0; 6]);
        assert_eq!(circle(&[written, called], 1), [1, 2, 1, 1, 2, 0], "still new: it was first written to");
    }

    proptest! {
        #[test]
        fn joined_days_say_what_all_contacts_say(
            days in prop::collection::vec(
                prop::collection::vec((-5_i64..20, 0_i64..4, any::<bool>(), any::<bool>()), 0..20), 1..6,
            ),
            at in 0_usize..20,
        ) {
            let mut parties: BTreeMap<i64, (i64, bool, bool)> = BTreeMap::new();
            for (party, calls, is_new, is_called_back) in days.iter().flatten() {
                let known = parties.entry(*party).or_default();
                *known = (known.0 + calls, known.1 || *is_new, known.2 || *is_called_back);
            }
            let called: Vec<(i64, bool, bool)> = parties.into_values().filter(|known| known.0 > 0).collect();
            let sum = |value: fn(&(i64, bool, bool)) -> i64| called.iter().map(value).sum::<i64>();
            let expected = [
                sum(|_| 1),
                called.iter().map(|known| known.0).max().unwrap_or_default(),
                sum(|known| i64::from(known.0 > 1)),
                sum(|known| i64::from(known.1)),
                sum(|known| if known.1 { known.0 } else { 0 }),
                sum(|known| i64::from(known.2)),
            ];
            prop_assert_eq!(circle(&days, at), expected);
        }
    }
}

//! The reference tables that a carrier keeps by hand.
//!
//! In: the population. Out: rows as CSV with a header, one text a table.
//! Never: tells which SIM is spam.

use std::fmt::Write as _;

use super::class::Class;
use super::draw::mix;
use super::network::TRUNKS;
use super::party::{AGENCIES, SPECIALS};
use super::population::Population;

/// One in this many subscribers has asked not to be advertised to.
const DO_NOT_CALL: u64 = 25;

/// All tables: name, CSV.
pub(super) fn tables(population: &Population, seed: u64) -> Vec<(&'static str, String)> {
    vec![
        ("allow_list", allow_list(population)),
        ("brandname", brandname(population)),
        ("do_not_call", do_not_call(population, seed)),
        ("trunk", csv("trunk,kind,peer", TRUNKS.map(|(name, kind, peer)| format!("{name},{kind},{peer}")))),
        ("special_number", special_number()),
        ("ported_number", {
            csv("number,operator", population.ported.iter().map(|(number, operator)| format!("{number},{operator}")))
        }),
    ]
}

fn allow_list(population: &Population) -> String {
    let allowed = population.sims.iter().filter(|sim| sim.is_allow_listed);
    let reason = |class| match class {
        Class::CallCentre => "registered call centre",
        Class::Clinic => "clinic",
        Class::Lender => "licensed lender",
        _ => "school",
    };
    csv("number,reason", allowed.map(|sim| format!("{},{}", sim.number, reason(sim.class))))
}

fn brandname(population: &Population) -> String {
    let named = population.sims.iter().filter_map(|sim| Some((sim.number, sim.brand?)));
    csv(
        "number,name,holder",
        named.map(|(number, brand)| {
            let brand = &population.brands[brand as usize];
            format!("{number},{},{}", brand.name, brand.holder)
        }),
    )
}

fn do_not_call(population: &Population, seed: u64) -> String {
    let rows = population.sims.iter().filter(|sim| sim.successor.is_none()).filter_map(|sim| {
        let draw = mix(mix(seed, 5), sim.number.cast_unsigned());
        let scope = ["call", "sms", "both", "both"][usize::try_from(draw >> 62).expect("two bits")];
        draw.is_multiple_of(DO_NOT_CALL).then(|| format!("{},{scope}", sim.number))
    });
    csv("number,scope", rows)
}

fn special_number() -> String {
    let short = SPECIALS.iter().map(|(address, name)| format!("{address},,{name}"));
    let agencies = AGENCIES.iter().map(|(national, name)| format!("0{national},84{national},{name}"));
    csv("address,number,name", short.chain(agencies))
}

fn csv(header: &str, rows: impl IntoIterator<Item = String>) -> String {
    let mut text = format!("{header}\n");
    for row in rows {
        writeln!(text, "{row}").expect("writing to a string does not fail");
    }
    text
}

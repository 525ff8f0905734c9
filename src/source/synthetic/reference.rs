//! The reference tables that a carrier keeps by hand.
//!
//! In: the population. Out: rows as CSV with a header, one text a table.
//! Never: tells which SIM is spam.

use std::fmt::Write as _;

use super::class::Class;
use super::company::Brand;
use super::network::TRUNKS;
use super::party::{AGENCIES, SPECIALS};
use super::population::Population;

/// All tables: name, CSV.
pub(super) fn tables(population: &Population) -> Vec<(&'static str, String)> {
    vec![
        ("allow_list", allow_list(population)),
        ("brandname", brandname(population)),
        ("advertiser", advertiser(population)),
        ("do_not_call", do_not_call(population)),
        ("trunk", csv("trunk,kind,peer", TRUNKS.map(|(name, kind, peer)| format!("{name},{kind},{peer}")))),
        ("special_number", special_number()),
        ("ported_number", ported_number(population)),
    ]
}

fn allow_list(population: &Population) -> String {
    let allowed = population.sims.iter().filter(|sim| sim.is_allow_listed);
    let reason = |class| match class {
        Class::CallCentre => "registered call centre",
        Class::Clinic => "clinic",
        Class::Lender => "licensed lender",
        Class::Reminder => "reminds its customers",
        _ => "school",
    };
    csv("number,reason", allowed.map(|sim| format!("{},{}", sim.number, reason(sim.class))))
}

fn brandname(population: &Population) -> String {
    let of = |brand: u32| &population.brands[brand as usize];
    let named = population.sims.iter().filter_map(|sim| Some((sim.number, of(sim.brand?))));
    let named = named.chain(advertisers(population, true));
    csv("number,name,holder", named.map(|(number, brand)| format!("{number},{},{}", brand.name, brand.holder)))
}

fn advertiser(population: &Population) -> String {
    let confirmed = advertisers(population, false);
    csv("number,name,confirmed_by", confirmed.map(|(number, firm)| format!("{number},{},inspection", firm.holder)))
}

fn do_not_call(population: &Population) -> String {
    csv("number,scope", population.do_not_call.iter().map(|(number, scope)| format!("{number},{scope}")))
}

fn ported_number(population: &Population) -> String {
    csv("number,operator", population.ported.iter().map(|(number, operator)| format!("{number},{operator}")))
}

/// The numbers of those who advertise by a registered name, or of the others, with their firms.
fn advertisers(population: &Population, is_brandname: bool) -> impl Iterator<Item = (i64, &Brand)> {
    population.sims.iter().filter_map(move |sim| {
        let advertiser = &population.advertisers[sim.advertiser? as usize];
        (advertiser.is_brandname == is_brandname).then_some((sim.number, &advertiser.firm))
    })
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

//! Domains and bank accounts that reports name, for whoever can act on them.
//!
//! In: what reports of a week name, with how many there were. Out: a folder with the same rows as CSV and as JSON.
//! Never: the number of whoever is accused or has reported in clear; half a folder.

use std::io::Write as _;
use std::path::Path;

use serde::Serialize;

use super::cell::inert;
use super::folder::Aside;
use super::list::Published;
use crate::domain::number::Number;

/// One domain or account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entity {
    /// The registrable domain, or the digits of the account.
    pub value: String,
    /// Whom a domain imitates, as far as it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imitates: Option<String>,
    /// Reports that name it.
    pub reports: i64,
    /// People who sent them.
    pub reporters: i64,
    /// First report of the week, as RFC 3339.
    pub first_at: String,
    /// Last one.
    pub last_at: String,
    /// Numbers that are accused together with it.
    #[serde(serialize_with = "masked")]
    pub accused: Vec<Number>,
    /// The reports, CHANNEL/ID each, for whoever asks the carrier for them; none in rows of before they were kept.
    pub report_ids: Vec<String>,
}

/// Writes `ROOT/NAME/FILE.csv` and `FILE.json`, with `summary.json` beside them; `left_out` rows are said to be missing.
pub fn publish(root: &Path, name: &str, file: &str, entities: &[Entity], left_out: usize) -> anyhow::Result<Published> {
    let aside = Aside::open(root, name)?;
    let csv = csv(entities)?;
    let written = aside.write(&format!("{file}.csv"), |out| Ok(out.write_all(&csv)?))?;
    let told = aside.write(&format!("{file}.json"), |out| {
        let document = serde_json::json!({ "of": name, "left_out": left_out, file: entities });
        Ok(writeln!(out, "{document:#}")?)
    })?;
    let (file, rows, sha256) = (written.name, entities.len(), written.sha256);
    aside.write("summary.json", |out| {
        let beside = serde_json::json!({ told.name.as_str(): told.sha256 });
        let summary = serde_json::json!({
            "file": file, "rows": rows, "left_out": left_out, "sha256": sha256, "beside": beside,
        });
        Ok(writeln!(out, "{summary:#}")?)
    })?;
    let is_changed = aside.publish()?;
    Ok(Published { folder: root.join(name), file, rows, sha256, is_changed })
}

fn csv(entities: &[Entity]) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = ["value", "imitates", "reports", "reporters", "accused_numbers", "first_at", "last_at", "report_ids"];
    writer.write_record(head)?;
    for entity in entities {
        writer.write_record([
            inert(&entity.value).as_ref(),
            inert(entity.imitates.as_deref().unwrap_or_default()).as_ref(),
            &entity.reports.to_string(),
            &entity.reporters.to_string(),
            &entity.accused.len().to_string(),
            &entity.first_at,
            &entity.last_at,
            inert(&entity.report_ids.join("|")).as_ref(),
        ])?;
    }
    Ok(writer.into_inner()?)
}

fn masked<S: serde::Serializer>(numbers: &[Number], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(numbers.iter().map(Number::to_string))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::delivery::parcel::Parcel;

    fn entity(value: &str) -> Entity {
        Entity {
            value: value.to_owned(),
            imitates: None,
            reports: 3,
            reporters: 2,
            first_at: "2025-01-06T03:00:00Z".to_owned(),
            last_at: "2025-01-12T03:00:00Z".to_owned(),
            accused: [84_962_000_001, 84_962_000_002].into_iter().filter_map(Number::from_e164).collect(),
            report_ids: vec!["sms_156/r1".to_owned(), "web/r2".to_owned()],
        }
    }

    #[test]
    fn an_account_leaves_in_clear_and_no_accused_number_does() {
        let root = tempfile::tempdir().unwrap();
        let published = publish(root.path(), "2025-W02", "accounts", &[entity("0071001234567")], 0).unwrap();
        assert_eq!((published.rows, published.is_changed), (1, true));
        let text = |file: &str| std::fs::read_to_string(root.path().join("2025-W02").join(file)).unwrap();
        assert_eq!(
            text("accounts.csv"),
            "value,imitates,reports,reporters,accused_numbers,first_at,last_at,report_ids\n\
             0071001234567,,3,2,2,2025-01-06T03:00:00Z,2025-01-12T03:00:00Z,sms_156/r1|web/r2\n"
        );
        let json: serde_json::Value = serde_json::from_str(&text("accounts.json")).unwrap();
        assert_eq!(json["accounts"][0]["accused"], serde_json::json!(["84962•••001", "84962•••002"]));
        assert_eq!(json["accounts"][0]["report_ids"], serde_json::json!(["sms_156/r1", "web/r2"]));
        assert!(["accounts.csv", "accounts.json", "summary.json"].iter().all(|file| !text(file).contains("84962000")));
    }

    #[test]
    fn a_folder_can_be_delivered() {
        let root = tempfile::tempdir().unwrap();
        let published = publish(&root.path().join("domains"), "2025-W02", "domains", &[entity("a.vn")], 0).unwrap();
        let parcel = Parcel::read(&published.folder).unwrap();
        let files: Vec<&str> = parcel.files.iter().map(|item| item.name.as_str()).collect();
        assert_eq!(files, ["domains.csv", "domains.json", "summary.json"]);
    }

    #[test]
    fn the_same_rows_change_nothing_and_others_do() {
        let root = tempfile::tempdir().unwrap();
        let changed =
            |value: &str| publish(root.path(), "2025-W02", "domains", &[entity(value)], 1).unwrap().is_changed;
        assert!(changed("a.vn"));
        assert!(!changed("a.vn"));
        assert!(changed("b.vn"));
    }
}

//! `export domains` and `export accounts`: what a week's reports name, for the registry's abuse desk and for banks.
//!
//! In: `report_entity` of a week, and what is known of domains. Out: a published folder. Never: accuses a domain that
//! strangers share, or one of the bank that is imitated; computes what was not computed; leaves out a
//! report of the week that has come.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, RecordBatch};

use super::export::refuse_shadow;
use super::unread::{Counted, ensure_counted};
use crate::domain::day::{Week, instant};
use crate::domain::host::Link;
use crate::domain::number::Number;
use crate::export::entity::{Entity, publish};
use crate::export::list::Published;
use crate::lake::Lake;
use crate::lookup::Lookup;
use crate::lookup::alike::Standing;
use crate::schema::column::report_entity as column;
use crate::schema::contract::Table;

/// Publishes `OUT/domains/WEEK`: those that are neither shared nor whose name it is.
pub async fn domains(lake: &Lake, lookup: &Lookup, out: &Path, week: Week) -> anyhow::Result<Published> {
    let named = named(lake, week, "domain").await?;
    let all = named.len();
    let mut entities = Vec::new();
    for entity in named {
        let Some(link) = Link::read(&entity.value) else { continue };
        let signals = lookup.signals(&link, None);
        let imitates = match signals.name {
            Standing::Genuine { .. } => continue,
            Standing::Alike(alike) => Some(alike.of),
            Standing::Other => None,
        };
        if !signals.is_shared {
            entities.push(Entity { imitates, ..entity });
        }
    }
    publish(&out.join("domains"), &week.to_string(), "domains", &entities, all - entities.len())
}

/// Publishes `OUT/accounts/WEEK`.
pub async fn accounts(lake: &Lake, out: &Path, week: Week) -> anyhow::Result<Published> {
    publish(&out.join("accounts"), &week.to_string(), "accounts", &named(lake, week, "account").await?, 0)
}

/// What reports of a week name of one kind, the most reported first.
async fn named(lake: &Lake, week: Week, kind: &str) -> anyhow::Result<Vec<Entity>> {
    refuse_shadow(lake)?;
    ensure_counted(lake, Counted::of_week(Table::REPORT_ENTITY, week, week.monday())).await?;
    let table = lake.require(Table::REPORT_ENTITY).await?;
    let mut entities: BTreeMap<String, Entity> = BTreeMap::new();
    for batch in table.day(week.monday()).await? {
        for row in 0..batch.num_rows() {
            if column::KIND.of(&batch)?.value(row) == kind {
                let read = read(&batch, row)?;
                let entity = entities.entry(read.value.clone()).or_insert(read);
                let source = column::SOURCE.of(&batch)?;
                let accused = source.is_valid(row).then(|| Number::from_e164(source.value(row))).flatten();
                entity.accused.extend(accused);
                // A table of before the column has none.
                let ids = column::REPORT_IDS.of(&batch).ok().filter(|ids| ids.is_valid(row)).map(|ids| ids.value(row));
                entity.report_ids.extend(ids.into_iter().flat_map(|ids| ids.split('|')).map(str::to_owned));
            }
        }
    }
    let mut entities: Vec<Entity> = entities.into_values().collect();
    for entity in &mut entities {
        entity.accused.sort_unstable();
        entity.report_ids.sort_unstable();
        // A report that lists several numbers is in the row of each.
        entity.report_ids.dedup();
    }
    entities.sort_by_key(|entity| std::cmp::Reverse(entity.reporters));
    Ok(entities)
}

fn read(batch: &RecordBatch, row: usize) -> anyhow::Result<Entity> {
    Ok(Entity {
        value: column::VALUE.of(batch)?.value(row).to_owned(),
        imitates: None,
        reports: column::REPORTS.of(batch)?.value(row),
        reporters: column::REPORTERS.of(batch)?.value(row),
        first_at: instant(column::FIRST_AT.of(batch)?.value(row)),
        last_at: instant(column::LAST_AT.of(batch)?.value(row)),
        accused: Vec::new(),
        report_ids: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::job::tests::{note_run, report_comes};
    use crate::job::unread::Unread;
    use crate::schema::sheet::Sheet;

    /// Notes that a week was computed when it was over, from the reports at a version.
    async fn ran(lake: &Lake, week: Week, read: i64) {
        let inputs = format!(r#"{{"citizen_report":{read}}}"#);
        let over = week.monday().plus(7).starts_at();
        note_run(lake, week.monday(), Table::REPORT_ENTITY, (&inputs, read), over).await;
    }

    /// A lake with a week that names these, computed when it was over and read to its end.
    async fn lake(folder: &Path, named: &[(&str, &str, i64, i64)]) -> Lake {
        let lake = Lake::local(folder).unwrap();
        let week: Week = "2025-W02".parse().unwrap();
        let read = report_comes(&lake, week.monday(), 0, week.monday().plus(14).starts_at()).await;
        ran(&lake, week, read).await;
        let mut sheet = Sheet::new(Table::REPORT_ENTITY.contract());
        for (kind, value, source, reporters) in named {
            let row = sheet.row().day(week.monday()).text(kind).text(value).int64(*source).int64(1).int64(1);
            let row = row.int64(*reporters).int64(*reporters).int64(1).instant(0).instant(0);
            row.text(&format!("web/list|web/r{source}")).end();
        }
        lake.open(Table::REPORT_ENTITY).await.unwrap().replace(week.monday(), &[sheet.finish()]).await.unwrap();
        lake
    }

    #[tokio::test]
    async fn no_shared_and_no_genuine_domain_is_handed_on() {
        let folder = tempfile::tempdir().unwrap();
        let named = [
            ("domain", "facebook.com", 84_962_000_001, 9),
            ("domain", "vietcombank.com.vn", 84_962_000_001, 8),
            ("domain", "vietcomdank.com", 84_962_000_001, 3),
            ("domain", "vietcomdank.com", 84_962_000_002, 3),
            ("domain", "vay-nhanh.xyz", 84_962_000_002, 4),
            ("account", "0071001234567", 84_962_000_002, 1),
        ];
        let lake = lake(&folder.path().join("lake"), &named).await;
        let lookup = Lookup::open(&crate::lookup::Options::default(), Clock::Fixed(0)).unwrap();
        let week = "2025-W02".parse().unwrap();
        let published = domains(&lake, &lookup, folder.path(), week).await.unwrap();
        let csv = std::fs::read_to_string(published.folder.join("domains.csv")).unwrap();
        let rows: Vec<&str> = csv.lines().skip(1).map(|line| line.split(",1970").next().unwrap()).collect();
        assert_eq!(rows, ["vay-nhanh.xyz,,4,4,1", "vietcomdank.com,Vietcombank,3,3,2"]);
        assert!(csv.ends_with(",web/list|web/r84962000001|web/r84962000002\n"), "{csv}");
        let summary = std::fs::read_to_string(published.folder.join("summary.json")).unwrap();
        assert!(summary.contains("\"left_out\": 2"), "{summary}");
        let accounts = accounts(&lake, folder.path(), week).await.unwrap();
        assert_eq!(accounts.rows, 1);
    }

    #[tokio::test]
    async fn a_week_that_was_not_computed_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder.path().join("lake"), &[]).await;
        assert_eq!(accounts(&lake, folder.path(), "2025-W02".parse().unwrap()).await.unwrap().rows, 0);
        let problem = accounts(&lake, folder.path(), "2025-W03".parse().unwrap()).await.unwrap_err();
        assert!(problem.to_string().contains("run --week 2025-W03"), "{problem:#}");
    }

    #[tokio::test]
    async fn a_week_that_was_computed_while_it_went_on_is_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder.path().join("lake"), &[]).await;
        let week: Week = "2025-W03".parse().unwrap();
        let over = week.monday().plus(7).starts_at();
        note_run(&lake, week.monday(), Table::REPORT_ENTITY, ("{}", 1), over - 1).await;
        let problem = accounts(&lake, folder.path(), week).await.unwrap_err();
        assert!(problem.is::<Unread>(), "{problem:#}");
        let expected = "2025-01-19 was not over when it was computed; `callsieve run --week 2025-W03` once more";
        assert!(problem.to_string().ends_with(expected), "{problem:#}");
        note_run(&lake, week.monday(), Table::REPORT_ENTITY, ("{}", 2), over).await;
        assert_eq!(accounts(&lake, folder.path(), week).await.unwrap().rows, 0);
    }

    #[tokio::test]
    async fn a_week_of_which_a_report_came_after_its_run_leaves_once_it_was_run_again() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder.path().join("lake"), &[("account", "0071001234567", 84_962_000_002, 1)]).await;
        let lookup = Lookup::open(&crate::lookup::Options::default(), Clock::Fixed(0)).unwrap();
        let week: Week = "2025-W02".parse().unwrap();
        let sunday = week.monday().plus(6);
        let read = report_comes(&lake, sunday, 1, sunday.ends_at()).await;
        let refused = [
            domains(&lake, &lookup, folder.path(), week).await.unwrap_err(),
            accounts(&lake, folder.path(), week).await.unwrap_err(),
        ];
        for refused in refused {
            assert!(refused.is::<Unread>(), "{refused:#}");
            let begin = "report_entity does not have every report of 2025-01-06 to 2025-01-12, so nothing leaves: 1 of";
            assert!(refused.to_string().starts_with(begin), "{refused:#}");
        }
        assert!(!folder.path().join("domains").exists() && !folder.path().join("accounts").exists());
        ran(&lake, week, read).await;
        domains(&lake, &lookup, folder.path(), week).await.unwrap();
        assert_eq!(accounts(&lake, folder.path(), week).await.unwrap().rows, 1);
    }

    #[tokio::test]
    async fn a_week_whose_reports_were_not_read_to_its_end_is_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(&folder.path().join("lake")).unwrap();
        let week: Week = "2025-W02".parse().unwrap();
        let sunday = week.monday().plus(6);
        let read = report_comes(&lake, sunday, 0, sunday.ends_at() - 1).await;
        ran(&lake, week, read).await;
        let refused = accounts(&lake, folder.path(), week).await.unwrap_err();
        assert!(refused.is::<Unread>() && refused.to_string().contains("has been read up to"), "{refused:#}");
        assert!(!folder.path().join("accounts").exists());
    }
}

//! What the books are told of a topic beside its batches.
//!
//! In: what the broker or a file says that there is. Out: entries from which the ledger sees what stays away. Never:
//! goes on with a topic or a file that is another by now.

use std::path::Path;

use anyhow::ensure;

use super::Writer;
use crate::domain::account::Account;
use crate::domain::message::OffsetRange;
use crate::domain::origin::Origin;
use crate::lake::append::{AppendError, Span};
use crate::lake::ledger::{Entry, Kind, Told};
use crate::source::kafka;

impl Writer {
    /// Every word of the books on this topic.
    pub(in crate::job) async fn entries(&mut self) -> anyhow::Result<Vec<Entry>> {
        self.books.settle(&self.rows).await?;
        self.books.entries(self.rows.table()).await
    }

    /// Leaves what the broker has of partitions that were never read to a back-fill, and says so in the log.
    pub(in crate::job) async fn defer(&mut self, ends: &[OffsetRange]) -> anyhow::Result<()> {
        let partitions: Vec<i32> = ends.iter().map(|end| end.partition).collect();
        let known = self.known(&partitions).await?;
        for OffsetRange { partition, from, until } in ends {
            let app_id = self.origin.app_id(*partition);
            self.rows.refresh().await?;
            if from == until || self.rows.offset(&app_id).await?.is_some() {
                continue;
            }
            // What the broker threw away since it was known is a hole as well.
            let first = known.get(partition).map_or(*from, |known| *from.min(known));
            let mut account = Account::empty(&self.source, *partition, first);
            account.until = *until;
            let told = Told { kind: Kind::Deferred, accounts: &[account], at: self.site.clock.now(), note: None };
            let span = Span { app_id, from: *from, until: *until };
            match self.rows.append_told(&[], &[span], told).await {
                // Another was first, and has begun where it saw fit.
                Ok(_) | Err(AppendError::Behind { .. } | AppendError::Fenced) => {}
                Err(AppendError::Other(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Notes how many offsets a file has before the first of them is committed: what stays away of them is a hole.
    pub(in crate::job) async fn expect(&mut self, partition: i32, until: i64) -> anyhow::Result<()> {
        let account = Account { until, ..Account::empty(&self.source, partition, 0) };
        let entry = Entry::new(Kind::Deferred, self.rows.table(), account, self.site.clock.now());
        self.books.expect(&Entry { note: self.note.clone(), ..entry }).await
    }

    /// Holds the number of a file's offsets against the one that was noted when it was begun. Where a part of it is in a
    /// table they have to be one; where nothing is, the new one holds, or what it has less would be a hole for ever.
    pub(in crate::job) async fn recount(&mut self, partition: i32, begin: i64, until: i64) -> anyhow::Result<()> {
        if begin > 0 || self.honoured.contains_key(&partition) {
            return self.check_expected(until).await;
        }
        if self.books.is_begun(self.rows.table(), &self.source).await? {
            self.expect(partition, until).await?;
        }
        Ok(())
    }

    /// Notes that the file at a place is in the tables, where one that could not be read was missed.
    pub(in crate::job) async fn come(&mut self, path: &Path) -> anyhow::Result<()> {
        self.books.come(self.rows.table(), path, self.site.clock.now()).await
    }

    /// Fails when a file of which a part is in the tables had another number of offsets then: by other numbers what
    /// is left of it would begin elsewhere.
    async fn check_expected(&mut self, until: i64) -> anyhow::Result<()> {
        let entries = self.entries().await?;
        let is_told = |entry: &&Entry| entry.kind == Kind::Deferred && entry.account.source == self.source;
        let then = entries.iter().find(is_told).map_or(until, |entry| entry.account.until);
        ensure!(
            then == until,
            "{}: it had {then} records when its first were loaded and has {until} now; was header or multiline of \
             its csv changed? set it back until this file is loaded, or sign with the `ledger accept` that \
             `callsieve ledger` shows that the rest of it is lost, and drop that rest as another file",
            self.source
        );
        Ok(())
    }

    /// Notes how many partitions there are, and which topic it is; refuses one that was made anew.
    pub(in crate::job) async fn know(&mut self, partitions: i32, topic_id: Option<&str>) -> anyhow::Result<()> {
        let (table, now) = (self.rows.table(), self.site.clock.now());
        let before = self.books.know(table, &self.source, partitions, topic_id, now).await?;
        match (&self.origin, before, topic_id) {
            (Origin::Topic { topic, epoch, .. }, Some(before), Some(id)) => {
                Err(kafka::made_anew(topic, *epoch, &before, id))
            }
            _ => Ok(()),
        }
    }

    /// Copies accounts from the log into the books, and notes which partitions have nothing more to read.
    pub(in crate::job) async fn settle(&mut self, idle: &[(i32, i64, i64)], now: i64) -> anyhow::Result<()> {
        self.books.settle(&self.rows).await?;
        let table = self.rows.table();
        let entry = |(partition, offset, at): &(i32, i64, i64)| {
            let mut account = Account::empty(&self.source, *partition, *offset);
            account.watermark = Some(*at);
            Entry::new(Kind::Idle, table, account, now)
        };
        self.books.note(&idle.iter().map(entry).collect::<Vec<_>>()).await
    }
}

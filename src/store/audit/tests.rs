//! What the chain shows of a trail that was tampered with, and holds of those who act at once.

use sqlx::Executor;

use super::{Broken, Wanted};
use crate::store::tests::{AT, Place, number, places, review, wish};
use crate::store::user::Role;
use crate::store::wish::Deed;
use crate::store::{Database, Store};

#[tokio::test]
async fn what_was_said_cannot_be_unsaid_by_sql() {
    for Place { store, .. } in places().await {
        let mut act = store.act("an", Role::Supervisor, AT).await.unwrap();
        act.review(&review(1, true)).await.unwrap();
        act.grant(&wish(Deed::Release, 2)).await.unwrap();
        act.commit().await.unwrap();
        for table in ["audit", "reviews", "releases"] {
            let mut statements = vec![format!("UPDATE {table} SET number = 1"), format!("DELETE FROM {table}")];
            match store.database {
                Database::Postgres => statements.push(format!("TRUNCATE {table}")),
                Database::Sqlite => statements.push(format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table}")),
            }
            for statement in statements {
                let error = store.pool.execute(sqlx::AssertSqlSafe(statement.clone())).await.unwrap_err();
                assert!(error.to_string().contains("append-only"), "{statement}: {error}");
            }
        }
        assert_eq!(store.verify(None).await.unwrap().rows, 6);
    }
}

/// Does to the trail what its triggers refuse.
async fn tamper(store: &Store, statement: &'static str) {
    let (off, on) = match store.database {
        Database::Postgres => ("ALTER TABLE audit DISABLE TRIGGER ALL", "ALTER TABLE audit ENABLE TRIGGER ALL"),
        Database::Sqlite => ("DROP TRIGGER audit_not_changed; DROP TRIGGER audit_not_deleted", "SELECT 1"),
    };
    for statement in [off, statement, on] {
        store.pool.execute(statement).await.unwrap();
    }
}

#[tokio::test]
async fn the_first_row_that_was_tampered_with_is_named() {
    let broken = |seq, why: &str| Some(Broken { seq, why: why.to_owned() });
    let changed = "its hash is not that of its content and the row before";
    let cases = [
        ("UPDATE audit SET actor = 'binh' WHERE seq = 5", broken(5, changed)),
        ("UPDATE audit SET detail = '{}' WHERE seq IN (3, 6)", broken(3, changed)),
        ("UPDATE audit SET at = at + 1 WHERE seq = 1", broken(1, changed)),
        ("UPDATE audit SET number = NULL WHERE seq = 6", broken(6, changed)),
        ("UPDATE audit SET number = 5 WHERE seq = 6", broken(6, "it cannot be read: not a number")),
        ("DELETE FROM audit WHERE seq = 2", broken(2, "it is missing: row 3 follows row 1")),
        ("DELETE FROM audit WHERE seq = 1", broken(1, "it is missing: row 2 follows row 0")),
        ("DELETE FROM audit WHERE seq = 6", None),
    ];
    for (statement, expected) in cases {
        for Place { store, .. } in places().await {
            let mut act = store.act("an", Role::Supervisor, AT).await.unwrap();
            act.review(&review(1, true)).await.unwrap();
            act.review(&review(2, true)).await.unwrap();
            act.commit().await.unwrap();
            let noted = store.verify(None).await.unwrap();
            assert!(noted.holds() && noted.rows == 6);
            tamper(&store, statement).await;
            let verified = store.verify(Some(&noted.head)).await.unwrap();
            assert_eq!(verified.broken, expected, "{statement}");
            assert_eq!(verified.has_noted, Some(false), "a row that was cut off is missed by its noted hash");
            assert!(!verified.holds());
        }
    }
}

#[tokio::test]
async fn a_hash_that_was_noted_is_found_later() {
    for Place { store, .. } in places().await {
        let noted = store.verify(None).await.unwrap().head;
        let mut act = store.act("an", Role::Supervisor, AT).await.unwrap();
        act.review(&review(1, true)).await.unwrap();
        act.commit().await.unwrap();
        let verified = store.verify(Some(&noted)).await.unwrap();
        assert_eq!((verified.has_noted, verified.holds(), verified.rows), (Some(true), true, 5));
    }
}

/// The same four rows by Python:
///
/// ```python
/// import hashlib
/// h = "0" * 64
/// for seq, (name, role) in enumerate([("an", "supervisor"), ("binh", "supervisor"), ("chi", "analyst"), ("dung", "auditor")], 1):
///     detail = '{"name":"%s","role":"%s"}' % (name, role)
///     h = hashlib.sha256(f"{h}\n{seq}\n1736128800000000\nan\nuser_add\n\n{detail}".encode()).hexdigest()
/// detail = '{"day":"2025-01-05","note":"gọi lại","reason":"business","word":"dismissed"}'
/// print(hashlib.sha256(f"{h}\n5\n1736128800000000\nchi\nreview\n84912345001\n{detail}".encode()).hexdigest())
/// ```
const BY_PYTHON: &str = "1669e0ce0750607644e752785fb3fd0f02d7b0df02fa97af189bdc571e77e8b3";

#[tokio::test]
async fn the_chain_is_what_python_makes_of_the_same_rows() {
    for Place { store, .. } in places().await {
        let mut act = store.act("chi", Role::Analyst, AT).await.unwrap();
        act.review(&review(1, false)).await.unwrap();
        act.commit().await.unwrap();
        assert_eq!(store.verify(None).await.unwrap().head, BY_PYTHON);
    }
}

#[tokio::test]
async fn a_reading_in_clear_is_written_down() {
    for Place { store, .. } in places().await {
        let mut act = store.act("dung", Role::Auditor, AT).await.unwrap();
        act.show(number(1), "appeal list").await.unwrap();
        act.commit().await.unwrap();
        let trail = store.trail(&Wanted { number: Some(number(1)), limit: 9, ..Wanted::default() }).await.unwrap();
        assert_eq!(trail.len(), 1);
        assert_eq!((trail[0].actor.as_str(), trail[0].act.as_str()), ("dung", "show"));
        assert_eq!(trail[0].detail, r#"{"in":"appeal list"}"#);
    }
}

async fn five_reviews(url: String, last: i64) {
    let store = Store::open(&url).await.unwrap();
    for _ in 0..5 {
        let mut act = store.act("chi", Role::Analyst, AT).await.unwrap();
        act.review(&review(last, true)).await.unwrap();
        act.commit().await.unwrap();
    }
}

#[tokio::test]
async fn many_who_act_at_once_make_one_chain() {
    for Place { store, url, .. } in places().await {
        // As other processes would: each has a pool of its own.
        let mut all = tokio::task::JoinSet::new();
        for last in 0..8 {
            all.spawn(five_reviews(url.clone(), last));
        }
        while let Some(done) = all.join_next().await {
            done.unwrap();
        }
        let verified = store.verify(None).await.unwrap();
        assert_eq!((verified.rows, verified.broken), (44, None));
        assert_eq!(store.events().await.unwrap().len(), 40);
    }
}

//! Who works at the desk: names and roles, and nothing else about anybody.
//!
//! In: a name. Out: a role. Never: a password: who types is known to the machine, or to whoever serves pages.

use std::fmt;
use std::str::FromStr;

use anyhow::ensure;
use serde::Serialize;
use sqlx::Row;

use super::{Act, Refused, Store, word};

/// Longest name.
const NAME_CHARS: usize = 64;

/// What somebody may do; each role may what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads, numbers in clear included.
    Auditor,
    /// Reviews, opens appeals, asks for what a second person must approve.
    Analyst,
    /// Closes appeals, releases, allows, approves, and says who works at the desk.
    Supervisor,
}

impl Role {
    /// Every role, from the one that may least.
    pub const ALL: [Self; 3] = [Self::Auditor, Self::Analyst, Self::Supervisor];

    /// The word used in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Analyst => "analyst",
            Self::Supervisor => "supervisor",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == word);
        found.ok_or_else(|| format!("\"{word}\" is no role; there are auditor, analyst and supervisor"))
    }
}

/// Somebody who works at the desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// The name.
    pub name: String,
    /// What they may do.
    pub role: &'static str,
}

impl Store {
    /// Begins to act as whoever may change who works here: a supervisor, or the first one naming themself.
    pub async fn act_on_users(&self, by: &str, added: Option<(&str, Role)>, at: i64) -> anyhow::Result<Act> {
        if self.users().await?.is_empty() && added == Some((by, Role::Supervisor)) {
            return self.begin(by, at).await;
        }
        self.act(by, Role::Supervisor, at).await
    }

    /// Who works at the desk, by name.
    pub async fn users(&self) -> anyhow::Result<Vec<User>> {
        let rows = sqlx::query("SELECT name, role FROM users WHERE removed_at IS NULL ORDER BY name");
        let rows = rows.fetch_all(&self.pool).await?;
        let user =
            |row| Ok(User { name: Row::try_get(row, "name")?, role: word::<Role>(row, "role").map(Role::as_str)? });
        rows.iter().map(user).collect()
    }
}

impl Act {
    /// Takes somebody in, or gives them another role.
    pub async fn add_user(&mut self, name: &str, role: Role) -> anyhow::Result<i64> {
        let is_name = !name.is_empty() && name.chars().count() <= NAME_CHARS && !name.chars().any(char::is_control);
        ensure!(is_name, "a user's name is 1 to {NAME_CHARS} characters of one line");
        let id = self.note("user_add", None, &serde_json::json!({ "name": name, "role": role.as_str() })).await?;
        let added = "INSERT INTO users (name, role, added_at) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET role = excluded.role, added_at = excluded.added_at, removed_at = NULL";
        sqlx::query(added).bind(name).bind(role.as_str()).bind(self.at).execute(&mut *self.tx).await?;
        self.keep_a_supervisor().await?;
        Ok(id)
    }

    /// Lets somebody go; what they did keeps their name.
    pub async fn remove_user(&mut self, name: &str) -> anyhow::Result<i64> {
        let id = self.note("user_remove", None, &serde_json::json!({ "name": name })).await?;
        let removed = "UPDATE users SET removed_at = $2 WHERE name = $1 AND removed_at IS NULL";
        let removed = sqlx::query(removed).bind(name).bind(self.at).execute(&mut *self.tx).await?;
        ensure!(removed.rows_affected() == 1, "the desk knows no user \"{name}\"");
        self.keep_a_supervisor().await?;
        Ok(id)
    }

    /// Without one nobody could ever take anybody in again.
    async fn keep_a_supervisor(&mut self) -> anyhow::Result<()> {
        let left = "SELECT COUNT(*) AS users FROM users WHERE role = $1 AND removed_at IS NULL";
        let left = sqlx::query(left).bind(Role::Supervisor.as_str()).fetch_one(&mut *self.tx).await?;
        let is_left = left.try_get::<i64, _>("users")? > 0;
        if is_left { Ok(()) } else { Err(Refused("the desk needs a supervisor".to_owned()).into()) }
    }

    pub(super) async fn role_of(&mut self, name: &str) -> anyhow::Result<Option<Role>> {
        let role = sqlx::query("SELECT role FROM users WHERE name = $1 AND removed_at IS NULL").bind(name);
        let role = role.fetch_optional(&mut *self.tx).await?;
        role.map(|row| word(&row, "role")).transpose()
    }
}

//! Where offsets count: a topic of a cluster, a file, or one that could not be read.
//!
//! In: a source's name as tables hold it. Out: the name under which they remember how far a partition was read. Never:
//! one name for two sources: a topic made anew begins at 0 again, and its epoch says so.

use std::fmt;
use std::str::FromStr;

/// A source of messages whose offsets rise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `CLUSTER/TOPIC/EPOCH`.
    Topic {
        /// The cluster's own id.
        cluster: String,
        /// What the topic is called there.
        topic: String,
        /// How often it was made anew.
        epoch: u32,
    },
    /// `file/SHA256`: what a file holds, whatever it is called.
    File {
        /// Of the file, hex.
        sha256: String,
    },
    /// `file/unread-STATE`: a file that could not be read, as it lay and looked then. It has one offset.
    Unread {
        /// Hashes of where it lay and of how it looked, hex.
        state: String,
    },
}

const FILE: &str = "file";
const UNREAD: &str = "unread-";

impl Origin {
    /// The name under which tables remember the offsets of a partition.
    pub fn app_id(&self, partition: i32) -> String {
        match self {
            Self::Topic { cluster, topic, epoch } => format!("{cluster}/{topic}/{partition}/{epoch}"),
            // A file has one partition.
            Self::File { .. } | Self::Unread { .. } => self.to_string(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic { cluster, topic, epoch } => write!(f, "{cluster}/{topic}/{epoch}"),
            Self::File { sha256 } => write!(f, "{FILE}/{sha256}"),
            Self::Unread { state } => write!(f, "{FILE}/{UNREAD}{state}"),
        }
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("source \"{text}\" is neither CLUSTER/TOPIC/EPOCH nor {FILE}/SHA256");
        match text.split('/').collect::<Vec<_>>()[..] {
            [FILE, name] => Ok(match name.strip_prefix(UNREAD) {
                Some(state) => Self::Unread { state: state.to_owned() },
                None => Self::File { sha256: name.to_owned() },
            }),
            [cluster, topic, epoch] => Ok(Self::Topic {
                cluster: cluster.to_owned(),
                topic: topic.to_owned(),
                epoch: epoch.parse().map_err(|_| wrong())?,
            }),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, app_id: &str) {
        let origin: Origin = source.parse().unwrap();
        assert_eq!((origin.to_string().as_str(), origin.app_id(7).as_str()), (source, app_id));
    }

    #[test]
    fn a_source_has_one_name_and_its_partitions_others() {
        check("4L6g/call_record/0", "4L6g/call_record/7/0");
        check("file/ab12", "file/ab12");
        check("file/unread-ab-12", "file/unread-ab-12");
        assert_eq!("file/unread-ab".parse(), Ok(Origin::Unread { state: "ab".to_owned() }));
    }

    #[test]
    fn what_names_no_source_is_refused() {
        for text in ["", "call_record", "k/t/x", "k/t/0/1", "seed"] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}

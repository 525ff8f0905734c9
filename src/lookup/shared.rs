//! Hosts that many strangers share.
//!
//! In: `pipelines/lookup/shared_host.txt` and the public suffix list. Out: which hosts no entry of a list condemns, and
//! which part of any other is one holder's.
//! Never: excuses one page, or one customer's own subdomain.

use std::collections::HashSet;

use crate::domain::host::{Host, tails};

/// Shared hosts, by how they are shared.
#[derive(Debug)]
pub struct SharedHosts {
    /// Pages of many lie below paths, on every subdomain.
    by_path: HashSet<String>,
    /// Each subdomain is one customer's own.
    by_name: HashSet<String>,
}

impl SharedHosts {
    /// Reads one host a line; `*.example.com` hands out subdomains.
    pub(super) fn read(text: &str) -> Self {
        let (by_name, by_path): (Vec<&str>, Vec<&str>) = lines(text).partition(|line| line.starts_with("*."));
        Self {
            by_path: by_path.into_iter().map(str::to_owned).collect(),
            by_name: by_name.into_iter().filter_map(|line| line.strip_prefix("*.")).map(str::to_owned).collect(),
        }
    }

    /// Whether many share this very host.
    pub fn holds(&self, host: &Host) -> bool {
        let is_suffix = host.registrable().is_some() && host.site().is_none();
        is_suffix || self.names(host.host())
    }

    /// The part of a host that one holder answers for: a domain, or a customer's own name. `None` where it is shared.
    pub fn held<'a>(&self, host: &'a Host) -> Option<&'a str> {
        if self.holds(host) {
            return None;
        }
        self.customer(host).or_else(|| host.site())
    }

    /// The customer's own name that a host is or lies below, where a shared host hands such names out: by our own list,
    /// or by that of public suffixes.
    pub(super) fn customer<'a>(&self, host: &'a Host) -> Option<&'a str> {
        let is_customers = |tail: &&str| tail.split_once('.').is_some_and(|(_, above)| self.by_name.contains(above));
        let below_suffix = || host.site().filter(|site| host.registrable() != Some(*site));
        tails(host.host()).find(is_customers).or_else(below_suffix).filter(|_| !self.holds(host))
    }

    /// Whether the lists of shared hosts name it, or a host above it whose subdomains nobody owns.
    pub(super) fn names(&self, host: &str) -> bool {
        let is_own_front = host.strip_prefix("www.").is_some_and(|front| self.by_name.contains(front));
        is_own_front || self.by_name.contains(host) || tails(host).any(|tail| self.by_path.contains(tail))
    }

    /// Whether pages of many lie below the paths of this very host.
    pub(super) fn has_paths(&self, host: &str) -> bool {
        self.by_path.contains(host)
    }
}

/// The lines of a data file that say something.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_held_by_one_as_far_as_its_domain_or_a_customers_name_goes() {
        let shared = super::super::Rules::embedded().unwrap().shared;
        for (host, expected) in [
            ("m.example.com.vn", Some("example.com.vn")),
            ("www.shop.weebly.com", Some("shop.weebly.com")),
            ("a.shop.github.io", Some("shop.github.io")),
            ("weebly.com", None),
            ("sites.google.com", None),
            ("203.0.113.9", None),
        ] {
            assert_eq!(shared.held(&Host::read(host).unwrap()), expected, "{host}");
        }
    }

    #[test]
    fn many_share_a_host_and_nobody_shares_a_customers_own() {
        let shared = super::super::Rules::embedded().unwrap().shared;
        for (host, expected) in [
            ("facebook.com", true),
            ("www.facebook.com", true),
            ("m.facebook.com", true),
            ("facebook-support.com", false),
            ("sites.google.com", true),
            ("oa.zalo.me", true),
            ("weebly.com", true),
            ("www.weebly.com", true),
            ("shop.weebly.com", false),
            ("github.io", true),
            ("shop.github.io", false),
            ("example.vn", false),
            ("com.vn", false),
        ] {
            assert_eq!(shared.holds(&Host::read(host).unwrap()), expected, "{host}");
        }
    }
}

//! Imported lists of bad hosts and links, in the forms in which they are published.
//!
//! In: files in hosts form (`0.0.0.0 name`), domain form (`name`, `*.name`, `||name^`) or URL form. Out: which lists name
//! a link, and how. Never: condemns a shared host for an entry that was cut down to it; cuts a URL down to its host.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use super::shared::SharedHosts;
use crate::domain::host::{Host, Link, tails};

/// Every list of a folder.
#[derive(Debug, Default)]
pub struct Lists(Vec<List>);

/// One list.
#[derive(Debug)]
struct List {
    name: String,
    /// Whole hosts, sorted.
    hosts: Vec<Box<str>>,
    /// Host and path of single pages, sorted.
    pages: Vec<Box<str>>,
    /// Lines that say nothing that we can read.
    unread: usize,
}

/// An entry that names a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// The list.
    pub list: String,
    /// The entry.
    pub entry: String,
    /// What of it is listed.
    pub reach: Reach,
}

/// What an entry condemns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// The host, or one above it.
    Host,
    /// This page, or what lies below it.
    Page,
    /// Another page of this host.
    OtherPage,
}

impl Lists {
    /// Reads every file of a folder; a list's name is its file's without the ending.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let reading = || format!("reading lists of {}", folder.display());
        let mut paths = Vec::new();
        for file in std::fs::read_dir(folder).with_context(reading)? {
            let path = file.with_context(reading)?.path();
            if path.is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        let mut lists = Vec::new();
        for path in paths {
            let bytes = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            lists.push(List::read(name, &String::from_utf8_lossy(&bytes)));
        }
        Ok(Self(lists))
    }

    /// Each list with its entries, and with the lines of it that could not be read.
    pub fn sizes(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        self.0.iter().map(|list| (list.name.as_str(), list.hosts.len() + list.pages.len(), list.unread))
    }

    /// The entries that name a link: of each list the one that reaches closest.
    pub(super) fn hits(&self, link: &Link, shared: &SharedHosts) -> Vec<Hit> {
        self.0.iter().filter_map(|list| list.hit(link, shared)).collect()
    }
}

impl List {
    fn read(name: String, text: &str) -> Self {
        let mut list = Self { name, hosts: Vec::new(), pages: Vec::new(), unread: 0 };
        for line in text.lines() {
            list.add(line);
        }
        for entries in [&mut list.hosts, &mut list.pages] {
            entries.sort_unstable();
            entries.dedup();
        }
        list
    }

    fn add(&mut self, line: &str) {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with(['#', '!', '[']) || line.starts_with("@@") {
            return;
        }
        let names = line.split_once(char::is_whitespace).filter(|(first, _)| SINKS.contains(first));
        let names = names.map_or(line, |(_, names)| names);
        for name in names.split_whitespace() {
            match entry(name) {
                Some((host, path)) if path.is_empty() => self.hosts.push(host.into()),
                Some((host, path)) => self.pages.push(format!("{host}{path}").into()),
                None => self.unread += 1,
            }
        }
    }

    fn hit(&self, link: &Link, shared: &SharedHosts) -> Option<Hit> {
        let hit = |entry: &str, reach| Hit { list: self.name.clone(), entry: entry.to_owned(), reach };
        let host = without_www(link.host.host());
        let mut candidates = fronts(host, shared).into_iter().flat_map(|front| pages(front, &link.path));
        if let Some(page) = candidates.find(|page| holds(&self.pages, page)) {
            return Some(hit(&page, Reach::Page));
        }
        let is_shared = shared.holds(&link.host);
        if !is_shared && let Some(above) = condemning(&link.host, shared).find(|above| holds(&self.hosts, above)) {
            return Some(hit(above, Reach::Host));
        }
        // Somebody else's page says nothing of a host that strangers share.
        let other = (!is_shared).then(|| self.page_of(host)).flatten()?;
        Some(hit(other, Reach::OtherPage))
    }

    fn page_of(&self, host: &str) -> Option<&str> {
        let below = format!("{host}/");
        let at = self.pages.partition_point(|page| **page < *below);
        self.pages.get(at).map(AsRef::as_ref).filter(|page: &&str| page.starts_with(&below))
    }
}

/// Where hosts files send what they block.
const SINKS: [&str; 5] = ["0.0.0.0", "127.0.0.1", "::", "::1", "255.255.255.255"];

/// Names that hosts files have for the machine itself.
const OWN: [&str; 3] = ["localhost.localdomain", "0.0.0.0", "127.0.0.1"];

fn holds(entries: &[Box<str>], entry: &str) -> bool {
    entries.binary_search_by(|found| (**found).cmp(entry)).is_ok()
}

fn without_www(host: &str) -> &str {
    host.strip_prefix("www.").unwrap_or(host)
}

/// The hosts that show the same pages as a host: where many share it by path, with and without a front for telephones.
fn fronts(host: &str, shared: &SharedHosts) -> Vec<String> {
    let bare = MOBILE.iter().find_map(|front| host.strip_prefix(front)).unwrap_or(host);
    if !shared.has_paths(bare) {
        return vec![host.to_owned()];
    }
    [""].iter().chain(&MOBILE).map(|front| format!("{front}{bare}")).collect()
}

/// What shared hosts put before their names for telephones.
const MOBILE: [&str; 4] = ["m.", "mobile.", "mbasic.", "touch."];

/// The hosts whose entry condemns a host: itself and those above it, up to its owner's; a shared one is none of them.
fn condemning<'a>(host: &'a Host, shared: &'a SharedHosts) -> impl Iterator<Item = &'a str> {
    let owner = host.site().unwrap_or(host.host());
    let above = tails(host.host()).take_while(move |tail| tail.len() >= owner.len());
    above.filter(|tail| !shared.names(tail))
}

/// A page, and the pages above it, cut where a path or a query has its joints; the whole host is none of them.
fn pages(host: String, path: &str) -> impl Iterator<Item = String> {
    let joints = path.char_indices().skip(1).filter(|(_, joint)| matches!(joint, '/' | '?' | '&')).map(|(at, _)| at);
    let cuts = joints.chain([path.len()]).filter(|cut| *cut > 1).take(DEEPEST);
    cuts.filter_map(move |cut| path.get(..cut)).map(move |path| format!("{host}{path}"))
}

/// Joints of a path that are looked at; a longer one is somebody's data.
const DEEPEST: usize = 64;

/// What stands between a host and the part of its pages that a filter hides: that condemns nobody.
const HIDING: [&str; 4] = ["##", "#@#", "#?#", "#$#"];

/// Host and path of an entry.
fn entry(written: &str) -> Option<(String, String)> {
    if HIDING.iter().any(|sign| written.contains(sign)) {
        return None;
    }
    let name = written.strip_prefix("||").unwrap_or(written).split(['^', '$']).next()?;
    let name = name.trim_start_matches("*.").trim_start_matches('.');
    let name = name.trim_end_matches("/*").trim_end_matches('*');
    if OWN.contains(&name) {
        return None;
    }
    let is_plain =
        name.contains('.') && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
    if is_plain && !name.ends_with('.') {
        return Some((without_www(name).to_owned(), String::new()));
    }
    let Link { host, path } = Link::read(name)?;
    Some((without_www(host.host()).to_owned(), path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::Rules;

    const HOSTS: &str = "# hosts form\n0.0.0.0 0.0.0.0\n127.0.0.1 localhost.localdomain\n0.0.0.0 vay-nhanh.xyz # seen\n\
        0.0.0.0 www.facebook.com\n0.0.0.0 github.io\n0.0.0.0 xau.github.io";
    const DOMAINS: &str = "! domain form\n[Adblock Plus]\n||trungthuong.top^\n*.nhanqua.vip\n.thuong.club\nweebly.com\n\
        xau.weebly.com\nOA.Zalo.me\nsites.google.com\nngân-hàng.vn\n@@||tot.vn^\nbao.vn##.quang-cao\nkhong phai\n";
    const LINKS: &str = "https://sites.google.com/view/vayvon\nhttp://lua.dao.com/a/b?c=d\nhttps://caodai.net/\n\
        http://www.tenten.club/x\nhttp://facebook.com/tranghoax\nhttps://m.facebook.com/nhomvay\nlua-dao.vn/a";

    fn lists() -> Lists {
        let list = |name: &str, text| List::read(name.to_owned(), text);
        Lists(vec![list("hosts", HOSTS), list("domains", DOMAINS), list("links", LINKS)])
    }

    #[track_caller]
    fn check(asked: &str, expected: &[&str]) {
        let shared = Rules::embedded().unwrap().shared;
        let found = lists().hits(&Link::read(asked).unwrap(), &shared);
        let found: Vec<_> = found.iter().map(|hit| format!("{} {:?} {}", hit.list, hit.reach, hit.entry)).collect();
        assert_eq!(found, expected, "{asked}");
    }

    #[test]
    fn a_whole_host_is_listed_with_all_below_it() {
        check("vay-nhanh.xyz", &["hosts Host vay-nhanh.xyz"]);
        check("https://www.vay-nhanh.xyz/a", &["hosts Host vay-nhanh.xyz"]);
        check("m.vay-nhanh.xyz", &["hosts Host vay-nhanh.xyz"]);
        check("vay-nhanh.xyz.vn", &[]);
        check("vaynhanh.xyz", &[]);
        check("trungthuong.top", &["domains Host trungthuong.top"]);
        check("nhanqua.vip", &["domains Host nhanqua.vip"]);
        check("thuong.club", &["domains Host thuong.club"]);
        check("ngân-hàng.vn", &[&format!("domains Host {}", Host::read("ngân-hàng.vn").unwrap())]);
        check("tot.vn", &[]);
        check("bao.vn", &[]);
        check("caodai.net/x", &["links Host caodai.net"]);
    }

    #[test]
    fn a_shared_host_is_never_condemned_and_one_customer_is() {
        check("facebook.com", &[]);
        check("https://www.facebook.com/nguoitot", &[]);
        check("m.facebook.com", &[]);
        check("oa.zalo.me", &[]);
        check("zalo.me/0", &[]);
        check("weebly.com", &[]);
        check("tot.weebly.com", &[]);
        check("xau.weebly.com", &["domains Host xau.weebly.com"]);
        check("github.io", &[]);
        check("tot.github.io", &[]);
        check("www.xau.github.io/a", &["hosts Host xau.github.io"]);
    }

    #[test]
    fn a_page_is_listed_with_what_lies_below_it_alone() {
        check("sites.google.com/view/vayvon", &["links Page sites.google.com/view/vayvon"]);
        check("sites.google.com/view/vayvon/home", &["links Page sites.google.com/view/vayvon"]);
        check("sites.google.com/view/vayvon2", &[]);
        check("sites.google.com", &[]);
        check("lua.dao.com/a/b?c=d&e=f", &["links Page lua.dao.com/a/b?c=d"]);
        check("lua.dao.com/a/b?c=de", &["links OtherPage lua.dao.com/a/b?c=d"]);
        check("lua.dao.com", &["links OtherPage lua.dao.com/a/b?c=d"]);
        check("dao.com", &[]);
        check("facebook.com/tranghoax", &["links Page facebook.com/tranghoax"]);
        check("facebook.com/trangho", &[]);
        check("tenten.club/x", &["links Page tenten.club/x"]);
    }

    #[test]
    fn a_page_of_a_shared_host_is_listed_on_its_mobile_front_too() {
        for front in ["", "www.", "m.", "www.m.", "mbasic.", "mobile."] {
            check(&format!("{front}facebook.com/tranghoax/anh"), &["links Page facebook.com/tranghoax"]);
            check(&format!("{front}facebook.com/nhomvay"), &["links Page m.facebook.com/nhomvay"]);
        }
        check("m.facebook.com", &[]);
        check("m.facebook.com/tranghoax2", &[]);
        check("developers.facebook.com/tranghoax", &[]);
        check("m.lua-dao.vn/a", &[]);
        check("m.weebly.com/tranghoax", &[]);
    }

    #[test]
    fn what_cannot_be_read_is_counted() {
        let sizes: Vec<_> =
            lists().sizes().map(|(name, entries, unread)| format!("{name} {entries} {unread}")).collect();
        assert_eq!(sizes, ["hosts 4 2", "domains 8 3", "links 7 0"]);
    }
}

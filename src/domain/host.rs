//! Hosts and the domains that somebody can register, out of what a citizen writes.
//!
//! In: a host or a link with scheme, user, port, path, defanged dots, full-width or invisible characters, letters of any
//! script, words around it. Out: the host in ASCII, and the domain of it that a registry knows, by the public suffix
//! list. Never: resolves a name; takes `moi.vay` for a domain because it has a dot.

mod plain;

use std::fmt;
use std::net::Ipv4Addr;

use psl::Type;
use url::Host as Parsed;

use self::plain::{joined, refanged};

/// A host: a name with at least one dot, or an address.
///
/// An address is a host without a registrable domain, and so is a name below no public suffix: both can be asked for
/// and answered, and no registry knows them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host {
    /// ASCII, lower case, without a dot at its end.
    ascii: String,
    /// Where the registrable domain begins in it.
    registrable: Option<usize>,
    /// Where the part begins that belongs to one customer of a shared host.
    site: Option<usize>,
}

/// Names and labels that no resolver takes, by RFC 1035.
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// A link as far as it is looked at here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where it leads.
    pub host: Host,
    /// Path and query, from the slash on; empty where there are none.
    pub path: String,
}

impl Link {
    /// The first link of a text that leads to a registrable domain, or else the first of all.
    pub fn read(text: &str) -> Option<Self> {
        let mut found = Self::every(text);
        let best = found.iter().position(|link| link.host.registrable.is_some()).unwrap_or(0);
        (best < found.len()).then(|| found.swap_remove(best))
    }

    /// Every link of a text, in its order.
    ///
    /// White space before a dot never counts (`abc .vn`), and behind a dot only where nothing else can be read
    /// (`abc. vn`). Of `name@abc.vn` it is `abc.vn`.
    pub fn every(text: &str) -> Vec<Self> {
        let plain = refanged(text);
        let mut found: Vec<Self> = plain.split_whitespace().filter_map(word).collect();
        if found.iter().all(|link| link.host.registrable.is_none()) {
            found.extend(joined(&plain).split_whitespace().filter_map(word));
        }
        found
    }
}

impl Host {
    /// The first host in a text, as [`Link::read`] finds it.
    pub fn read(text: &str) -> Option<Self> {
        Link::read(text).map(|link| link.host)
    }

    /// The whole host: ASCII, lower case; of an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.ascii
    }

    /// What can be registered: the label below a public suffix, with it. `None` for an address, for a suffix itself, and
    /// below no known suffix. Suffixes that a company hands out count as names, since no registry knows what lies below.
    pub fn registrable(&self) -> Option<&str> {
        self.ascii.get(self.registrable?..)
    }

    /// What belongs to one holder: the registrable domain, or the customer's own name where a company hands them out
    /// (`shop.github.io`). `None` where there is no such name.
    pub fn site(&self) -> Option<&str> {
        self.ascii.get(self.site?..)
    }

    /// The host as its holder writes it, with letters of its own script.
    pub fn unicode(&self) -> String {
        idna::domain_to_unicode(&self.ascii).0
    }

    fn of_name(ascii: String) -> Option<Self> {
        let mut labels = ascii.split('.');
        let is_name = ascii.contains('.')
            && !ascii.starts_with('-')
            && ascii.ends_with(|end: char| end.is_ascii_alphanumeric())
            && ascii.len() <= LONGEST_NAME
            && labels.all(|label| (1..=LONGEST_LABEL).contains(&label.len()) && label.bytes().all(is_of_a_label));
        let begin = |tail: &str| ascii.len() - tail.len();
        let (registrable, site) = (registrable(&ascii).map(begin), site(&ascii).map(begin));
        is_name.then_some(Self { ascii, registrable, site })
    }

    fn of_address(address: &impl fmt::Display) -> Self {
        Self { ascii: address.to_string(), registrable: None, site: None }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.ascii)
    }
}

/// The underscore is no letter of a registry's name, and holders use it below theirs.
fn is_of_a_label(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// The domain below the longest suffix of a registry, company suffixes left out.
fn registrable(name: &str) -> Option<&str> {
    let suffix = psl::suffix(name.as_bytes())?;
    match suffix.typ() {
        Some(Type::Icann) => site(name),
        Some(Type::Private) => {
            let tails = || tails(name);
            let is_registry = |tail: &&str| {
                let suffix = psl::suffix(tail.as_bytes());
                suffix.is_some_and(|found| found.typ() == Some(Type::Icann) && found.as_bytes() == tail.as_bytes())
            };
            let below = tails().skip(1).position(|tail| is_registry(&tail))?;
            tails().nth(below)
        }
        None => None,
    }
}

fn site(name: &str) -> Option<&str> {
    let domain = psl::domain(name.as_bytes())?;
    domain.suffix().is_known().then(|| std::str::from_utf8(domain.as_bytes()).ok()).flatten()
}

/// A name, the name without its first label, and so on.
pub fn tails(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |tail| tail.split_once('.').map(|(_, tail)| tail))
}

/// What one word leads to: a link, a mail address, or a host alone.
fn word(word: &str) -> Option<Link> {
    let (is_link, rest) = without_scheme(word.trim_start_matches(is_wrapper));
    let rest = rest.trim_start_matches(['/', '\\']);
    let (authority, path) = rest.split_at(rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len()));
    let host = host(authority.rsplit('@').next()?, is_link)?;
    Some(Link { host, path: path_of(path) })
}

fn host(written: &str, is_link: bool) -> Option<Host> {
    if let Some((address, _)) = written.strip_prefix('[').and_then(|host| host.split_once(']')) {
        return match Parsed::parse(&format!("[{address}]")) {
            Ok(Parsed::Ipv6(address)) => Some(Host::of_address(&address)),
            _ => None,
        };
    }
    // `link:abc.vn` and `(xem)abc.vn` begin with a word.
    let parts = || written.split(is_wrapper);
    let name = parts().find(|part| part.contains('.')).or_else(|| parts().next())?;
    let name = name.trim_end_matches(['.', '-', '_']).trim_start_matches(['.', '-']);
    match Parsed::parse(name).ok()? {
        Parsed::Domain(name) => Host::of_name(name),
        // A browser reads 12.5 as 12.0.0.5; a person writes a price.
        Parsed::Ipv4(address) => {
            (is_link || name.parse() == Ok::<Ipv4Addr, _>(address)).then(|| Host::of_address(&address))
        }
        Parsed::Ipv6(_) => None,
    }
}

/// A path without its fragment and without the punctuation of the sentence around it.
fn path_of(written: &str) -> String {
    let path = written.split('#').next().unwrap_or_default().replace('\\', "/");
    let path = path.trim_end_matches(|end: char| end == '.' || end == '/' || is_wrapper(end));
    if path.is_empty() || path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// What stands around a host and never in one.
fn is_wrapper(character: char) -> bool {
    let is_ascii = character.is_ascii_punctuation() && !matches!(character, '.' | '-' | '_' | '%' | '/' | '\\' | '@');
    is_ascii || matches!(character, '…' | '“' | '”' | '‘' | '’' | '«' | '»' | '【' | '】' | '「' | '」')
}

/// Takes a scheme off, also a defanged one, and one whose colon or slashes were lost.
fn without_scheme(link: &str) -> (bool, &str) {
    if let Some((scheme, rest)) = link.split_once("://")
        && !scheme.contains(['.', '/', '@'])
    {
        return (true, rest);
    }
    let end = link.find([':', '/', '\\']).unwrap_or(link.len());
    let (scheme, rest) = link.split_at(end);
    let is_web = matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https" | "hxxp" | "hxxps");
    if is_web { (true, rest.trim_start_matches(':')) } else { (false, link) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `host` or `host: registrable` where they differ; `-` where there is none.
    #[track_caller]
    pub(super) fn check(text: &str, expected: &str) {
        let found = Host::read(text).map(|host| match host.registrable() {
            Some(domain) if domain == host.host() => domain.to_owned(),
            Some(domain) => format!("{host}: {domain}"),
            None => format!("{host}: -"),
        });
        assert_eq!(found.as_deref().unwrap_or("-"), expected, "{text}");
    }

    #[test]
    fn a_link_is_read_down_to_its_host() {
        check("vietnam.example.vn", "vietnam.example.vn: example.vn");
        check("HTTPS://Www.Example.COM.VN:8443/a/b?c=d#e", "www.example.com.vn: example.com.vn");
        check("http://user:word@example.vn/x", "example.vn");
        check("http://example.vn@other.xyz/x", "other.xyz");
        check("//example.vn/a@b", "example.vn");
        check("example.vn?next=http://other.vn", "example.vn");
        check("example.vn.", "example.vn");
        check("http:\\\\example.vn\\a", "example.vn");
        check("https//example.vn", "example.vn");
        check("http:example.vn", "example.vn");
        check("nguoi@example.vn", "example.vn");
        check("http://ex%61mple.vn", "example.vn");
    }

    #[test]
    fn the_path_behind_a_host_is_kept() {
        for (text, path) in [
            ("https://example.vn/a/B?c=d#e", "/a/B?c=d"),
            ("example.vn/", ""),
            ("example.vn?c=d", "/?c=d"),
            ("hxxp://example[.]vn/a.", "/a"),
            ("(example.vn:80/a)", "/a"),
        ] {
            assert_eq!(Link::read(text).map(|link| link.path).as_deref(), Some(path), "{text}");
        }
    }

    #[test]
    fn words_and_punctuation_around_are_left_out() {
        check("[example.vn]", "example.vn");
        check("(https://example.vn/a).", "example.vn");
        check("<example.vn>", "example.vn");
        check("\"example.vn\",", "example.vn");
        check("“example.vn”…", "example.vn");
        check("【example.vn】", "example.vn");
        check("trang web example.vn co that khong?", "example.vn");
        check("v.v. va example.vn", "example.vn");
        check("example.vn, other.vn", "example.vn");
        check("link:example.vn:80/a", "example.vn");
        check("(xem)example.vn", "example.vn");
        check("lua dao,example.vn", "example.vn");
        check("-example.vn", "example.vn");
        check("xem -example.vn/a", "example.vn");
        check("gia:1.000.000", "-");
        check("luc 9:30", "-");
    }

    #[test]
    fn other_scripts_become_ascii() {
        check("vàng.vn", "xn--vng-9ka.vn");
        check("va\u{300}ng.vn", "xn--vng-9ka.vn");
        check("XN--VNG-9KA.vn", "xn--vng-9ka.vn");
        check("Đăngký.vn", "xn--ngk-noa0a7f.vn");
        assert_eq!(Host::read("xn--vng-9ka.vn").unwrap().unicode(), "vàng.vn");
        assert_eq!(Host::read("example.vn").unwrap().unicode(), "example.vn");
        check("xn--a-ecp.vn", "-");
    }

    #[test]
    fn the_registrable_domain_is_below_a_registrys_suffix() {
        check("a.b.example.com.vn", "a.b.example.com.vn: example.com.vn");
        check("cucvienthong.gov.vn", "cucvienthong.gov.vn");
        check("dichvucong.example.gov.vn", "dichvucong.example.gov.vn: example.gov.vn");
        check("ten.id.vn", "ten.id.vn");
        check("ten.io.vn", "ten.io.vn");
        check("example.hanoi.vn", "example.hanoi.vn");
        check("com.vn", "com.vn: -");
        check("gov.vn", "gov.vn: -");
        check("a.b.ck", "a.b.ck");
        check("www.ck", "www.ck");
    }

    #[test]
    fn what_a_company_hands_out_is_a_site_and_no_registrys_domain() {
        let host = Host::read("https://shop.github.io/a").unwrap();
        assert_eq!((host.registrable(), host.site()), (Some("github.io"), Some("shop.github.io")));
        let host = Host::read("github.io").unwrap();
        assert_eq!((host.registrable(), host.site()), (Some("github.io"), None));
        let host = Host::read("www.example.vn").unwrap();
        assert_eq!((host.registrable(), host.site()), (Some("example.vn"), Some("example.vn")));
    }

    #[test]
    fn an_address_and_a_name_below_no_suffix_are_hosts_and_not_registrable() {
        check("http://203.0.113.9:8080/a", "203.0.113.9: -");
        check("203.0.113.9", "203.0.113.9: -");
        check("http://0xcb.0.0x7109/", "203.0.113.9: -");
        check("http://[2001:DB8::1]:80/", "2001:db8::1: -");
        check("moi.vay", "moi.vay: -");
    }

    #[test]
    fn other_words_are_no_host() {
        for text in [
            "",
            " ",
            "vietcombank",
            "localhost",
            "0912.345.678",
            "12.5",
            "1.000.000 dong",
            "a..vn",
            "...",
            "@",
            "http://",
            "[.]",
            "Vui long",
            "[",
            "http://[::1",
            "-.-",
        ] {
            check(text, "-");
        }
        check(&format!("{}.vn", "a".repeat(64)), "-");
        check(&format!("{}vn", "abcdefghi.".repeat(26)), "-");
    }

    proptest! {
        #[test]
        fn any_text_gives_a_host_that_reads_as_itself_or_none(text in "\\PC{0,40}|[a-z0-9.\\[\\]()@:/\\\\ %à-ỹ-]{0,40}") {
            if let Some(host) = Host::read(&text) {
                prop_assert!(host.host().is_ascii());
                prop_assert_eq!(host.host().to_ascii_lowercase(), host.host());
                if let (Some(domain), Some(site)) = (host.registrable(), host.site()) {
                    prop_assert!(host.host().ends_with(site) && site.ends_with(domain));
                }
                if !host.host().contains(':') {
                    prop_assert_eq!(Host::read(host.host()), Some(host));
                }
            }
        }

        #[test]
        fn dress_does_not_change_a_host(
            label in "x9[a-z0-9]{0,10}",
            suffix in prop::sample::select(vec!["vn", "com.vn", "gov.vn", "xyz", "hanoi.vn"]),
            scheme in prop::sample::select(vec!["", "http://", "hxxps://", "HTTPS://user@", "hxxp[:]//"]),
            dot in prop::sample::select(vec![".", "[.]", "(dot)", "。", " . ", "\u{200b}.", "．", "[.] "]),
            end in prop::sample::select(vec!["", "/a.b", ":80", "?x=y.com", ".", ", cam on", ")"]),
        ) {
            let plain = format!("{label}.{suffix}");
            let dressed = format!("{scheme}{}{end}", plain.replace('.', dot));
            let host = Host::read(&dressed);
            prop_assert_eq!(host.as_ref().and_then(Host::registrable), Some(plain.as_str()), "{}", dressed);
        }
    }
}

//! What a citizen writes, without what hides a link in it.
//!
//! In: any text. Out: the same with plain dots, colons and slashes in place of defanged, full-width and foreign ones, and
//! without what cannot be seen. Never: knows where a link begins or ends; takes a scheme off.

/// The text with plain dots, colons and slashes, and without what cannot be seen.
pub(super) fn refanged(text: &str) -> String {
    let seen: String = text.chars().filter(|character| !is_invisible(*character)).map(plain).collect();
    let mut out = String::with_capacity(seen.len());
    let mut rest = seen.as_str();
    while let Some(open) = rest.find(['[', '(', '{', '\\', '.']) {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        let (meant, after) = defanged(from);
        if meant.starts_with('.') {
            out.truncate(out.trim_end().len());
        }
        out.push_str(meant);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What a text begins with, as it was before somebody made it harmless, and the text behind it.
fn defanged(from: &str) -> (&str, &str) {
    const MEANT: [(&str, &str); 7] =
        [(".", "."), ("dot", "."), ("cham", "."), ("chấm", "."), (":", ":"), ("://", "://"), ("/", "/")];
    let (first, behind) = from.split_at(from.chars().next().map_or(0, char::len_utf8));
    if matches!(first, "[" | "(" | "{")
        && let Some((inside, after)) = bracketed(behind)
    {
        let inside = inside.to_lowercase();
        if let Some((_, meant)) = MEANT.iter().find(|(written, _)| *written == inside) {
            return (meant, after);
        }
    }
    // `abc[.vn` and `abc\.vn` lost the second half.
    match behind.strip_prefix('.') {
        Some(after) if first != "." => (".", after),
        _ => (first, behind),
    }
}

/// A few letters up to a closing bracket, without the white space around them, and the text behind it. Whoever looks
/// further for the bracket reads a long text once more for each that opens.
fn bracketed(behind: &str) -> Option<(&str, &str)> {
    const LETTERS: usize = 4;
    let written = behind.trim_start();
    let is_end = |character: char| character.is_whitespace() || matches!(character, ']' | ')' | '}');
    let (end, _) = written.char_indices().take(LETTERS + 1).find(|(_, character)| is_end(*character))?;
    let (inside, rest) = written.split_at(end);
    Some((inside, rest.trim_start().strip_prefix([']', ')', '}'])?))
}

/// The text without white space behind dots.
pub(super) fn joined(plain: &str) -> String {
    let mut parts = plain.split('.');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push('.');
        out.push_str(part.trim_start());
    }
    out
}

/// Zero-width characters, marks of direction, soft hyphens.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Full-width forms and foreign full stops as ASCII has them.
fn plain(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        '。' | '｡' | '․' | '﹒' => '.',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Host;
    use super::super::tests::check;

    #[test]
    fn a_link_made_harmless_is_read_as_it_was() {
        check("hxxp://example[.]vn", "example.vn");
        check("hXXps[:]//www[.]example[.]com[.]vn/a", "www.example.com.vn: example.com.vn");
        check("hxxps[://]example(.)vn", "example.vn");
        check("example(dot)com{DOT}vn", "example.com.vn");
        check("example [chấm] vn", "example.vn");
        check("example [ CHẤM\u{a0} ) vn", "example.vn");
        check("example[.vn", "example.vn");
        check("example\\.vn", "example.vn");
    }

    /// Looking for the end of each bracket through all that lies behind took a quarter of an hour.
    #[test]
    fn a_megabyte_of_brackets_is_read_once() {
        for dress in ["[", "[.", "[ ", "(dot", ".", "\\"] {
            let text = format!("{}] example.vn", dress.repeat((1 << 20) / dress.len()));
            assert_eq!(Host::read(&text).as_ref().map(Host::host), Some("example.vn"), "{dress}");
        }
    }

    #[test]
    fn spaces_around_dots_do_not_hide_a_host() {
        check("example . com . vn", "example.com.vn");
        check("example .com .vn", "example.com.vn");
        check("example. vn", "example.vn");
        check("xin hoi. example.vn", "example.vn");
        check("example.vn . Cam on", "example.vn");
    }

    #[test]
    fn what_cannot_be_seen_and_full_width_do_not_hide_a_host() {
        check("exa\u{200b}mple\u{feff}.vn\u{200e}", "example.vn");
        check("ｈｔｔｐｓ：／／ｅｘａｍｐｌｅ．ｖｎ／ａ", "example.vn");
        check("example。com｡vn", "example.com.vn");
    }
}

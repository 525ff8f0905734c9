//! The beginning of a page that needs no other file.
//!
//! In: its language, title and style. Out: HTML up to the title within its body. Never: leave for a script, or for a
//! request to anywhere.

use super::chart::escape;

/// The page up to its title; what follows ends with `</body>` and `</html>`.
pub(super) fn begin(lang: &str, title: &str, style: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>\n{style}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    )
}

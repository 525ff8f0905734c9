//! A card as a file of its own, named by what is in it.
//!
//! In: a card, or a path. Out: TOML, or the card. Never: another card in the place of one that is there, or a card
//! whose content is not what its name says.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use sha2::{Digest, Sha256};

use super::card::Card;

/// The name of a card: SHA-256 of its content as JSON, hex. How the file is laid out does not change it.
pub fn name(card: &Card) -> anyhow::Result<String> {
    let unnamed = Card { name: None, ..card.clone() };
    Ok(hex::encode(Sha256::digest(serde_json::to_vec(&unnamed)?)))
}

/// Reads a card, and makes sure that it is the one that it says.
pub fn read(path: &Path) -> anyhow::Result<Card> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading card {}", path.display()))?;
    parse(&text).with_context(|| path.display().to_string())
}

fn parse(text: &str) -> anyhow::Result<Card> {
    let card: Card = toml::from_str(text)?;
    card.check()?;
    let found = card.name.as_deref().context("a card that is a file of its own has a name")?;
    let expected = name(&card)?;
    ensure!(found == expected, "its content has changed: it says {found} and is {expected}");
    Ok(card)
}

/// Writes a card under its name and returns the name. The same card again changes nothing, another is refused.
pub fn write(path: &Path, card: &Card) -> anyhow::Result<String> {
    let name = name(card)?;
    let named = Card { name: Some(name.clone()), ..card.clone() };
    let text = toml::to_string(&named)?;
    if path.exists() {
        if std::fs::read_to_string(path).is_ok_and(|there| there == text) {
            return Ok(name);
        }
        bail!("{} is there and holds something else: a card is never changed, name another file", path.display());
    }
    let aside = path.with_extension(format!("{}.tmp", std::process::id()));
    std::fs::write(&aside, text).with_context(|| format!("writing {}", aside.display()))?;
    std::fs::rename(&aside, path).with_context(|| format!("writing {}", path.display()))?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        doc = "One characteristic."
        points_per_logit = 100
        [characteristic.calls]
        criterion = "frequency"
        below = [0.1, 20]
        points = [-10, 0, 25]
        missing = 3
        why = "a test needs one"
    "#;

    fn card() -> Card {
        toml::from_str(TEXT).unwrap()
    }

    #[test]
    fn a_card_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.toml");
        let name = write(&path, &card()).unwrap();
        assert_eq!(read(&path).unwrap(), Card { name: Some(name.clone()), ..card() });
        assert_eq!(write(&path, &card()).unwrap(), name, "the same card again is no other");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left aside");
    }

    #[test]
    fn a_card_is_never_overwritten_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.toml");
        write(&path, &card()).unwrap();
        let before = std::fs::read(&path).unwrap();
        let problem = write(&path, &Card { doc: "Another.".to_owned(), ..card() }).unwrap_err().to_string();
        assert!(problem.ends_with("a card is never changed, name another file"), "{problem}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_card_that_was_changed_is_not_read() {
        let text = toml::to_string(&Card { name: Some(name(&card()).unwrap()), ..card() }).unwrap();
        assert!(parse(&format!("# A comment changes nothing.\n{text}")).is_ok());
        let problem = parse(&text.replace("25", "26")).unwrap_err().to_string();
        assert!(problem.starts_with("its content has changed"), "{problem}");
        let problem = parse(TEXT).unwrap_err().to_string();
        assert_eq!(problem, "a card that is a file of its own has a name");
    }
}

//! Citizens' words at rest: sealed with a key of the site, and opened by whoever has it.
//!
//! In: words, and the place that they belong to. Out: `sealed:KEY:BASE64`, and out of that the words. Never: opens what
//! was moved to another place; asks for chance: the same words at the same place are sealed alike, so that a message
//! read again is the same row.
//!
//! AES-256-GCM. Of a site's key three are made by HMAC-SHA-256: one that seals, one that makes the nonce of place and
//! words, and the name that stands in the value. So keys may follow one another: the newest seals, all open.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;

/// What a sealed value begins with.
const PREFIX: &str = "sealed:";
/// Bytes of a key.
const KEY: usize = 32;
/// Bytes of a key's name.
const NAME: usize = 4;

/// The name of the key that a text is sealed with; none where it lies in clear.
pub fn key_of(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)?.split_once(':').map(|(name, _)| name)
}

/// The keys of a site; without one, words stay as they are.
#[derive(Clone, Default)]
pub struct Seal(Arc<Vec<Key>>);

struct Key {
    name: String,
    cipher: LessSafeKey,
    nonces: hmac::Key,
}

impl Seal {
    /// Of keys as they are written, 64 hex digits each; the last one seals.
    pub fn new(keys: &[String]) -> Result<Self, String> {
        let keys = keys.iter().map(|key| Key::read(key)).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(keys)))
    }

    /// Whether there is a key.
    pub fn has_key(&self) -> bool {
        !self.0.is_empty()
    }

    /// Bytes as they lie in the lake: sealed where there is a key. Nothing stays nothing.
    pub fn close<'a>(&self, place: &str, words: &'a [u8]) -> Cow<'a, [u8]> {
        match self.0.last() {
            Some(key) if !words.is_empty() => Cow::Owned(key.close(place, words).into_bytes()),
            _ => Cow::Borrowed(words),
        }
    }

    /// The same for text.
    pub fn close_text<'a>(&self, place: &str, words: &'a str) -> Cow<'a, str> {
        match self.0.last() {
            Some(key) if !words.is_empty() => Cow::Owned(key.close(place, words.as_bytes())),
            _ => Cow::Borrowed(words),
        }
    }

    /// The bytes of before, for whoever may read them; none where they do not open here.
    pub fn reveal<'a>(&self, place: &str, value: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let Some(sealed) = value.strip_prefix(PREFIX.as_bytes()) else { return Some(Cow::Borrowed(value)) };
        let (name, sealed) = std::str::from_utf8(sealed).ok()?.split_once(':')?;
        let key = self.0.iter().find(|key| key.name == name)?;
        key.open(place, BASE64.decode(sealed).ok()?).map(Cow::Owned)
    }

    /// The same for text.
    pub fn reveal_text<'a>(&self, place: &str, value: &'a str) -> Option<Cow<'a, str>> {
        match self.reveal(place, value.as_bytes())? {
            Cow::Borrowed(_) => Some(Cow::Borrowed(value)),
            Cow::Owned(words) => String::from_utf8(words).ok().map(Cow::Owned),
        }
    }
}

impl Key {
    fn read(text: &str) -> Result<Self, String> {
        // What is wrong with a key is told without a digit of it.
        let secret = hex::decode(text.trim()).ok().filter(|secret| secret.len() == KEY);
        let secret = secret.ok_or("a key is 64 hex digits, as openssl rand -hex 32 writes them")?;
        let secret = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let derived = |label: &str| hmac::sign(&secret, label.as_bytes());
        let cipher = UnboundKey::new(&AES_256_GCM, derived("callsieve seal").as_ref());
        let name = derived("callsieve seal name");
        Ok(Self {
            name: hex::encode(name.as_ref().get(..NAME).unwrap_or_default()),
            cipher: LessSafeKey::new(cipher.expect("a digest is as long as a key")),
            nonces: hmac::Key::new(hmac::HMAC_SHA256, derived("callsieve seal nonce").as_ref()),
        })
    }

    fn close(&self, place: &str, words: &[u8]) -> String {
        let nonce = self.nonce(place, words);
        let mut sealed = words.to_vec();
        let closed = self.cipher.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(place.as_bytes()),
            &mut sealed,
        );
        closed.expect("words are shorter than the cipher's 64 GiB");
        format!("{PREFIX}{}:{}", self.name, BASE64.encode([nonce.as_slice(), &sealed].concat()))
    }

    fn open(&self, place: &str, mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        let (nonce, words) = sealed.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let words = self.cipher.open_in_place(nonce, Aad::from(place.as_bytes()), words).ok()?;
        Some(words.to_vec())
    }

    /// Another for every other place and wording.
    fn nonce(&self, place: &str, words: &[u8]) -> [u8; NONCE_LEN] {
        let mut of = hmac::Context::with_key(&self.nonces);
        of.update(&(place.len() as u64).to_le_bytes());
        of.update(place.as_bytes());
        of.update(words);
        let mut nonce = [0; NONCE_LEN];
        nonce.iter_mut().zip(of.sign().as_ref()).for_each(|(byte, digest)| *byte = *digest);
        nonce
    }
}

impl fmt::Debug for Seal {
    /// Names alone; keys are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLACE: &str = "citizen_report.content/r1";

    fn seal(keys: &[&str]) -> Seal {
        Seal::new(&keys.iter().map(|byte| byte.repeat(KEY)).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn words_open_at_their_place_and_nowhere_else() {
        let (ours, others) = (seal(&["07"]), seal(&["08"]));
        let sealed = ours.close_text(PLACE, "giả danh công an");
        assert!(!sealed.contains("danh"), "{sealed}");
        assert_eq!(ours.reveal_text(PLACE, &sealed).unwrap(), "giả danh công an");
        assert_eq!(ours.reveal_text("citizen_report.content/r2", &sealed), None);
        assert_eq!(others.reveal_text(PLACE, &sealed), None);
        assert_eq!(Seal::default().reveal_text(PLACE, &sealed), None);
    }

    /// Worked out by Python's `cryptography` 48 with the same derivation.
    #[test]
    fn another_library_seals_the_same() {
        let recorded = "sealed:6ba2f6ff:AG30HNI+3WDKkQc8MicPGPT8/su8YSJo1RyOPpZjK+y3V2FtZKUZowkXX92MUXE";
        assert_eq!(seal(&["07"]).close_text(PLACE, "giả danh công an"), recorded);
    }

    #[test]
    fn the_newest_key_seals_and_every_known_one_opens() {
        let before = seal(&["07"]).close_text(PLACE, "moi vay").into_owned();
        let both = seal(&["07", "08"]);
        let after = both.close_text(PLACE, "moi vay");
        assert_ne!(before, after);
        assert_eq!(both.reveal_text(PLACE, &before).unwrap(), "moi vay");
        assert_eq!(seal(&["07"]).reveal_text(PLACE, &after), None);
        assert_eq!(seal(&["08"]).reveal_text(PLACE, &after).unwrap(), "moi vay");
        assert_eq!([key_of(&before), key_of("moi vay")], [Some("6ba2f6ff"), None]);
    }

    #[test]
    fn without_a_key_words_lie_as_they_are() {
        let none = Seal::default();
        assert!(!none.has_key());
        assert_eq!(none.close_text(PLACE, "moi vay"), "moi vay");
        assert_eq!(seal(&["07"]).reveal_text(PLACE, "moi vay").unwrap(), "moi vay", "rows of before the key");
        assert_eq!(seal(&["07"]).close_text(PLACE, ""), "");
    }

    #[test]
    fn a_wrong_key_is_refused_without_a_digit_of_it() {
        for key in ["", "07", &"0g".repeat(KEY), &"07".repeat(KEY + 1)] {
            let problem = Seal::new(&[key.to_owned()]).unwrap_err();
            assert!(problem.starts_with("a key is 64 hex digits"), "{problem}");
        }
        assert_eq!(format!("{:?}", seal(&["07"])).len(), "[\"01234567\"]".len());
    }

    proptest! {
        #[test]
        fn any_bytes_come_back_and_any_value_is_looked_at(
            words in prop::collection::vec(any::<u8>(), 0..80),
            stray in "(sealed:)?[0-9a-f:]{0,12}[A-Za-z0-9+/=]{0,60}",
        ) {
            let ours = seal(&["07"]);
            let sealed = ours.close(PLACE, &words);
            let revealed = ours.reveal(PLACE, &sealed).unwrap();
            prop_assert_eq!(revealed.as_ref(), words.as_slice());
            let opened = ours.reveal_text(PLACE, &stray);
            prop_assert!(opened.is_none() || !stray.starts_with(PREFIX));
        }
    }
}

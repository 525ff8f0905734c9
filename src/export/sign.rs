//! Signatures in the format of minisign, which Debian's `minisign` makes and verifies too.
//!
//! In: a key file and bytes. Out: a detached signature, or whether one holds.
//! Never: the same bytes signed twice in two ways: packages are compared byte for byte, so nothing here is random but
//! a new key. Reads a key that is locked by a password.

use std::fmt::Write as _;

use anyhow::{Context, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blake2::digest::consts::U32;
use blake2::{Blake2b, Blake2b512, Digest as _};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

/// Names the curve, in keys.
const CURVE: [u8; 2] = *b"Ed";
/// Names the signature over a hash of the bytes, in signatures.
const HASHED: [u8; 2] = *b"ED";
/// Names the checksum of a secret key.
const CHECKSUM: [u8; 2] = *b"B2";
/// What stands where a password's settings would: salt and two limits.
const NO_PASSWORD: [u8; 48] = [0; 48];
const UNTRUSTED: &str = "untrusted comment: ";
const TRUSTED: &str = "trusted comment: ";
/// The first line of a signature is not signed, so it says nothing, and always the same.
const SIGNATURE_COMMENT: &str = "signature by callsieve, also verified by: minisign -V";

/// Names a key pair.
type KeyId = [u8; 8];

/// A secret key; `Debug` shows its id alone.
pub struct SecretKey {
    id: KeyId,
    key: SigningKey,
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: KeyId,
    key: VerifyingKey,
}

/// Why a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    /// Another key made it.
    #[error("signed by key {by}, and not by {wanted}")]
    OtherKey {
        /// Who made it.
        by: String,
        /// Who should have.
        wanted: String,
    },
    /// It was changed, or what it signs was.
    #[error("the signature does not hold")]
    Broken,
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "secret key {}", shown(self.id))
    }
}

impl SecretKey {
    /// A new key, by the machine's own randomness.
    pub fn new() -> anyhow::Result<Self> {
        let (mut id, mut seed) = ([0; 8], [0; 32]);
        let drawn = getrandom::fill(&mut id).and_then(|()| getrandom::fill(&mut seed));
        drawn.map_err(|error| anyhow::anyhow!("the machine gives no randomness: {error}"))?;
        Ok(Self { id, key: SigningKey::from_bytes(&seed) })
    }

    /// Reads a key file of `callsieve key new`, or of `minisign -G -W`.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let bytes: [u8; 158] = second_line(text, UNTRUSTED)?.try_into().ok().context("that is no secret key")?;
        let (head, rest) = bytes.split_at(6);
        let (_limits, rest) = rest.split_at(NO_PASSWORD.len());
        let (body, checksum) = rest.split_at(72);
        ensure!(head.starts_with(&CURVE) && head.ends_with(&CHECKSUM), "that is no secret key of minisign");
        if head.get(2..4) != Some(&[0, 0]) {
            bail!("the key is locked by a password; `minisign -C -W -s FILE` takes it off");
        }
        let (id, pair) = body.split_at(8);
        let (seed, public) = pair.split_at(32);
        let (id, seed) = (id.try_into()?, seed.try_into()?);
        let key = SigningKey::from_bytes(seed);
        let own = Self { id, key };
        // Without a password `minisign` itself writes zeros here, and a key is known by its public half.
        let is_checked = checksum == own.checksum() || checksum == [0; 32];
        let is_whole = is_checked && own.key.verifying_key().as_bytes() == public;
        ensure!(is_whole, "the secret key is damaged: its checksum does not hold");
        Ok(own)
    }

    /// The 32 bytes that the key is made of, for what is signed without a file.
    pub fn seed(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey { id: self.id, key: self.key.verifying_key() }
    }

    /// The key's file.
    pub fn text(&self) -> String {
        let parts: [&[u8]; 6] = [&CURVE, &[0, 0], &CHECKSUM, &NO_PASSWORD, &self.body(), &self.checksum()];
        format!("{UNTRUSTED}minisign secret key {}\n{}\n", shown(self.id), STANDARD.encode(parts.concat()))
    }

    fn body(&self) -> Vec<u8> {
        [&self.id[..], &self.key.to_keypair_bytes()].concat()
    }

    fn checksum(&self) -> [u8; 32] {
        Blake2b::<U32>::new().chain_update(CURVE).chain_update(self.body()).finalize().into()
    }

    /// The text of a detached signature, with a comment of one line that it covers.
    pub fn sign(&self, bytes: &[u8], comment: &str) -> String {
        let signature = self.key.sign(&Blake2b512::digest(bytes)).to_bytes();
        let both = self.key.sign(&[&signature, comment.as_bytes()].concat()).to_bytes();
        text(self.id, signature, comment, both)
    }
}

impl PublicKey {
    /// Reads the file of a public key.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let bytes: [u8; 42] = second_line(text, UNTRUSTED)?.try_into().ok().context("that is no public key")?;
        let (head, rest) = bytes.split_at(2);
        ensure!(head == CURVE, "that is no public key of minisign");
        let (id, key) = rest.split_at(8);
        let key = VerifyingKey::from_bytes(key.try_into()?).ok().context("the public key is no point of its curve")?;
        Ok(Self { id: id.try_into()?, key })
    }

    /// The key's file.
    pub fn text(&self) -> String {
        let bytes = [&CURVE[..], &self.id, self.key.as_bytes()].concat();
        format!("{UNTRUSTED}minisign public key {}\n{}\n", shown(self.id), STANDARD.encode(bytes))
    }

    /// The 32 bytes of the key alone, hex.
    pub fn hex(&self) -> String {
        hex::encode(self.key.as_bytes())
    }

    /// Its name, as `minisign` shows it.
    pub fn id(&self) -> String {
        shown(self.id)
    }

    /// The comment of a signature that holds over these bytes. Its file has to be as we write it, to the last byte: its
    /// first line is covered by nothing else.
    pub fn verify(&self, bytes: &[u8], signature: &str) -> Result<String, Unsigned> {
        let (id, own, comment, both) = parts(signature).ok_or(Unsigned::Broken)?;
        if id != self.id {
            return Err(Unsigned::OtherKey { by: shown(id), wanted: shown(self.id) });
        }
        let holds =
            |message: &[u8], made: [u8; 64]| self.key.verify_strict(message, &Signature::from_bytes(&made)).is_ok();
        let is_own = holds(&Blake2b512::digest(bytes), own) && holds(&[&own, comment.as_bytes()].concat(), both);
        let is_ours = text(id, own, &comment, both) == signature;
        if is_own && is_ours { Ok(comment) } else { Err(Unsigned::Broken) }
    }
}

fn text(id: KeyId, signature: [u8; 64], comment: &str, both: [u8; 64]) -> String {
    let own = STANDARD.encode([&HASHED[..], &id, &signature].concat());
    format!("{UNTRUSTED}{SIGNATURE_COMMENT}\n{own}\n{TRUSTED}{comment}\n{}\n", STANDARD.encode(both))
}

fn parts(text: &str) -> Option<(KeyId, [u8; 64], String, [u8; 64])> {
    let mut lines = text.lines().skip(1);
    let own: [u8; 74] = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
    let comment = lines.next()?.strip_prefix(TRUSTED)?;
    let both = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
    let (id, signature) = own.strip_prefix(&HASHED)?.split_at(8);
    Some((id.try_into().ok()?, signature.try_into().ok()?, comment.to_owned(), both))
}

/// The bytes in the line behind a comment.
fn second_line(text: &str, comment: &str) -> anyhow::Result<Vec<u8>> {
    let line = text.strip_prefix(comment).and_then(|text| text.lines().nth(1));
    let line = line.context("the file does not begin with an untrusted comment and a line behind it")?;
    STANDARD.decode(line.trim()).context("the line behind the comment is no base64")
}

/// A key's name: its bytes from last to first, in hex.
fn shown(id: KeyId) -> String {
    id.iter().rev().fold(String::new(), |mut name, byte| {
        // Writing to a String cannot fail.
        let _ = write!(name, "{byte:02X}");
        name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_file() {
        let key = SecretKey::new().unwrap();
        assert_eq!(SecretKey::read(&key.text()).unwrap().text(), key.text());
        assert_eq!(PublicKey::read(&key.public().text()).unwrap(), key.public());
        assert!(!format!("{key:?}").contains(&hex::encode(key.seed())));
    }

    #[test]
    fn a_damaged_key_is_refused() {
        let text = SecretKey::new().unwrap().text();
        let at = text.find('\n').unwrap() + 140;
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert!(SecretKey::read(&String::from_utf8(bytes).unwrap()).is_err());
        assert!(SecretKey::read("no key").is_err());
        assert!(SecretKey::read(&SecretKey::new().unwrap().public().text()).is_err());
    }

    #[test]
    fn a_signature_is_the_same_each_time_and_holds_for_its_bytes_alone() {
        let key = SecretKey::new().unwrap();
        let signature = key.sign(b"bytes", "week 2");
        assert_eq!(signature, key.sign(b"bytes", "week 2"));
        assert_eq!(key.public().verify(b"bytes", &signature), Ok("week 2".to_owned()));
        assert_eq!(key.public().verify(b"bytez", &signature), Err(Unsigned::Broken));
        let other = SecretKey::new().unwrap().public();
        assert!(matches!(other.verify(b"bytes", &signature), Err(Unsigned::OtherKey { .. })));
    }

    #[test]
    fn no_byte_of_a_signature_may_change() {
        let key = SecretKey::new().unwrap();
        let signature = key.sign(b"bytes", "week 2");
        for at in 0..signature.len() {
            let mut bytes = signature.clone().into_bytes();
            bytes[at] ^= 1;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(key.public().verify(b"bytes", &changed).is_err(), "byte {at} of {changed}");
        }
        assert!(key.public().verify(b"bytes", &format!("{signature}\n")).is_err());
        assert!(key.public().verify(b"bytes", signature.trim_end()).is_err());
    }
}

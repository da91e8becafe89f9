//! Ed25519 identities of nodes, coordinators, access bodies and data users. This module owns their
//! text form and their files, and refuses private keys that other users of the machine can read.

use std::{
    fmt, fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    str::FromStr,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{
    Signer, SigningKey, VerifyingKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes, spki::der::pem::LineEnding},
};
use ligate_files::Readers;
use rand_core::{CryptoRng, RngCore};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

const PREFIX: &str = "ed25519:";
/// A PKCS#8 file of an Ed25519 key has about 120 bytes.
const KEY_FILE_BYTES_MAX: u64 = 4096;

/// An Ed25519 public key: 32 bytes that are a point of the curve and not a weak one. Text form
/// `ed25519:` and the bytes in base64url without padding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// Text or bytes that are no usable Ed25519 public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no Ed25519 public key: write \"ed25519:\" and the 32 bytes as 43 characters of base64url")]
pub struct InvalidKey;

/// A signature that the key did not make over these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not fit the key and the message")]
pub struct BadSignature;

impl PublicKey {
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, InvalidKey> {
        match VerifyingKey::from_bytes(&bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(bytes)),
            _ => Err(InvalidKey),
        }
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 8 characters of the base64url text, enough to tell keys apart in a message for
    /// people.
    pub fn short(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0[..6])
    }

    /// Checks a signature that [`Identity::sign`] made in the same domain.
    pub fn verify(
        &self,
        domain: &str,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), BadSignature> {
        self.verify_bytes(&in_domain(domain, message), signature)
    }

    /// Strict verification (no malleable `S`, no weak keys): what one node accepts, all accept.
    pub(crate) fn verify_bytes(
        &self,
        bytes: &[u8],
        signature: &Signature,
    ) -> Result<(), BadSignature> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| BadSignature)?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(bytes, &signature)
            .map_err(|_| BadSignature)
    }

    /// Reads a file that [`PublicKey::save`] wrote.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let error = |source| KeyError::Read {
            path: path.to_owned(),
            source,
        };
        let mut text = String::new();
        fs::File::open(path)
            .and_then(|file| file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text))
            .map_err(error)?;
        text.trim()
            .parse()
            .map_err(|InvalidKey| KeyError::NotAPublicKey {
                path: path.to_owned(),
            })
    }

    /// Writes the text form and a newline, replacing the file.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let text = format!("{self}\n");
        ligate_files::replace(path, Readers::Owner, text.as_bytes()).map_err(|failure| {
            KeyError::Write {
                path: path.to_owned(),
                source: failure.source,
            }
        })
    }
}

/// Domain, zero byte, message. A JWS signing input has no zero byte, so the two never meet.
fn in_domain(domain: &str, message: &[u8]) -> Vec<u8> {
    [domain.as_bytes(), &[0], message].concat()
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let text = text.strip_prefix(PREFIX).ok_or(InvalidKey)?;
        Self::from_bytes(decode_base64(text).ok_or(InvalidKey)?)
    }
}

/// Exactly `N` bytes of base64url without padding.
pub(crate) fn decode_base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// Text for people and JSON, bytes for compact formats.
impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?
                .parse()
                .map_err(serde::de::Error::custom)
        } else {
            Self::from_bytes(<[u8; 32]>::deserialize(deserializer)?)
                .map_err(serde::de::Error::custom)
        }
    }
}

/// An Ed25519 signature, 64 bytes; base64url without padding as text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = if deserializer.is_human_readable() {
            decode_base64(&String::deserialize(deserializer)?)
        } else {
            Vec::<u8>::deserialize(deserializer)?.try_into().ok()
        };
        bytes
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a signature has 64 bytes"))
    }
}

/// What went wrong with a key file.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot read the key file {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write the key file {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("the key file {} exists already and is not overwritten", path.display())]
    Exists { path: PathBuf },
    #[error("others can read the private key {0}; run: chmod 600 {0}", path.display())]
    Readable { path: PathBuf },
    #[error("{} is no Ed25519 private key in PKCS#8 PEM form", path.display())]
    NotAKey { path: PathBuf },
    #[error("{} is no Ed25519 public key file", path.display())]
    NotAPublicKey { path: PathBuf },
    #[error("the key cannot be encoded")]
    Encoding,
}

/// A signing key. It is wiped from memory when dropped and never printed.
pub struct Identity(SigningKey);

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.public())
    }
}

impl Identity {
    pub fn generate(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *seed);
        Self::from_seed(&seed)
    }

    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Reads a PKCS#8 PEM file. Refuses one that group or others can read.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let error = |source| KeyError::Read {
            path: path.to_owned(),
            source,
        };
        let file = fs::File::open(path).map_err(error)?;
        if file.metadata().map_err(error)?.mode() & 0o077 != 0 {
            return Err(KeyError::Readable {
                path: path.to_owned(),
            });
        }
        let mut pem = Zeroizing::new(String::with_capacity(KEY_FILE_BYTES_MAX as usize));
        file.take(KEY_FILE_BYTES_MAX)
            .read_to_string(&mut pem)
            .map_err(error)?;
        let key = SigningKey::from_pkcs8_pem(&pem);
        key.map(Self).map_err(|_| KeyError::NotAKey {
            path: path.to_owned(),
        })
    }

    /// Writes a new PKCS#8 PEM file with mode 0600, whole or not at all; never replaces one.
    pub fn save_new(&self, path: &Path) -> Result<(), KeyError> {
        let error = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists {
                path: path.to_owned(),
            },
            _ => KeyError::Write {
                path: path.to_owned(),
                source,
            },
        };
        let pem = self
            .keypair()
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|_| KeyError::Encoding)?;
        ligate_files::write_new(path, Readers::Owner, pem.as_bytes())
            .map_err(|failure| error(failure.source))
    }

    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Ed25519 over `domain`, a zero byte and `message`.
    pub fn sign(&self, domain: &str, message: &[u8]) -> Signature {
        self.sign_bytes(&in_domain(domain, message))
    }

    /// A secret of this key for one purpose, always the same one: the hash of a signature that is
    /// never shown.
    pub fn secret(&self, purpose: &str) -> ligate_model::Digest {
        ligate_model::Digest::of(
            "ligate secret",
            &self.sign("ligate secret", purpose.as_bytes()).as_bytes()[..],
        )
    }

    pub(crate) fn sign_bytes(&self, bytes: &[u8]) -> Signature {
        Signature(self.0.sign(bytes).to_bytes())
    }

    /// The key as PKCS#8 DER (version 1, as OpenSSL writes it), for TLS.
    pub fn pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        // RFC 8410: SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.112 }, OCTET STRING { OCTET STRING
        // seed } }
        const HEAD: [u8; 16] = [0x30, 46, 2, 1, 0, 0x30, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];
        Zeroizing::new([HEAD.as_slice(), self.0.as_bytes()].concat())
    }

    fn keypair(&self) -> KeypairBytes {
        KeypairBytes {
            secret_key: self.0.to_bytes(),
            public_key: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        os::unix::fs::{OpenOptionsExt, PermissionsExt},
    };

    use super::*;
    use crate::testing::identity;

    #[test]
    fn the_der_is_what_the_pkcs8_library_writes() {
        let key = identity(1);
        assert_eq!(
            *key.pkcs8_der(),
            *key.keypair().to_pkcs8_der().unwrap().as_bytes()
        );
    }

    #[test]
    fn a_public_key_has_one_text_form() {
        let key = identity(1).public();
        let text = key.to_string();
        assert_eq!(text.len(), PREFIX.len() + 43);
        assert_eq!(text.parse(), Ok(key));
        assert_eq!(
            serde_json::from_str::<PublicKey>(&serde_json::to_string(&key).unwrap()).unwrap(),
            key
        );
        for bad in [
            "",
            "ed25519:",
            &text[8..],
            &text[..50],
            &format!("{text}="),
            &format!("{text}A"),
        ] {
            assert_eq!(bad.parse::<PublicKey>(), Err(InvalidKey), "{bad}");
        }
    }

    #[test]
    fn weak_and_impossible_keys_are_refused() {
        let mut identity_point = [0; 32];
        identity_point[0] = 1;
        assert_eq!(PublicKey::from_bytes(identity_point), Err(InvalidKey));
        assert_eq!(PublicKey::from_bytes([0; 32]), Err(InvalidKey));
        let mut off_curve = [0; 32];
        off_curve[0] = 2;
        assert_eq!(PublicKey::from_bytes(off_curve), Err(InvalidKey));
    }

    #[test]
    fn a_signature_holds_for_its_key_domain_and_message() {
        let key = identity(1);
        let signature = key.sign("round", b"7");
        assert_eq!(key.public().verify("round", b"7", &signature), Ok(()));
        assert_eq!(
            key.public().verify("head", b"7", &signature),
            Err(BadSignature)
        );
        assert_eq!(
            key.public().verify("round", b"8", &signature),
            Err(BadSignature)
        );
        assert_eq!(
            identity(2).public().verify("round", b"7", &signature),
            Err(BadSignature)
        );
        let text = serde_json::to_string(&signature).unwrap();
        assert_eq!(serde_json::from_str::<Signature>(&text).unwrap(), signature);
    }

    #[test]
    fn an_identity_survives_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        identity(1).save_new(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(
            fs::read_to_string(&path)
                .unwrap()
                .starts_with("-----BEGIN PRIVATE KEY-----\n")
        );
        assert_eq!(
            Identity::load(&path).unwrap().public(),
            identity(1).public()
        );
        assert!(matches!(
            identity(2).save_new(&path),
            Err(KeyError::Exists { .. })
        ));
        assert_eq!(
            Identity::load(&path).unwrap().public(),
            identity(1).public()
        );
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        identity(1).save_new(&path).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let message = Identity::load(&path).unwrap_err().to_string();
            assert!(
                message.contains(&format!("chmod 600 {}", path.display())),
                "{message}"
            );
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(Identity::load(&path).is_ok());
    }

    #[test]
    fn a_file_without_a_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .unwrap();
        file.write_all(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
            .unwrap();
        assert!(matches!(
            Identity::load(&path),
            Err(KeyError::NotAKey { .. })
        ));
        assert!(matches!(
            PublicKey::load(&path),
            Err(KeyError::NotAPublicKey { .. })
        ));
    }

    #[test]
    fn a_public_key_survives_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.pub");
        identity(1).public().save(&path).unwrap();
        assert_eq!(PublicKey::load(&path).unwrap(), identity(1).public());
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(
            format!("{:?}", identity(1)),
            format!("Identity({})", identity(1).public())
        );
    }
}

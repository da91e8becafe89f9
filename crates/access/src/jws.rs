//! Permits and jobs as signed text: JWS compact serialisation (RFC 7515) with EdDSA over Ed25519
//! (RFC 8037). This module owns the envelope. It refuses every other algorithm, every header field
//! beyond `alg`, `typ` and `kid` (so any `crit`), another type than asked for, and texts over a
//! bound: 64 KiB, but for lists that grow.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Identity, PublicKey, Signature, keys::decode_base64};

/// The longest permit or job that is looked at.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

const ALGORITHM: &str = "EdDSA";

/// Why a text is no JWS of the wanted type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    #[error("the signed text has {bytes} bytes; at most {most} are read")]
    TooLong { bytes: usize, most: usize },
    #[error("the text is not of the form HEADER.PAYLOAD.SIGNATURE in base64url")]
    Form,
    #[error("the JWS header must hold alg, typ and kid and nothing else")]
    Header,
    #[error("the JWS algorithm is \"{0}\"; only {ALGORITHM} is accepted")]
    Algorithm(String),
    #[error("the text is a \"{found}\", not a \"{expected}\"")]
    Type { found: String, expected: String },
    #[error("the signature does not fit the text and the key it names: it was changed or forged")]
    Signature,
    #[error("the signed claims cannot be read: {0}")]
    Claims(String),
    #[error("the claims cannot be written: {0}")]
    Encoding(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: PublicKey,
}

/// Claims whose signature holds, and who signed them.
#[derive(Debug)]
pub(crate) struct Verified<T> {
    pub claims: T,
    pub signer: PublicKey,
}

impl Identity {
    /// Signs `claims` as a JWS of the given type. The same claims always give the same text.
    pub fn sign_jws<T: Serialize>(&self, typ: &str, claims: &T) -> Result<String, JwsError> {
        self.sign_long_jws(typ, claims, TEXT_BYTES_MAX)
    }

    /// [`sign_jws`](Self::sign_jws) with another bound on the text than that of permits and jobs.
    pub(crate) fn sign_long_jws<T: Serialize>(
        &self,
        typ: &str,
        claims: &T,
        bytes_max: usize,
    ) -> Result<String, JwsError> {
        let header = Header {
            alg: ALGORITHM.into(),
            typ: typ.into(),
            kid: self.public(),
        };
        let text = sign(self, &to_json(&header)?, &to_json(claims)?);
        check_length(&text, bytes_max)?;
        Ok(text)
    }
}

/// Checks a text's envelope and signature against the key that it names. Whether that key may sign
/// is for the caller to decide.
pub(crate) fn verify<T: DeserializeOwned>(text: &str, typ: &str) -> Result<Verified<T>, JwsError> {
    verify_long(text, typ, TEXT_BYTES_MAX)
}

/// [`verify`] with another bound on the text than that of permits and jobs.
pub(crate) fn verify_long<T: DeserializeOwned>(
    text: &str,
    typ: &str,
    bytes_max: usize,
) -> Result<Verified<T>, JwsError> {
    check_length(text, bytes_max)?;
    let parts = Parts::split(text)?;
    let header = read_header(&parts.header)?;
    if header.typ != typ {
        return Err(JwsError::Type {
            found: shorten(&header.typ),
            expected: typ.into(),
        });
    }
    parts.verify(&header.kid)?;
    let claims = serde_json::from_slice(&parts.payload)
        .map_err(|error| JwsError::Claims(error.to_string()))?;
    Ok(Verified {
        claims,
        signer: header.kid,
    })
}

fn check_length(text: &str, most: usize) -> Result<(), JwsError> {
    let bytes = text.len();
    if bytes > most {
        Err(JwsError::TooLong { bytes, most })
    } else {
        Ok(())
    }
}

fn read_header(bytes: &[u8]) -> Result<Header, JwsError> {
    // The algorithm first, so that "none" and its kin are named in the message.
    let any: serde_json::Value = serde_json::from_slice(bytes).map_err(|_| JwsError::Header)?;
    match any.get("alg").and_then(|alg| alg.as_str()) {
        Some(ALGORITHM) => serde_json::from_slice(bytes).map_err(|_| JwsError::Header),
        Some(other) => Err(JwsError::Algorithm(shorten(other))),
        None => Err(JwsError::Header),
    }
}

fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>, JwsError> {
    serde_json::to_vec(value).map_err(|error| JwsError::Encoding(error.to_string()))
}

fn sign(key: &Identity, header: &[u8], payload: &[u8]) -> String {
    let input = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    let signature = key.sign_bytes(input.as_bytes());
    format!("{input}.{signature}")
}

/// The three decoded parts and the text that was signed.
struct Parts<'a> {
    signed: &'a str,
    header: Vec<u8>,
    payload: Vec<u8>,
    signature: Signature,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Result<Self, JwsError> {
        let (signed, signature) = text.rsplit_once('.').ok_or(JwsError::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::Form)?;
        let decode = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Form);
        let signature = decode_base64(signature)
            .map(Signature::from_bytes)
            .ok_or(JwsError::Form)?;
        Ok(Self {
            signed,
            header: decode(header)?,
            payload: decode(payload)?,
            signature,
        })
    }

    fn verify(&self, key: &PublicKey) -> Result<(), JwsError> {
        key.verify_bytes(self.signed.as_bytes(), &self.signature)
            .map_err(|_| JwsError::Signature)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::identity;

    const TYPE: &str = "ligate-permit+jwt";

    /// RFC 8037, appendix A: the private key of A.1, the public key of A.2, the signed text of A.4.
    const RFC8037_PRIVATE: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const RFC8037_PUBLIC: &str = "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const RFC8037_TEXT: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
        hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

    #[test]
    fn signs_and_verifies_the_example_of_rfc_8037() {
        let key = Identity::from_seed(&decode_base64(RFC8037_PRIVATE).unwrap());
        assert_eq!(key.public().to_string(), RFC8037_PUBLIC);
        assert_eq!(
            sign(&key, br#"{"alg":"EdDSA"}"#, b"Example of Ed25519 signing"),
            RFC8037_TEXT
        );
        let parts = Parts::split(RFC8037_TEXT).unwrap();
        assert_eq!(parts.payload, b"Example of Ed25519 signing");
        assert_eq!(parts.verify(&key.public()), Ok(()));
        assert_eq!(
            parts.verify(&identity(1).public()),
            Err(JwsError::Signature)
        );
    }

    #[track_caller]
    fn check_header(header: serde_json::Value, expected: JwsError) {
        let text = sign(&identity(1), header.to_string().as_bytes(), b"7");
        assert_eq!(verify::<u64>(&text, TYPE).unwrap_err(), expected);
    }

    #[test]
    fn claims_come_back_with_their_signer() {
        let text = identity(1).sign_jws(TYPE, &7).unwrap();
        let verified = verify::<u64>(&text, TYPE).unwrap();
        assert_eq!(
            (verified.claims, verified.signer),
            (7, identity(1).public())
        );
        assert_eq!(text, identity(1).sign_jws(TYPE, &7).unwrap());
    }

    #[test]
    fn other_headers_are_refused() {
        let kid = identity(1).public();
        for alg in ["none", "HS256", "ES256", "eddsa", ""] {
            check_header(
                json!({"alg": alg, "typ": TYPE, "kid": kid}),
                JwsError::Algorithm(alg.into()),
            );
        }
        check_header(
            json!({"alg": "EdDSA", "typ": TYPE, "kid": kid, "crit": ["exp"]}),
            JwsError::Header,
        );
        check_header(
            json!({"alg": "EdDSA", "typ": TYPE, "kid": kid, "jwk": {}}),
            JwsError::Header,
        );
        check_header(json!({"alg": "EdDSA", "typ": TYPE}), JwsError::Header);
        check_header(json!({"alg": "EdDSA", "kid": kid}), JwsError::Header);
        check_header(json!({"typ": TYPE, "kid": kid}), JwsError::Header);
        let wrong = JwsError::Type {
            found: "JWT".into(),
            expected: TYPE.into(),
        };
        check_header(json!({"alg": "EdDSA", "typ": "JWT", "kid": kid}), wrong);
        check_header(
            json!({"alg": "EdDSA", "typ": TYPE, "kid": identity(2).public()}),
            JwsError::Signature,
        );
    }

    #[test]
    fn one_changed_character_is_noticed() {
        let text = identity(1).sign_jws(TYPE, &json!({"id": 17})).unwrap();
        for (at, old) in text.char_indices() {
            let new = if old == 'A' { 'B' } else { 'A' };
            let changed = format!("{}{new}{}", &text[..at], &text[at + 1..]);
            assert!(
                verify::<serde_json::Value>(&changed, TYPE).is_err(),
                "at {at}"
            );
        }
    }

    #[test]
    fn malformed_and_long_texts_are_refused() {
        for bad in ["", ".", "..", "a.b", "a.b.c.d", "é.é.é"] {
            assert_eq!(
                verify::<u64>(bad, TYPE).unwrap_err(),
                JwsError::Form,
                "{bad}"
            );
        }
        let long = "A".repeat(TEXT_BYTES_MAX + 1);
        assert_eq!(
            verify::<u64>(&long, TYPE).unwrap_err(),
            JwsError::TooLong {
                bytes: long.len(),
                most: TEXT_BYTES_MAX
            }
        );
        assert!(matches!(
            identity(1).sign_jws(TYPE, &long),
            Err(JwsError::TooLong { .. })
        ));
    }
}

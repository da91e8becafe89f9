//! TLS configurations that show and check raw public keys. Only TLS 1.3, only Ed25519, no
//! resumption: a key that is taken off the list does not get in on an old ticket.

use std::{fmt, sync::Arc};

use ligate_access::{Identity, PublicKey};
use rustls::{
    CertificateError, ClientConfig, CommonState, DigitallySignedStruct, DistinguishedName, Error,
    OtherError, PeerMisbehaved, ServerConfig, SignatureScheme,
    client::{
        AlwaysResolvesClientRawPublicKeys, Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls13_signature_with_raw_key},
    pki_types::{
        CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer,
        UnixTime,
    },
    server::{
        AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
    version::TLS13,
};

use super::TransportError;

/// RFC 8410: SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING { key } }, up to the key.
const SPKI_HEAD: [u8; 12] = [0x30, 42, 0x30, 5, 6, 3, 43, 101, 112, 3, 33, 0];

/// A server that shows `identity` and lets in clients whose key is `allowed`, asked at every
/// handshake.
pub fn server_config(
    identity: &Identity,
    allowed: Arc<dyn Fn(&PublicKey) -> bool + Send + Sync>,
) -> Result<Arc<ServerConfig>, TransportError> {
    let provider = Arc::new(ring::default_provider());
    let key = certified_key(identity, &provider)?;
    let peers = Arc::new(Peers {
        provider: Arc::clone(&provider),
        allowed,
        expected: None,
    });
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(TransportError::Identity)?
        .with_client_cert_verifier(peers)
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(key)));
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A client that shows `identity` and talks to the holder of the key `expected` alone.
pub fn client_config(
    identity: &Identity,
    expected: PublicKey,
) -> Result<Arc<ClientConfig>, TransportError> {
    let provider = Arc::new(ring::default_provider());
    let key = certified_key(identity, &provider)?;
    let allowed = Arc::new(move |key: &PublicKey| *key == expected);
    let peers = Arc::new(Peers {
        provider: Arc::clone(&provider),
        allowed,
        expected: Some(expected),
    });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(TransportError::Identity)?
        .dangerous()
        .with_custom_certificate_verifier(peers)
        .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(key)));
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The key that the other side of a finished handshake showed and proved.
pub fn peer_key(connection: &CommonState) -> Option<PublicKey> {
    match connection.peer_certificates() {
        Some([key]) => parse_spki(key),
        _ => None,
    }
}

fn certified_key(
    identity: &Identity,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TransportError> {
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.pkcs8_der().to_vec()));
    let key = provider
        .key_provider
        .load_private_key(der)
        .map_err(TransportError::Identity)?;
    let spki = [SPKI_HEAD.as_slice(), identity.public().as_bytes()].concat();
    Ok(Arc::new(CertifiedKey::new(
        vec![CertificateDer::from(spki)],
        key,
    )))
}

fn parse_spki(spki: &[u8]) -> Option<PublicKey> {
    let key = spki.strip_prefix(&SPKI_HEAD)?;
    PublicKey::from_bytes(key.try_into().ok()?).ok()
}

/// Accepts the peers whose key is allowed. The signature over the handshake proves that they hold
/// it.
struct Peers {
    provider: Arc<CryptoProvider>,
    allowed: Arc<dyn Fn(&PublicKey) -> bool + Send + Sync>,
    expected: Option<PublicKey>,
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Peers")
    }
}

/// A peer whose key is not the expected one; the client's error says which it was.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the peer's key {found} is not known here")]
pub(super) struct UnknownKey {
    pub(super) found: PublicKey,
    pub(super) expected: Option<PublicKey>,
}

impl Peers {
    fn check(
        &self,
        end_entity: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
    ) -> Result<(), Error> {
        let found = parse_spki(end_entity).filter(|_| others.is_empty());
        let found = found.ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
        if (self.allowed)(&found) {
            return Ok(());
        }
        let unknown = UnknownKey {
            found,
            expected: self.expected,
        };
        Err(Error::InvalidCertificate(CertificateError::Other(
            OtherError(Arc::new(unknown)),
        )))
    }

    fn verify(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let spki = SubjectPublicKeyInfoDer::from(key.as_ref());
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &spki, signature, algorithms)
    }
}

/// TLS 1.2 is not offered, so a peer that signs for it misbehaves.
fn no_tls12() -> Error {
    PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into()
}

impl ClientCertVerifier for Peers {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end_entity, intermediates)
            .map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ServerCertVerifier for Peers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end_entity, intermediates)
            .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

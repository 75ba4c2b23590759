//! TLS with both eyes open: a connection that takes any certificate, so that a bad one can be told in all its faults,
//! and one that takes none but good ones, for what is secret.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion, version,
};

use crate::doctor::Finding;

/// Whom we trust.
pub(super) struct Roots {
    /// The machine's roots, and those that were given.
    pub(super) store: Arc<RootCertStore>,
}

/// How much a connection asks of a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Trust {
    /// Nothing: it is looked at afterwards.
    Nobody,
    /// What a client asks.
    Roots,
}

/// TLS 1.3 where there is a choice.
pub(super) const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];
/// As Android before 10 speaks it.
pub(super) const OLD: &[&SupportedProtocolVersion] = &[&version::TLS12];

impl Roots {
    /// The machine's own, and those of a file (PEM). The platform's verifier is not asked: on some systems it fetches
    /// what a server has forgotten to send, and WeChat's clients do not.
    pub(super) fn load(file: Option<&Path>) -> Result<Self, Finding> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(file) = file {
            let told = |why: String| {
                Finding::fail(
                    "ca",
                    format!("{}: {why}", file.display()),
                    "give a PEM file with the root certificate",
                )
            };
            let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let given = read.map_err(|error| told(error.to_string()))?;
            let (added, _) = store.add_parsable_certificates(given);
            if added == 0 {
                return Err(told("no certificate in it".to_owned()));
            }
        }
        if store.is_empty() {
            let advice = "install the package ca-certificates, or give a root with --ca";
            return Err(Finding::fail("ca", "this machine has no root certificates", advice));
        }
        Ok(Self { store: Arc::new(store) })
    }
}

/// The one cryptography of this program.
pub(super) fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

/// A client of these versions.
pub(super) fn client(
    roots: &Roots,
    trust: Trust,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = provider();
    let onlooker = Onlooker(provider.signature_verification_algorithms);
    let builder = ClientConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(versions)?;
    let mut config = match trust {
        Trust::Nobody => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(onlooker)).with_no_client_auth()
        }
        Trust::Roots => builder.with_root_certificates(Arc::clone(&roots.store)).with_no_client_auth(),
    };
    // A resumed session shows no certificates.
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The name in a handshake; an address is one, too.
pub(super) fn server_name(host: &str) -> io::Result<ServerName<'static>> {
    ServerName::try_from(host.to_owned()).map_err(io::Error::other)
}

/// Looks on: it takes every certificate, and nothing but a true signature of the handshake.
#[derive(Debug)]
struct Onlooker(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

//! Certificates of every kind, made for one test each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, SupportedProtocolVersion, version};

/// The name under which the server is looked at; it need not resolve, the checks say where to connect.
pub(crate) const HOST: &str = "bell.example.test";

/// What a front shows.
#[derive(Clone, Copy)]
pub(crate) enum Shown {
    /// The server's own certificate and its issuer's.
    Whole,
    /// Its own alone.
    WithoutIssuer,
    /// The right chain, the wrong way round.
    Shuffled,
    /// One that ended in 2021.
    Expired,
    /// One for another host.
    OfAnother,
    /// One that it signed itself.
    SelfSigned,
}

/// An authority of one test.
pub(crate) struct Authority {
    root: rcgen::Certificate,
    between: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

impl Authority {
    pub(crate) fn new() -> Self {
        let (root_params, root_key) = (named("Test Root"), KeyPair::generate().unwrap());
        let root = root_params.self_signed(&root_key).unwrap();
        let (params, key) = (named("Test Between"), KeyPair::generate().unwrap());
        let between = params.signed_by(&key, &Issuer::new(root_params, root_key)).unwrap();
        Self { root, between, issuer: Issuer::new(params, key) }
    }

    /// The root in a file.
    pub(crate) fn root(&self, folder: &Path) -> PathBuf {
        let path = folder.join("root.pem");
        std::fs::write(&path, self.root.pem()).unwrap();
        path
    }

    /// TLS as a front does it that shows this, with these versions.
    pub(crate) fn server(
        &self,
        shown: Shown,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let chain = self.chain(shown, &key);
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key);
        Arc::new(config.unwrap())
    }

    fn chain(&self, shown: Shown, key: &KeyPair) -> Vec<CertificateDer<'static>> {
        let host = match shown {
            Shown::OfAnother => "other.example.test",
            _ => HOST,
        };
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, host);
        if let Shown::Expired = shown {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let between = self.between.der().clone();
        if let Shown::SelfSigned = shown {
            return vec![params.self_signed(key).unwrap().der().clone()];
        }
        let own = params.signed_by(key, &self.issuer).unwrap().der().clone();
        match shown {
            Shown::WithoutIssuer => vec![own],
            Shown::Shuffled => vec![own, self.root.der().clone(), between],
            _ => vec![own, between],
        }
    }
}

/// What a front of today speaks.
pub(crate) const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];

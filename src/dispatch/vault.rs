//! Secrets at rest: sealed with the node's key (AES-256-GCM), so that a copy of the database alone opens nothing.
//! The key stands in the data folder with mode 0600, or comes from the configuration.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::clock::random_bytes;

/// The 32 bytes all other secrets of a node hang on.
pub struct NodeKey([u8; 32]);

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key file cannot be read or written.
    #[error("the node key {0}")]
    File(String, #[source] std::io::Error),
    /// Not 32 bytes in base64.
    #[error("the node key is not 32 bytes in base64")]
    BadKey,
    /// Others may read the key file.
    #[error("the node key {0} may be read by others; chmod 600 it")]
    Exposed(String),
    /// The sealed text was made with another key, or is damaged.
    #[error("a sealed secret does not open with this node key")]
    DoesNotOpen,
    /// None of what is in the database opens: the key is of another node.
    #[error(
        "the secrets in this database were sealed with another node key: put the node.key of the folder or node that \
         made it into this data folder, or set secrets.node_key"
    )]
    OtherKey,
}

impl NodeKey {
    /// From the configuration.
    ///
    /// # Errors
    /// `BadKey`.
    pub fn from_base64(text: &str) -> Result<Self, VaultError> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| VaultError::BadKey)?;
        bytes.try_into().map(Self).map_err(|_| VaultError::BadKey)
    }

    /// The key in this file, made if there is none.
    ///
    /// # Errors
    /// `File`, `BadKey`, `Exposed`.
    pub fn from_file(path: &Path) -> Result<Self, VaultError> {
        let told = |error| VaultError::File(path.display().to_string(), error);
        match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => {
                let key = Self(random_bytes());
                file.write_all(STANDARD.encode(key.0).as_bytes()).map_err(told)?;
                file.sync_all().map_err(told)?;
                Ok(key)
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let mode = std::fs::metadata(path).map_err(told)?.permissions().mode();
                if mode & 0o077 != 0 {
                    return Err(VaultError::Exposed(path.display().to_string()));
                }
                Self::from_base64(&std::fs::read_to_string(path).map_err(told)?)
            }
            Err(error) => Err(told(error)),
        }
    }

    /// A key for one purpose, so that no two purposes share one.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        hmac::sign(&key, purpose.as_bytes()).as_ref().try_into().unwrap_or_default()
    }
}

/// Seals and opens.
pub struct Vault {
    key: RandomizedNonceKey,
}

const NONCE_LEN: usize = 12;

impl Vault {
    /// A vault of this node.
    ///
    /// # Errors
    /// `BadKey`, which 32 bytes never are.
    pub fn new(key: &NodeKey) -> Result<Self, VaultError> {
        let key =
            RandomizedNonceKey::new(&AES_256_GCM, &key.derive("vault")).map_err(|_| VaultError::BadKey)?;
        Ok(Self { key })
    }

    /// Seals a secret; `bound_to` must be given again to open it.
    ///
    /// # Errors
    /// `DoesNotOpen` if the cipher refuses, which it does not for short secrets.
    pub fn seal(&self, secret: &[u8], bound_to: &str) -> Result<Vec<u8>, VaultError> {
        let mut sealed = secret.to_vec();
        let aad = Aad::from(bound_to.as_bytes());
        let nonce =
            self.key.seal_in_place_append_tag(aad, &mut sealed).map_err(|_| VaultError::DoesNotOpen)?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Opens a sealed secret.
    ///
    /// # Errors
    /// `DoesNotOpen`.
    pub fn open(&self, sealed: &[u8], bound_to: &str) -> Result<Vec<u8>, VaultError> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(VaultError::DoesNotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::DoesNotOpen)?;
        let mut text = text.to_vec();
        let aad = Aad::from(bound_to.as_bytes());
        let open = self.key.open_in_place(nonce, aad, &mut text).map_err(|_| VaultError::DoesNotOpen)?;
        Ok(open.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{NodeKey, Vault, VaultError};

    #[test]
    fn a_secret_opens_with_its_key_and_its_purpose_only() {
        let folder = tempfile::tempdir().unwrap();
        let key = NodeKey::from_file(&folder.path().join("node.key")).unwrap();
        let vault = Vault::new(&key).unwrap();
        let sealed = vault.seal(b"secret", "app_1").unwrap();
        assert_ne!(sealed, vault.seal(b"secret", "app_1").unwrap(), "no two nonces are alike");
        assert_eq!(vault.open(&sealed, "app_1").unwrap(), b"secret");
        assert!(matches!(vault.open(&sealed, "app_2"), Err(VaultError::DoesNotOpen)));
        assert!(vault.open(&sealed[..5], "app_1").is_err());
        let again = NodeKey::from_file(&folder.path().join("node.key")).unwrap();
        assert_eq!(Vault::new(&again).unwrap().open(&sealed, "app_1").unwrap(), b"secret");
        assert_ne!(key.derive("clips"), key.derive("vault"));
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        NodeKey::from_file(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(NodeKey::from_file(&path), Err(VaultError::Exposed(_))));
    }
}

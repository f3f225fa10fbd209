//! TLS to the server: whose certificates are believed.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use ::scylla::client::session::TlsContext;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::session::unavailable;
use crate::StoreError;

/// Trusts what the authorities in this PEM file signed, and nothing else: a database has an authority of its own.
pub(super) fn trusting(authorities: &Path) -> Result<TlsContext, StoreError> {
    let mut roots = RootCertStore::empty();
    let unusable = |why: String| unavailable(Unusable { file: authorities.to_owned(), why });
    for certificate in CertificateDer::pem_file_iter(authorities).map_err(|error| unusable(error.to_string()))? {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("no certificate in it".to_owned()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unavailable)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsContext::Rustls023(Arc::new(config)))
}

/// Said with the file's name: without it, it is not clear what is not there.
#[derive(Debug, thiserror::Error)]
#[error("the authorities in {}: {why}", .file.display())]
struct Unusable {
    file: PathBuf,
    why: String,
}
